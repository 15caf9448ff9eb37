"""The formats of strings in schemas: whether a text has one, and durations and dates as numbers.

Those of kube-openapi's strfmt that structural schemas support; others say nothing.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date

from corral.api import gotime, names
from corral.base.patterns import pattern

_DAY_NS = 24 * 3600 * 10**9
_UNITS_NS: dict[str, int] = {
    **dict.fromkeys(("ns", "nano", "nanos", "nanosecond", "nanoseconds"), 1),
    **dict.fromkeys(("us", "µs", "μs", "micro", "micros", "microsecond", "microseconds"), 10**3),
    **dict.fromkeys(("ms", "milli", "millis", "millisecond", "milliseconds"), 10**6),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 10**9),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60 * 10**9),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600 * 10**9),
    **dict.fromkeys(("d", "day", "days"), _DAY_NS),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * _DAY_NS),
}
_GO_UNITS_NS = {unit: _UNITS_NS[unit] for unit in ("ns", "us", "µs", "μs", "ms", "s", "m", "h")}
_GO_PIECE = pattern(r"([0-9]{1,20})?(?:\.([0-9]{0,30}))?(ns|us|µs|μs|ms|s|m|h)")
_PIECE = pattern(r"\s*([0-9]{1,20})\s*([A-Za-zµμ]+)\s*")


def go_duration_ns(text: str) -> int:
    """A duration as Go writes it (`1h30m`), in nanoseconds. Raises ValueError."""
    fault = ValueError(f'time: invalid duration "{text}"')
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest or len(rest) > 200:
        raise fault
    total, at = 0, 0
    while at < len(rest):
        match = _GO_PIECE.match(rest, at)
        if match is None or (match[1] is None and not match[2]):
            raise fault
        unit = _GO_UNITS_NS[match[3]]
        total += int(match[1] or 0) * unit
        if match[2]:
            total += int(match[2]) * unit // 10 ** len(match[2])
        at = match.end()
    if total >= 2**63:
        raise fault
    return sign * total


def duration_ns(text: str) -> int:
    """A duration of a schema: Go's, or with words (`2 days`). Raises ValueError."""
    try:
        return go_duration_ns(text)
    except ValueError:
        pass
    total, at = 0, 0
    while at < len(text):
        match = _PIECE.match(text, at) if len(text) <= 200 else None
        unit = _UNITS_NS.get(match[2].lower()) if match is not None else None
        if match is None or unit is None:
            raise ValueError(f'unable to parse "{text}" as duration')
        total += int(match[1]) * unit
        at = match.end()
    if not text or total >= 2**63:
        raise ValueError(f'unable to parse "{text}" as duration')
    return total


def day_of(text: str) -> date:
    """A date, `2006-01-02`. Raises ValueError."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"{text} is no date")
    return date.fromisoformat(text)


def _matches(regex: str) -> Callable[[str], bool]:
    compiled = pattern(regex, re.ASCII | re.IGNORECASE)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return holds


def _uuid(version: str) -> Callable[[str], bool]:
    fourth = "[89ab][0-9a-f]{3}" if version in "45" else "[0-9a-f]{4}"
    third = f"{version}[0-9a-f]{{3}}" if version else "[0-9a-f]{4}"
    return _matches(f"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{third}-?{fourth}-?[0-9a-f]{{12}}")


def _is_uri(text: str) -> bool:
    from corral.api.cel.libraries.urls import is_url

    return is_url(text)


def _is_card(text: str) -> bool:
    digits = [int(char) for char in re.sub(r"[ -]", "", text) if char.isascii() and char.isdigit()]
    if not 12 <= len(digits) <= 19 or re.search(r"[^0-9 -]", text):
        return False
    doubled = (digit if i % 2 == 0 else digit * 2 - 9 * (digit > 4) for i, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def _is_isbn10(text: str) -> bool:
    plain = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{9}[0-9Xx]", plain, re.ASCII):
        return False
    return sum((i + 1) * (10 if char in "Xx" else int(char)) for i, char in enumerate(plain)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    plain = re.sub(r"[\s-]", "", text)
    return (
        bool(re.fullmatch(r"[0-9]{13}", plain, re.ASCII))
        and sum(int(char) * (3 if i % 2 else 1) for i, char in enumerate(plain)) % 10 == 0
    )


def _is_hostname(text: str) -> bool:
    label = r"[a-z0-9\u00a1-\uffff]([-a-z0-9_\u00a1-\uffff]{0,62})?"
    return len(text) <= 255 and re.fullmatch(rf"{label}(\.{label})*\.?", text, re.IGNORECASE) is not None


#: Whether a text has the format.
FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches("[0-9a-f]{24}"),
    "uri": _is_uri,
    "email": _matches(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+"),
    "hostname": _is_hostname,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(lambda text: ipaddress.ip_interface(text if re.search(r"/[0-9]+$", text) else "")),
    "mac": _matches(r"([0-9a-f]{2}([:-])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2})|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}"),
    "uuid": _uuid(""),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _is_card,
    "ssn": _matches(r"[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}"),
    "hexcolor": _matches("#?([0-9a-f]{3}|[0-9a-f]{6})"),
    "rgbcolor": _matches(
        r"rgb\((?:\s*(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\s*,){2}\s*(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])\s*\)"
    ),
    "byte": _parses(lambda text: base64.b64decode(text, validate=True)),
    "date": _parses(day_of),
    "duration": _parses(duration_ns),
    "date-time": _parses(gotime.normal),
    "datetime": _parses(gotime.normal),
    "k8s-short-name": lambda text: not names.dns_label(text),
    "k8s-long-name": lambda text: not names.dns_subdomain(text),
}
