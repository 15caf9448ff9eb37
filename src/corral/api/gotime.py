"""Times as Go parses and prints them: RFC 3339 in, UTC out, and the words for what is none."""

import re
from datetime import datetime, timedelta

_FULL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MICRO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{6})(Z|[+-]\d\d:\d\d)", re.ASCII)
LAYOUT = "2006-01-02T15:04:05Z07:00"
MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
#: The elements of the layouts, each with what it matches.
_ELEMENTS = (
    *(("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T")),
    *(("15", r"\d\d"), (":", ":"), ("04", r"\d\d"), (":", ":"), ("05", r"\d\d")),
)
_RANGES = (("month", 5, 1, 12), ("day", 8, 1, 31), ("hour", 11, 0, 23), ("minute", 14, 0, 59), ("second", 17, 0, 59))


def normal(text: str, *, micro: bool = False) -> str:
    """`text` in UTC with whole seconds (`micro`: six decimals). Raises ValueError in Go's words."""
    match = (_MICRO if micro else _FULL).fullmatch(text)
    if match is None:
        raise ValueError(_unparsable(text, micro))
    try:
        moment = datetime.fromisoformat(match[1])
    except ValueError:
        raise ValueError(_out_of_range(text)) from None
    if text[11:13] == "24":  # The end of the day, to ISO 8601; no hour, to Go.
        raise ValueError(_out_of_range(text))
    if match[3] == "Z":
        return text if micro or match[2] is None else match[1] + "Z"
    hours, minutes = int(match[3][1:3]), int(match[3][4:])
    offset = timedelta(hours=hours, minutes=minutes)
    moment = moment - offset if match[3][0] == "+" else moment + offset
    return moment.isoformat() + (match[2] if micro else "") + "Z"


def _unparsable(text: str, micro: bool) -> str:
    layout = MICRO_LAYOUT if micro else LAYOUT
    rest = text
    fraction = (".000000", r"\.\d{6}") if micro else ("", r"([.,]\d+)?")
    for element, pattern in (*_ELEMENTS, fraction, ("Z07:00", r"Z|[+-]\d\d:\d\d")):
        match = re.match(pattern, rest, re.ASCII)
        if match is None:
            return f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{element}"'
        rest = rest[match.end() :]
    return f'parsing time "{text}": extra text: "{rest}"'


def _out_of_range(text: str) -> str:
    for name, at, least, most in _RANGES:
        if not least <= int(text[at : at + 2]) <= most:
            return f'parsing time "{text}": {name} out of range'
    return f'parsing time "{text}": day out of range'
