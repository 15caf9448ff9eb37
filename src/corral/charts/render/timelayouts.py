"""Go's layouts of times, which are examples: `2006-01-02 15:04:05`."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from corral.base.annotations import Any
from corral.base.patterns import pattern
from corral.charts.render.gotime import DAYS, MONTHS, Time, of_year, quoted

_ELEMENT = pattern(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|__2|_2(?!006)|2|3|4|5|PM|pm"
    r"|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|[.,](?:0+|9+)(?![0-9])",
)


def formatted(time: Time, layout: str) -> str:
    """A moment by a layout."""
    return _ELEMENT.sub(lambda match: _element(time, match[0]), layout)


def _element(time: Time, element: str) -> str:
    moment = time.moment
    simple = _FORMATS.get(element)
    if simple is not None:
        return str(simple(moment))
    if element in ("2006", "06"):
        return f"{time.year():04d}" if element == "2006" else f"{time.year() % 100:02d}"
    if element[0] in ".,":
        digits = f"{time.nanosecond:09d}"[: len(element) - 1]
        if element[1] == "9":
            digits = digits.rstrip("0")
            return element[0] + digits if digits else ""
        return element[0] + digits
    return _zone(moment, element)


_FORMATS: dict[str, Any] = {
    "January": lambda at: MONTHS[at.month - 1],
    "Jan": lambda at: MONTHS[at.month - 1][:3],
    "1": lambda at: at.month,
    "01": lambda at: f"{at.month:02d}",
    "Monday": lambda at: DAYS[at.weekday()],
    "Mon": lambda at: DAYS[at.weekday()][:3],
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
    "2006": r"\d{4}",
    "06": r"\d\d",
    "01": r"\d\d",
    "1": r"\d\d?",
    "02": r"\d\d",
    "_2": r" ?\d\d?",
    "2": r" ?\d\d?",
    "002": r"\d{3}",
    "__2": r" {0,2}\d{1,3}",
    "15": r"\d\d",
    "03": r"\d\d",
    "3": r"\d\d?",
    "04": r"\d\d",
    "4": r"\d\d?",
    "05": r"\d\d",
    "5": r"\d\d?",
    "January": "|".join(MONTHS),
    "Jan": "|".join(name[:3] for name in MONTHS),
    "Monday": "|".join(DAYS),
    "Mon": "|".join(name[:3] for name in DAYS),
    "PM": "AM|PM",
    "pm": "am|pm",
    "MST": r"UTC|[A-Z]{3,4}[ST]?(?:[+-]\d{1,2})?",
    "-0700": r"[+-]\d{4}",
    "-07:00": r"[+-]\d\d:\d\d",
    "-07": r"[+-]\d\d",
    "-070000": r"[+-]\d{6}",
    "-07:00:00": r"[+-]\d\d:\d\d:\d\d",
    "Z0700": r"Z|[+-]\d{4}",
    "Z07:00": r"Z|[+-]\d\d:\d\d",
    "Z07": r"Z|[+-]\d\d",
    "Z070000": r"Z|[+-]\d{6}",
    "Z07:00:00": r"Z|[+-]\d\d:\d\d:\d\d",
}
_LIMITS = (("month", 1, 12), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59))


def parse(layout: str, text: str) -> Time:
    """time.ParseInLocation, in the machine's zone. Raises ValueError in Go's words."""
    found: dict[str, str] = {}
    at = last = 0
    for match in [*_ELEMENT.finditer(layout), None]:
        literal = layout[last : match.start() if match else len(layout)]
        if not text.startswith(literal, at):
            raise ValueError(
                f"parsing time {quoted(text)} as {quoted(layout)}: cannot parse {quoted(text[at:])} as {quoted(literal)}"
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
        raise ValueError(f"parsing time {quoted(text)}: extra text: {quoted(text[at:])}")
    return _assembled(text, found)


def _read(layout: str, text: str, element: str, at: int, found: dict[str, str]) -> int:
    if element[0] in ".,":
        form = rf"[.,]\d{{{len(element) - 1}}}" if element[1] == "0" else r"(?:[.,]\d+)?"
    else:
        form = _READS[element]
    flags = re.ASCII | re.IGNORECASE if element[0] in "JM" and element != "MST" else re.ASCII
    part = re.compile(form, flags).match(text, at)
    if part is None:
        if element == "2006" and text[at : at + 1].isdigit() and len(text) >= at + 4:
            at += 4  # Go has taken the four characters by then
        raise ValueError(
            f"parsing time {quoted(text)} as {quoted(layout)}: cannot parse {quoted(text[at:])} as {quoted(element)}"
        )
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
            month = next(i for i, name in enumerate(MONTHS, 1) if name[:3].lower() == found[element][:3].lower())
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
            raise ValueError(f"parsing time {quoted(text)}: {name} out of range")
    return _placed(text, found, (year, month or 1, hour, minute, second))


def _placed(text: str, found: dict[str, str], parts: tuple[int, int, int, int, int]) -> Time:
    year, month, hour, minute, second = parts
    day = _number(found, "02", "_2", "2", fallback=1)
    year_day = _number(found, "002", "__2", fallback=0)
    nanosecond = int((found.get("fraction") or "0").ljust(9, "0")[:9])
    try:
        moment, earlier = of_year(year, month, day, hour, minute, second)
    except ValueError:
        raise ValueError(f"parsing time {quoted(text)}: day out of range") from None
    if year_day:
        moment = moment.replace(month=1, day=1) + timedelta(days=year_day - 1)
    zone = next((found[element] for element in found if element[0] in "-Z"), None)
    if zone is not None:
        return Time(moment.replace(tzinfo=_fixed(zone)), nanosecond, earlier)
    name = found.get("MST")
    if name and name != "UTC":
        local = moment.astimezone()
        hours = int(name[3:]) if name.startswith("GMT") and name[3:] else 0
        placed = local if local.tzname() == name else moment.replace(tzinfo=timezone(timedelta(hours=hours), name))
        return Time(placed, nanosecond, earlier)
    return Time(moment.replace(tzinfo=UTC) if name else moment.astimezone(), nanosecond, earlier)


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
