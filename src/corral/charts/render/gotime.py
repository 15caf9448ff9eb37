"""Go's time: moments, durations, and the layouts that they are printed and read by (`2006-01-02 15:04:05`)."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from corral.charts.render.gotypes import Int64, Sized, Struct, int64

NANOSECOND = 1
SECOND = 1_000_000_000
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_MONTHS = (
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
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ELEMENT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|__2|_2(?!006)|2|3|4|5|PM|pm"
    r"|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|[.,](?:0+|9+)(?![0-9])",
)
_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST"


class Month(Sized):
    """time.Month."""

    __slots__ = ()
    go_type = "time.Month"
    kind = "int"

    def shown(self) -> str:
        """Its name."""
        return _MONTHS[self - 1]


class Weekday(Sized):
    """time.Weekday: 0 is Sunday."""

    __slots__ = ()
    go_type = "time.Weekday"
    kind = "int"

    def shown(self) -> str:
        """Its name."""
        return _DAYS[self - 1]


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
    from corral.charts.render.strconv import quote

    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return Duration(0)
    if not rest:
        raise ValueError(f"time: invalid duration {quote(text)}")
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
        raise ValueError(f"time: invalid duration {quote(text)}")
    return Duration(-total if text[0] == "-" else total)


def _bad_duration(text: str, rest: str, at: int) -> str:
    from corral.charts.render.strconv import quote

    match = re.compile(r"[0-9]*\.?[0-9]*").match(rest, at)
    stop = match.end() if match else at
    if stop == at or rest[at:stop] == ".":
        return f"time: invalid duration {quote(text)}"
    if stop == len(rest):
        return f"time: missing unit in duration {quote(text)}"
    unit = re.split(r"[0-9.]", rest[stop:])[0]
    return f"time: unknown unit {quote(unit)} in duration {quote(text)}"


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


class Time(Struct):
    """time.Time: a moment with its zone, to the nanosecond."""

    __slots__ = ("moment", "nanosecond")
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

    def __init__(self, moment: datetime, nanosecond: int | None = None) -> None:
        self.moment = moment.replace(microsecond=0)
        self.nanosecond = moment.microsecond * 1000 if nanosecond is None else nanosecond

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.moment == other.moment and self.nanosecond == other.nanosecond

    def __hash__(self) -> int:
        return hash((self.moment, self.nanosecond))

    def shown(self) -> str:
        """As Go prints it."""
        return self.format(_LAYOUT)

    def as_json(self) -> str:
        """RFC 3339 with nanoseconds."""
        return self.format("2006-01-02T15:04:05.999999999Z07:00")

    def format(self, layout: str) -> str:
        """By a layout of Go."""
        return _ELEMENT.sub(lambda match: _formatted(self, match[0]), layout)

    def year(self) -> int:
        """The year."""
        return self.moment.year

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
        return Int64((self.moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))

    def unix_nano(self) -> Int64:
        """Nanoseconds since 1970."""
        return int64(int(self.unix()) * SECOND + self.nanosecond)

    def is_zero(self) -> bool:
        """Whether it is the first moment of year 1."""
        return self == ZERO

    def utc(self) -> "Time":
        """The same moment in UTC."""
        return Time(self.moment.astimezone(UTC), self.nanosecond)

    def local(self) -> "Time":
        """The same moment in the machine's zone."""
        return Time(self.moment.astimezone(), self.nanosecond)

    def within(self, zone: tzinfo | None) -> "Time":
        """The same moment in a zone (None: the machine's)."""
        return Time(self.moment.astimezone(zone), self.nanosecond)

    def plus(self, duration: int) -> "Time":
        """Later by a duration."""
        seconds, nanosecond = divmod(self.nanosecond + duration, SECOND)
        zone = self.moment.tzinfo
        return Time((self.moment.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(zone), nanosecond)

    def plus_date(self, years: int, months: int, days: int) -> "Time":
        """Later by years, months and days; a day that is not there runs into the next month."""
        month = self.moment.year * 12 + self.moment.month - 1 + years * 12 + months
        first = self.moment.replace(year=month // 12, month=month % 12 + 1, day=1)
        return Time(first + timedelta(days=self.moment.day - 1 + days), self.nanosecond)

    def minus(self, other: "Time") -> Duration:
        """The duration since another moment."""
        seconds = (self.moment - other.moment) // timedelta(seconds=1)
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


def from_unix(seconds: int) -> Time:
    """The moment of a number of seconds since 1970, in the machine's zone."""
    try:
        return Time((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))).astimezone())
    except OverflowError:
        return ZERO


def _formatted(time: Time, element: str) -> str:
    moment = time.moment
    simple = _FORMATS.get(element)
    if simple is not None:
        return str(simple(moment))
    if element[0] in ".,":
        digits = f"{time.nanosecond:09d}"[: len(element) - 1]
        if element[1] == "9":
            digits = digits.rstrip("0")
            return element[0] + digits if digits else ""
        return element[0] + digits
    return _zone(moment, element)


_FORMATS: dict[str, Any] = {
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "1": lambda at: at.month,
    "01": lambda at: f"{at.month:02d}",
    "Monday": lambda at: _DAYS[at.weekday()],
    "Mon": lambda at: _DAYS[at.weekday()][:3],
    "2": lambda at: at.day,
    "_2": lambda at: f"{at.day:2d}",
    "02": lambda at: f"{at.day:02d}",
    "002": lambda at: f"{at.timetuple().tm_yday:03d}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3d}",
    "15": lambda at: f"{at.hour:02d}",
    "3": lambda at: at.hour % 12 or 12,
    "03": lambda at: f"{at.hour % 12 or 12:02d}",
    "4": lambda at: at.minute,
    "04": lambda at: f"{at.minute:02d}",
    "5": lambda at: at.second,
    "05": lambda at: f"{at.second:02d}",
    "2006": lambda at: f"{at.year:04d}",
    "06": lambda at: f"{at.year % 100:02d}",
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
    "MST": lambda at: (
        at.tzname() if not (at.tzname() or "").startswith("UTC") or at.tzname() == "UTC" else _offset(at, "-0700")
    ),
}


def _offset(moment: datetime, element: str) -> str:
    offset = moment.utcoffset() or timedelta()
    total = int(offset.total_seconds())
    sign, total = ("-", -total) if total < 0 else ("+", total)
    hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    colon = ":" if ":" in element else ""
    parts = [f"{hours:02d}"]
    if len(element.replace(":", "")) >= 5:
        parts.append(f"{minutes:02d}")
    if len(element.replace(":", "")) >= 7:
        parts.append(f"{seconds:02d}")
    return sign + colon.join(parts)


def _zone(moment: datetime, element: str) -> str:
    if element[0] == "Z" and not moment.utcoffset():
        return "Z"
    return _offset(moment, element)


_READS = {
    **{
        "2006": r"\d{4}",
        "06": r"\d\d",
        "01": r"\d\d",
        "1": r"\d\d?",
        "02": r"\d\d",
        "_2": r" ?\d\d?",
        "2": r" ?\d\d?",
        "002": r"\d{3}",
    },
    **{
        "__2": r" {0,2}\d{1,3}",
        "15": r"\d\d",
        "03": r"\d\d",
        "3": r"\d\d?",
        "04": r"\d\d",
        "4": r"\d\d?",
        "05": r"\d\d",
        "5": r"\d\d?",
    },
    **{"January": "|".join(_MONTHS), "Jan": "|".join(name[:3] for name in _MONTHS), "Monday": "|".join(_DAYS)},
    **{
        "Mon": "|".join(name[:3] for name in _DAYS),
        "PM": "AM|PM",
        "pm": "am|pm",
        "MST": r"UTC|[A-Z]{3,4}[ST]?(?:[+-]\d{1,2})?",
    },
    **{
        "-0700": r"[+-]\d{4}",
        "-07:00": r"[+-]\d\d:\d\d",
        "-07": r"[+-]\d\d",
        "-070000": r"[+-]\d{6}",
        "-07:00:00": r"[+-]\d\d:\d\d:\d\d",
    },
    **{"Z0700": r"Z|[+-]\d{4}", "Z07:00": r"Z|[+-]\d\d:\d\d", "Z07": r"Z|[+-]\d\d", "Z070000": r"Z|[+-]\d{6}"},
    "Z07:00:00": r"Z|[+-]\d\d:\d\d:\d\d",
}
_LIMITS = (("month", 1, 12), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59))


def parse(layout: str, text: str) -> Time:
    """time.ParseInLocation, in the machine's zone. Raises ValueError in Go's words."""
    from corral.charts.render.strconv import quote

    found: dict[str, str] = {}
    at = last = 0
    for match in [*_ELEMENT.finditer(layout), None]:
        literal = layout[last : match.start() if match else len(layout)]
        if not text.startswith(literal, at):
            raise ValueError(
                f"parsing time {quote(text)} as {quote(layout)}: cannot parse {quote(text[at:])} as {quote(literal)}"
            )
        at += len(literal)
        if match is None:
            break
        last = match.end()
        at = _read(layout, text, match[0], at, found)
        if (
            match[0] in ("05", "5")
            and layout[last : last + 1] not in (".", ",")
            and (part := re.compile(r"[.,]\d+").match(text, at))
        ):
            found["fraction"] = part[0][1:]
            at = part.end()
    if at < len(text):
        raise ValueError(f"parsing time {quote(text)}: extra text: {quote(text[at:])}")
    return _assembled(text, found)


def _read(layout: str, text: str, element: str, at: int, found: dict[str, str]) -> int:
    from corral.charts.render.strconv import quote

    if element[0] in ".,":
        size = f"{{{len(element) - 1}}}" if element[1] == "0" else "*"
        pattern = rf"[.,]\d{size}" if element[1] == "0" else r"(?:[.,]\d+)?"
    else:
        pattern = _READS[element]
    part = re.compile(pattern, re.ASCII | re.IGNORECASE if element[0] in "JM" and element != "MST" else re.ASCII).match(
        text, at
    )
    if part is None:
        if element == "2006" and text[at : at + 1].isdigit() and len(text) >= at + 4:
            at += 4  # Go has taken the four characters by then
        raise ValueError(f"parsing time {quote(text)} as {quote(layout)}: cannot parse {quote(text[at:])} as {quote(element)}")
    found["fraction" if element[0] in ".," else element] = part[0].lstrip(".,") if element[0] in ".," else part[0].strip()
    return part.end()


def _number(found: dict[str, str], *elements: str, fallback: int) -> int:
    return next((int(found[element]) for element in elements if element in found), fallback)


def _assembled(text: str, found: dict[str, str]) -> Time:
    year = _number(found, "2006", fallback=-1)
    if year < 0:
        short = _number(found, "06", fallback=-1)
        year = 0 if short < 0 else short + (1900 if short >= 69 else 2000)
    month = _number(found, "01", "1", fallback=0)
    for element in ("January", "Jan"):
        if element in found:
            month = next(i for i, name in enumerate(_MONTHS, 1) if name[:3].lower() == found[element][:3].lower())
    hour = _number(found, "15", fallback=-1)
    if hour < 0:
        hour = _number(found, "03", "3", fallback=0)
    half = found.get("PM", found.get("pm", "")).lower()
    if half == "pm" and hour < 12:
        hour += 12
    elif half == "am" and hour == 12:
        hour = 0
    minute, second = _number(found, "04", "4", fallback=0), _number(found, "05", "5", fallback=0)
    has_month = any(element in found for element in ("01", "1", "January", "Jan"))
    for (name, least, most), value in zip(_LIMITS, (month if has_month else 1, hour, minute, second), strict=True):
        if not least <= value <= most:
            raise ValueError(f'parsing time "{text}": {name} out of range')
    return _placed(text, found, (year, month or 1, hour, minute, second))


def _placed(text: str, found: dict[str, str], parts: tuple[int, int, int, int, int]) -> Time:
    year, month, hour, minute, second = parts
    day = _number(found, "02", "_2", "2", fallback=1)
    year_day = _number(found, "002", "__2", fallback=0)
    nanosecond = int((found.get("fraction") or "0").ljust(9, "0")[:9])
    try:
        moment = datetime(max(year, 1), month, day, hour, minute, second)
    except ValueError:
        raise ValueError(f'parsing time "{text}": day out of range') from None
    if year_day:
        moment = moment.replace(month=1, day=1) + timedelta(days=year_day - 1)
    zone = next((found[element] for element in found if element[0] in "-Z"), None)
    if zone is not None:
        return Time(moment.replace(tzinfo=_fixed(zone)), nanosecond)
    name = found.get("MST")
    if name and name != "UTC":
        local = moment.astimezone()
        hours = int(name[3:]) if name.startswith("GMT") and name[3:] else 0
        return Time(
            local if local.tzname() == name else moment.replace(tzinfo=timezone(timedelta(hours=hours), name)), nanosecond
        )
    return Time(moment.replace(tzinfo=UTC) if name else moment.astimezone(), nanosecond)


def _fixed(zone: str) -> tzinfo:
    if zone == "Z":
        return UTC
    digits = zone[1:].replace(":", "").ljust(6, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    offset = -offset if zone[0] == "-" else offset
    local = datetime.now().astimezone()
    if local.utcoffset() == offset:
        return local.tzinfo or UTC
    return timezone(offset)
