"""Named formats: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from corral.api import gotime, names
from corral.api.cel.costs import traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.libraries import urls
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import NONE, Opaque, Optional

LIBRARY = Library()
_UUID = re.compile("[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Format(Opaque):
    """A format by its name."""

    cel_type = OPAQUE["Format"]
    name: str


def _without_dash(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """The check of a prefix, which may end in a dash: the name is made longer."""
    return lambda text: check(text[:-1] + "a" if len(text) > 1 and text.endswith("-") else text)


def _uri(text: str) -> list[str]:
    try:
        urls.parse(text)
    except EvaluationError as error:
        return [str(error).removeprefix("URL parse error during conversion from string: ")]
    return []


def _holds(fault: str, test: Callable[[str], object]) -> Callable[[str], list[str]]:
    def check(text: str) -> list[str]:
        try:
            return [] if test(text) else [fault]
        except (ValueError, binascii.Error):
            return [fault]

    return check


def _is_base64(text: str) -> bool:
    return not text or bool(base64.b64decode(text, validate=True) or True)


def _is_date(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)) and bool(date.fromisoformat(text))


#: What is wrong with a text, format by format.
FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": names.dns_label,
    "dns1123Subdomain": names.dns_subdomain,
    "dns1035Label": names.dns_1035_label,
    "qualifiedName": names.qualified_name,
    "dns1123LabelPrefix": _without_dash(names.dns_label),
    "dns1123SubdomainPrefix": _without_dash(names.dns_subdomain),
    "dns1035LabelPrefix": _without_dash(names.dns_1035_label),
    "labelValue": names.label_value,
    "uri": _uri,
    "uuid": _holds("does not match the UUID format", _UUID.fullmatch),
    "byte": _holds("invalid base64", _is_base64),
    "date": _holds("invalid date", _is_date),
    "datetime": _holds("invalid datetime", gotime.normal),
}


@LIBRARY.overload("format.named(string) -> optional(Format)")
def named(name: str) -> Optional:
    """The format of a name, if there is one."""
    return Optional(Format(name)) if name in FORMATS else NONE


def _constant(name: str) -> Callable[[], Format]:
    return lambda: Format(name)


for _name in FORMATS:
    LIBRARY.add(f"format.{_name}() -> Format", _constant(_name))


@LIBRARY.overload("Format.validate(string) -> optional(list(string))", cost=lambda args, _: traversed(args[1:], None) * 8)
def validate(value: Format, text: str) -> Optional:
    """What is wrong with a text; nothing if it has the format."""
    faults = FORMATS[value.name](text)
    return Optional(faults) if faults else NONE
