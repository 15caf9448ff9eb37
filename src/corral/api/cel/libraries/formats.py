"""Named formats: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library."""

from collections.abc import Callable
from dataclasses import dataclass

from corral.api import names, stringformats
from corral.api.cel.costs import traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.libraries import urls
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import NONE, Opaque, Optional

LIBRARY = Library()


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


def _has(format_: str, fault: str) -> Callable[[str], list[str]]:
    return lambda text: [] if stringformats.FORMATS[format_](text) else [fault]


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
    "uuid": _has("uuid", "does not match the UUID format"),
    "byte": _has("byte", "invalid base64"),
    "date": _has("date", "invalid date"),
    "datetime": _has("datetime", "invalid datetime"),
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
