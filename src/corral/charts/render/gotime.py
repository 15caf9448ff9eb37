"""Go's time: moments, months, days of the week, durations."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from corral.base.patterns import pattern
from corral.charts.render.gotypes import Int64, Sized, Struct, encoded, int64

SECOND = 1_000_000_000
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART = pattern(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST"


class Month(Sized):
    """time.Month."""

    __slots__ = ()
    go_type = "time.Month"
    kind = "int"

    def shown(self) -> str:
        """Its name."""
        return MONTHS[self - 1]


class Weekday(Sized):
    """time.Weekday: 0 is Sunday."""

    __slots__ = ()
    go_type = "time.Weekday"
    kind = "int"

    def shown(self) -> str:
        """Its name."""
        return DAYS[self - 1]


class Duration(Sized):
    """time.Duration: nanoseconds."""

    __slots__ = ()
    go_type = "time.Duration"
    kind = "int64"
    methods = {  # noqa: RUF012
        "String": ("shown", ()),
        "Hours": ("hours", ()),
        "Minutes": ("minutes", ()),
        "Seconds": ("seconds", ()),
        "Milliseconds": ("milliseconds", ()),
        "Nanoseconds": ("nanoseconds", ()),
        "Round": ("rounded", ("time.Duration",)),
        "Truncate": ("truncated", ("time.Duration",)),
    }

    def shown(self) -> str:
        """As Go prints it: 1h2m3.5s."""
        return format_duration(self)

    def hours(self) -> float:
        """In hours."""
        return self / (3600 * SECOND)

    def minutes(self) -> float:
        """In minutes."""
        return self / (60 * SECOND)

    def seconds(self) -> float:
        """In seconds."""
        return self / SECOND

    def milliseconds(self) -> Int64:
        """In whole milliseconds."""
        return Int64(abs(self) // 1_000_000 * (1 if self >= 0 else -1))

    def nanoseconds(self) -> Int64:
        """In nanoseconds."""
        return Int64(self)

    def truncated(self, unit: "Duration") -> "Duration":
        """Down to whole units."""
        return Duration(self - self.rest(unit)) if unit > 0 else self

    def rounded(self, unit: "Duration") -> "Duration":
        """To the nearest whole units, halves away from zero."""
        if unit <= 0:
            return self
        rest = abs(self.rest(unit))
        whole = abs(self) - rest
        whole += unit if rest * 2 >= unit else 0
        return Duration(whole if self >= 0 else -whole)

    def rest(self, unit: int) -> int:
        """What is beyond whole units, with its sign."""
        return abs(self) % unit * (1 if self >= 0 else -1)


def parse_duration(text: str) -> Duration:
    """time.ParseDuration. Raises ValueError in Go's words."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return Duration(0)
    if not rest:
        raise ValueError(f"time: invalid duration {quoted(text)}")
    total, at = 0, 0
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None or not (match[1] or match[2]):
            raise ValueError(_bad_duration(text, rest, at))
        unit = _UNITS[match[3]]
        fraction = match[2] or ""
        total += int(match[1] or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        at = match.end()
    if total > 2**63 - 1:
        raise ValueError(f"time: invalid duration {quoted(text)}")
    return Duration(-total if text[0] == "-" else total)


def _bad_duration(text: str, rest: str, at: int) -> str:
    match = re.compile(r"[0-9]*\.?[0-9]*").match(rest, at)
    stop = match.end() if match else at
    if stop == at or rest[at:stop] == ".":
        return f"time: invalid duration {quoted(text)}"
    if stop == len(rest):
        return f"time: missing unit in duration {quoted(text)}"
    unit = re.split(r"[0-9.]", rest[stop:])[0]
    return f"time: unknown unit {quoted(unit)} in duration {quoted(text)}"


def format_duration(nanoseconds: int) -> str:
    """Duration.String."""
    if not nanoseconds:
        return "0s"
    sign = "-" if nanoseconds < 0 else ""
    amount = abs(nanoseconds)
    if amount < SECOND:
        for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
            if amount < size * 1000:
                return sign + _decimal(amount, size) + unit
    hours, rest = divmod(amount, 3600 * SECOND)
    minutes, rest = divmod(rest, 60 * SECOND)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return sign + head + _decimal(rest, SECOND) + "s"


def _decimal(amount: int, size: int) -> str:
    whole, rest = divmod(amount, size)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(size)) - 1}d}".rstrip("0")


#: The calendar repeats itself after so many years and days, weekdays included.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


class Time(Struct):
    """time.Time: a moment with its zone, to the nanosecond.

    A text without a year is one of the year 0, which Python does not have: `earlier` counts the cycles of 400 years that a
    time is before its `moment`.
    """

    __slots__ = ("earlier", "moment", "nanosecond")
    go_type = "time.Time"
    pointer = False
    methods = {  # noqa: RUF012
        **{
            name: (name.lower(), ())
            for name in ("Year", "Month", "Day", "Hour", "Minute", "Second", "Weekday", "Unix", "Local")
        },
        "UTC": ("utc", ()),
        "YearDay": ("year_day", ()),
        "UnixNano": ("unix_nano", ()),
        "Nanosecond": ("nanoseconds", ()),
        "Format": ("format", ("string",)),
        "String": ("shown", ()),
        "IsZero": ("is_zero", ()),
        "Add": ("plus", ("time.Duration",)),
        "AddDate": ("plus_date", ("int", "int", "int")),
        "Sub": ("minus", ("time.Time",)),
        "Before": ("before", ("time.Time",)),
        "After": ("after", ("time.Time",)),
        "Equal": ("equal", ("time.Time",)),
    }

    def __init__(self, moment: datetime, nanosecond: int | None = None, earlier: int = 0) -> None:
        while earlier and moment.year > _CYCLE_YEARS:
            moment, earlier = moment.replace(year=moment.year - _CYCLE_YEARS), earlier - 1
        self.moment = moment.replace(microsecond=0)
        self.nanosecond = moment.microsecond * 1000 if nanosecond is None else nanosecond
        self.earlier = earlier

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and not self.minus(other)

    def __hash__(self) -> int:
        return hash((self.unix(), self.nanosecond))

    def shown(self) -> str:
        """As Go prints it."""
        return self.format(_LAYOUT)

    def as_json(self) -> str:
        """RFC 3339 with nanoseconds."""
        return self.format("2006-01-02T15:04:05.999999999Z07:00")

    def format(self, layout: str) -> str:
        """By a layout of Go."""
        from corral.charts.render import timelayouts

        return timelayouts.formatted(self, layout)

    def year(self) -> int:
        """The year."""
        return self.moment.year - self.earlier * _CYCLE_YEARS

    def month(self) -> Month:
        """The month."""
        return Month(self.moment.month)

    def day(self) -> int:
        """The day of the month."""
        return self.moment.day

    def hour(self) -> int:
        """The hour."""
        return self.moment.hour

    def minute(self) -> int:
        """The minute."""
        return self.moment.minute

    def second(self) -> int:
        """The second."""
        return self.moment.second

    def nanoseconds(self) -> int:
        """The nanosecond within the second."""
        return self.nanosecond

    def weekday(self) -> Weekday:
        """The day of the week."""
        return Weekday(self.moment.isoweekday() % 7)

    def year_day(self) -> int:
        """The day of the year."""
        return self.moment.timetuple().tm_yday

    def unix(self) -> Int64:
        """Seconds since 1970."""
        return Int64((self._since_1() - _BEFORE_1970) // timedelta(seconds=1))

    def _since_1(self) -> timedelta:
        """The time since the first moment of year 1."""
        return self.moment - ZERO.moment - timedelta(days=self.earlier * _CYCLE_DAYS)

    def unix_nano(self) -> Int64:
        """Nanoseconds since 1970."""
        return int64(int(self.unix()) * SECOND + self.nanosecond)

    def is_zero(self) -> bool:
        """Whether it is the first moment of year 1."""
        return self == ZERO

    def utc(self) -> "Time":
        """The same moment in UTC."""
        return self.within(UTC)

    def local(self) -> "Time":
        """The same moment in the machine's zone."""
        return self.within(None)

    def within(self, zone: tzinfo | None) -> "Time":
        """The same moment in a zone (None: the machine's)."""
        return Time(self.moment.astimezone(zone), self.nanosecond, self.earlier)

    def plus(self, duration: int) -> "Time":
        """Later by a duration."""
        seconds, nanosecond = divmod(self.nanosecond + duration, SECOND)
        zone = self.moment.tzinfo
        return Time((self.moment.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(zone), nanosecond, self.earlier)

    def plus_date(self, years: int, months: int, days: int) -> "Time":
        """Later by years, months and days; a day that is not there runs into the next month."""
        month = self.moment.year * 12 + self.moment.month - 1 + years * 12 + months
        first = self.moment.replace(year=month // 12, month=month % 12 + 1, day=1)
        return Time(first + timedelta(days=self.moment.day - 1 + days), self.nanosecond, self.earlier)

    def minus(self, other: "Time") -> Duration:
        """The duration since another moment."""
        seconds = (self._since_1() - other._since_1()) // timedelta(seconds=1)
        return Duration(seconds * SECOND + self.nanosecond - other.nanosecond)

    def before(self, other: "Time") -> bool:
        """Whether it is before another moment."""
        return self.minus(other) < 0

    def after(self, other: "Time") -> bool:
        """Whether it is after another moment."""
        return self.minus(other) > 0

    def equal(self, other: "Time") -> bool:
        """Whether it is the same moment."""
        return not self.minus(other)


ZERO = Time(datetime(1, 1, 1, tzinfo=UTC))
_BEFORE_1970 = datetime(1970, 1, 1, tzinfo=UTC) - ZERO.moment


def of_year(year: int, month: int, day: int, hour: int, minute: int, second: int) -> tuple[datetime, int]:
    """A moment in no zone, and how many cycles it stands for earlier. Raises ValueError."""
    earlier = 0 if year >= 1 else 1
    return datetime(year + earlier * _CYCLE_YEARS, month, day, hour, minute, second), earlier


def quoted(text: str) -> str:
    """A text as Go's errors of times quote it: escaped is what is not ASCII, too, byte by byte."""
    made = ["\\" + char if char in '"\\' else char if " " <= char <= "\x7f" else _hexadecimal(char) for char in text]
    return '"' + "".join(made) + '"'


def _hexadecimal(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in encoded(char))


def from_unix(seconds: int) -> Time:
    """The moment of a number of seconds since 1970, in the machine's zone."""
    try:
        return Time((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))).astimezone())
    except OverflowError:
        return ZERO
