"""The formats of strings that a schema can ask for."""

from collections.abc import Callable
from datetime import date
from ipaddress import ip_address

from corral.base.annotations import Any
from corral.base.patterns import pattern

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOST = pattern(rf"{_NAME}(?:\.{_NAME})*")
_EMAIL = pattern(r'(?:[^<>@]*<)?(?:"[^"]+"|[^\s<>@,;:"()\[\]\\]+)@(?:\[[^\s\[\]]+\]|[^\s<>@,;:"()\[\]\\]+)>?')
_UUID = pattern(r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")
_POINTER = pattern(r"(?:/(?:[^~/]|~0|~1)*)*")
_RELATIVE_POINTER = pattern(r"(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)")
_URI_TEMPLATE = pattern(r"(?:[^{]*(?:\{[^}]*\})?)*")
_MAX_HOST = 256
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.,][0-9]+)?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-4]):[0-6][0-9])"
_TIME = pattern(f"{_CLOCK}{_ZONE}?")
_ZONED = pattern(f"{_CLOCK}{_ZONE}")
_DATE = pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def matches(name: str, value: Any) -> bool:
    """Whether a value is of a format; whatever is of one that is not known."""
    check = _FORMATS.get(name)
    return check is None or (isinstance(value, str) and check(value))


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    """A date, a time, or both, then with a zone."""
    day, _, rest = text.partition("T")
    return _is_date(text) or _TIME.fullmatch(text) is not None or (_is_date(day) and _ZONED.fullmatch(rest) is not None)


def _address(sign: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            ip_address(text)
        except ValueError:
            return False
        return sign in text and "%" not in text

    return check


def _reference(text: str) -> bool:
    return _scheme(text) is not None


def _scheme(text: str) -> str | None:
    """The scheme of a URL, which may have none; None of what is no URL."""
    from corral.charts.render.functions.urls import parse

    try:
        return None if "\\" in text else str(parse(text)["scheme"])
    except ValueError:
        return None


def _regex(text: str) -> bool:
    from corral.charts.render.regexes import compiled

    try:
        compiled(text)
    except ValueError:
        return False
    return True


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "time": lambda text: _TIME.fullmatch(text) is not None,
    "date-time": _is_moment,
    "hostname": lambda text: len(text) < _MAX_HOST and _HOST.fullmatch(text) is not None,
    "email": lambda text: _EMAIL.fullmatch(text.strip()) is not None,
    "ipv4": _address("."),
    "ipv6": _address(":"),
    "uri": lambda text: bool(_scheme(text)),
    "iri": lambda text: bool(_scheme(text)),
    "uri-reference": _reference,
    "iri-reference": _reference,
    "uri-template": lambda text: _reference(text) and _URI_TEMPLATE.fullmatch(text) is not None,
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
    "regex": _regex,
    "json-pointer": lambda text: _POINTER.fullmatch(text) is not None,
    "relative-json-pointer": lambda text: _RELATIVE_POINTER.fullmatch(text) is not None,
}
_FORMATS["idn-email"] = _FORMATS["email"]
