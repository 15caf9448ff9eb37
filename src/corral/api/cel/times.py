"""Timestamps and durations of CEL: reading, writing, and their parts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from corral.api.cel.errors import EvaluationError
from corral.api.cel.values import SECOND_NS, Duration, Timestamp
from corral.api.stringformats import go_duration_ns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339. Raises EvaluationError."""
    match = _RFC3339.fullmatch(text)
    fault = EvaluationError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"')
    if match is None:
        raise fault
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise fault from None
    offset_s = (int(match[9]) * 3600 + int(match[10]) * 60) * (-1 if match[8] == "-" else 1) if match[8] else 0
    whole = (moment - _EPOCH) // timedelta(seconds=1) - offset_s
    return Timestamp(whole * SECOND_NS + int((match[7] or "0")[:9].ljust(9, "0")))


def parse_duration(text: str) -> Duration:
    """Go's durations: `1h30m`. Raises EvaluationError."""
    try:
        return Duration(go_duration_ns(text))
    except ValueError as error:
        raise EvaluationError(str(error)) from None


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 with as many digits as are needed."""
    seconds, rest = divmod(value.ns, SECOND_NS)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{fraction}Z"


def duration_text(value: Duration) -> str:
    """Seconds: `5400s`."""
    whole, rest = divmod(abs(value.ns), SECOND_NS)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if value.ns < 0 else ''}{whole}{fraction}s"


def _zone(name: str) -> tzinfo:
    match = re.fullmatch(r"([+-]?)(\d\d):(\d\d)", name)
    if match:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise EvaluationError(f"unknown time zone {name}") from None


#: What a timestamp can be asked for.
PARTS: dict[str, Callable[[datetime, int], int]] = {
    "getFullYear": lambda at, _ns: at.year,
    "getMonth": lambda at, _ns: at.month - 1,
    "getDate": lambda at, _ns: at.day,
    "getDayOfMonth": lambda at, _ns: at.day - 1,
    "getDayOfWeek": lambda at, _ns: at.isoweekday() % 7,
    "getDayOfYear": lambda at, _ns: at.timetuple().tm_yday - 1,
    "getHours": lambda at, _ns: at.hour,
    "getMinutes": lambda at, _ns: at.minute,
    "getSeconds": lambda at, _ns: at.second,
    "getMilliseconds": lambda _at, ns: ns % SECOND_NS // 10**6,
}
#: What a duration can be asked for, and how many nanoseconds one is.
UNITS = {"getHours": 3600 * 10**9, "getMinutes": 60 * 10**9, "getSeconds": 10**9, "getMilliseconds": 10**6}


def part_of(name: str) -> Callable[..., int]:
    """The function for one part of a timestamp, in UTC or in a zone."""
    part = PARTS[name]

    def of(value: Timestamp, zone: str = "") -> int:
        try:
            moment = (_EPOCH + timedelta(seconds=value.ns // SECOND_NS)).astimezone(_zone(zone) if zone else UTC)
        except (OverflowError, ValueError):
            raise EvaluationError("timestamp overflow") from None
        return part(moment, value.ns)

    return of


def unit_of(unit_ns: int) -> Callable[[Any], int]:
    """The function for a duration in whole units."""

    def of(value: Duration) -> int:
        return (abs(value.ns) // unit_ns) * (-1 if value.ns < 0 else 1)

    return of
