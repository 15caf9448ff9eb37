"""Sprig's functions of dates (date.go); the clock is the run's."""

from datetime import UTC, tzinfo
from functools import lru_cache

from corral.base.annotations import Any
from corral.charts.render import gotime, timelayouts
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.gotime import SECOND, Duration, Time
from corral.charts.render.gotypes import Int32, Int64

FUNCTIONS = Table()
_HTML = "2006-01-02"
_ROUND = (
    ("y", 365 * 24 * 3600 * SECOND),
    ("mo", 30 * 24 * 3600 * SECOND),
    ("d", 24 * 3600 * SECOND),
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
)


def _now(run: Any) -> Time:
    return Time(run.options.now())


FUNCTIONS.add("now", wants_run=True)(_now)


def _moment(run: Any, date: Any) -> Time:
    if isinstance(date, Time):
        return date
    if date.__class__ in (int, Int64, Int32):
        return gotime.from_unix(date)
    return _now(run)


@lru_cache(64)
def _location(name: str) -> tzinfo | None:
    """The zone of a name, UTC for one that is not known; None is the machine's."""
    if name == "Local":
        return None
    if name in ("", "UTC"):
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


@FUNCTIONS.add("dateInZone date_in_zone", "string", ANY, "string", wants_run=True)
def _date_in_zone(run: Any, layout: str, date: Any, zone: str) -> str:
    return _moment(run, date).within(_location(zone)).format(layout)


@FUNCTIONS.add("date", "string", ANY, wants_run=True)
def _date(run: Any, layout: str, date: Any) -> str:
    return str(_date_in_zone(run, layout, date, "Local"))


@FUNCTIONS.add("htmlDate", ANY, wants_run=True)
def _html_date(run: Any, date: Any) -> str:
    return str(_date_in_zone(run, _HTML, date, "Local"))


@FUNCTIONS.add("htmlDateInZone", ANY, "string", wants_run=True)
def _html_date_in_zone(run: Any, date: Any, zone: str) -> str:
    return str(_date_in_zone(run, _HTML, date, zone))


@FUNCTIONS.add("dateModify date_modify", "string", "time.Time")
def _date_modify(text: str, date: Time) -> Time:
    try:
        return date.plus(gotime.parse_duration(text))
    except (ValueError, OverflowError):
        return date


@FUNCTIONS.add("mustDateModify must_date_modify", "string", "time.Time")
def _must_date_modify(text: str, date: Time) -> Time:
    try:
        return date.plus(gotime.parse_duration(text))
    except (ValueError, OverflowError) as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("toDate", "string", "string")
def _to_date(layout: str, text: str) -> Time:
    try:
        return timelayouts.parse(layout, text)
    except (ValueError, OverflowError):
        return gotime.ZERO


@FUNCTIONS.add("mustToDate", "string", "string")
def _must_to_date(layout: str, text: str) -> Time:
    try:
        return timelayouts.parse(layout, text)
    except (ValueError, OverflowError) as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("unixEpoch", "time.Time")
def _unix_epoch(date: Time) -> str:
    return str(int(date.unix()))


@FUNCTIONS.add("ago", ANY, wants_run=True)
def _ago(run: Any, date: Any) -> str:
    return _now(run).minus(_moment(run, date)).rounded(Duration(SECOND)).shown()


@FUNCTIONS.add("duration", ANY)
def _duration(seconds: Any) -> str:
    if isinstance(seconds, str):
        from corral.charts.render.functions.numbers import FUNCTIONS as NUMBERS

        seconds = NUMBERS["atoi"].call(seconds)
    elif seconds.__class__ is not Int64:
        seconds = 0
    return gotime.format_duration((int(seconds) * SECOND + 2**63) % 2**64 - 2**63)


@FUNCTIONS.add("durationRound", ANY, wants_run=True)
def _duration_round(run: Any, duration: Any) -> str:
    amount = 0
    if isinstance(duration, str):
        try:
            amount = int(gotime.parse_duration(duration))
        except ValueError:
            amount = 0
    elif duration.__class__ is Int64:
        amount = int(duration)
    elif isinstance(duration, Time):
        amount = int(_now(run).minus(duration))
    for unit, size in _ROUND:
        if abs(amount) > size:
            return f"{abs(amount) // size}{unit}"
    return "0s"
