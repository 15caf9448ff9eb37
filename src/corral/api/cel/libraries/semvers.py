"""Semantic versions: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-semver-library, https://semver.org."""

import re
from dataclasses import dataclass

from corral.api.cel.costs import traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import UINT_MAX, Opaque

LIBRARY = Library()
_overload = LIBRARY.overload
_NUMBER = "0|[1-9][0-9]{0,30}"
_IDENTIFIER = "[0-9A-Za-z-]+"
_SEMVER = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Semver(Opaque):
    """A version; `order` sorts versions, and says nothing of their builds."""

    cel_type = OPAQUE["Semver"]
    numbers: tuple[int, int, int]
    order: tuple[object, ...]


def parse(text: str, normalize: bool = False) -> Semver:
    """The version that a text is. Raises EvaluationError."""
    match = _SEMVER.fullmatch(_normal(text) if normalize else text)
    if match is None:
        raise EvaluationError(_why(text))
    numbers = (int(match[1]), int(match[2]), int(match[3]))
    parts = match[4].split(".") if match[4] else []
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in parts):
        raise EvaluationError(f"Numeric PreRelease version must not contain leading zeroes {match[4]!r}".replace("'", '"'))
    if max(numbers) > UINT_MAX:
        raise EvaluationError("strconv.ParseUint: value out of range")
    # Numbers come before words; a version without parts comes after those with some.
    order = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return Semver(numbers, (*numbers, not parts, order))


def _why(text: str) -> str:
    if not text:
        return "Version string empty"
    if text.count(".") < 2:
        return "No Major.Minor.Patch elements found"
    return f'Invalid character(s) found in major number "{text.split(".", maxsplit=1)[0]}"'


def _normal(text: str) -> str:
    parts = text.removeprefix("v").split(".", 2)
    for i, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[i] = stripped if stripped[:1].isdigit() else "0" + stripped
    if len(parts) < 3:
        if re.search("[+-]", parts[-1]):
            raise EvaluationError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


@_overload("semver(string) -> Semver", "semver(string, bool) -> Semver", cost=traversed)
def semver(text: str, normalize: bool = False) -> Semver:
    """The version that a text is, without `v` and with what is missing if it is normalized."""
    return parse(text, normalize)


@_overload("isSemver(string) -> bool", "isSemver(string, bool) -> bool", cost=traversed)
def is_semver(text: str, normalize: bool = False) -> bool:
    """Whether it is one."""
    try:
        parse(text, normalize)
    except EvaluationError:
        return False
    return True


@_overload("Semver.major() -> int")
def _major(value: Semver) -> int:
    return value.numbers[0]


@_overload("Semver.minor() -> int")
def _minor(value: Semver) -> int:
    return value.numbers[1]


@_overload("Semver.patch() -> int")
def _patch(value: Semver) -> int:
    return value.numbers[2]


@_overload("Semver.isGreaterThan(Semver) -> bool")
def _is_greater(value: Semver, other: Semver) -> bool:
    return value.order > other.order


@_overload("Semver.isLessThan(Semver) -> bool")
def _is_less(value: Semver, other: Semver) -> bool:
    return value.order < other.order


@_overload("Semver.compareTo(Semver) -> int")
def _compare(value: Semver, other: Semver) -> int:
    return (value.order > other.order) - (value.order < other.order)
