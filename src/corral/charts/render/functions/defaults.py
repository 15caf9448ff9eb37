"""Sprig's functions of what is empty (defaults.go), and copies."""

from corral.base.annotations import Any
from corral.charts.render import visits
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.gotypes import Struct, kind

FUNCTIONS = Table()


def is_empty(value: Any) -> bool:
    """Whether a value is the zero of its type."""
    return not value and not isinstance(value, Struct)


FUNCTIONS.add("empty", ANY)(is_empty)


@FUNCTIONS.add("default", ANY, "..." + ANY)
def _default(fallback: Any, *given: Any) -> Any:
    if not given:
        return fallback
    value = given[0]
    return value if value or isinstance(value, Struct) else fallback


@FUNCTIONS.add("coalesce", "..." + ANY)
def _coalesce(*values: Any) -> Any:
    return next((value for value in values if not is_empty(value)), None)


@FUNCTIONS.add("all", "..." + ANY)
def _all(*values: Any) -> bool:
    return not any(map(is_empty, values))


@FUNCTIONS.add("any", "..." + ANY)
def _any(*values: Any) -> bool:
    return not all(map(is_empty, values))


@FUNCTIONS.add("compact mustCompact", ANY)
def _compact(values: Any) -> list[Any]:
    if not isinstance(values, list | bytes):
        raise FunctionError(no_list("compact", values))
    return [value for value in values if not is_empty(value)]


def no_list(what: str, value: Any) -> str:
    """What the functions of lists say of another type."""
    if value is None:
        return "runtime error: invalid memory address or nil pointer dereference"
    return f"Cannot {what} on type {kind(value)}"


@FUNCTIONS.add("ternary", ANY, ANY, "bool")
def _ternary(yes: Any, no: Any, which: bool) -> Any:
    return yes if which else no


def deep_copy(value: Any) -> Any:
    """A copy of maps and lists all the way down, of the types that they have."""
    if isinstance(value, dict):
        visits.spend(len(value))
        return value.__class__({key: deep_copy(item) for key, item in value.items()})
    if isinstance(value, list):
        visits.spend(len(value))
        return value.__class__([deep_copy(item) for item in value])
    return value


@FUNCTIONS.add("deepCopy mustDeepCopy", ANY)
def _deep_copy(value: Any) -> Any:
    if value is None:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    visits.of_call()
    return deep_copy(value)
