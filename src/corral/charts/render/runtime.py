"""What compiled templates call while they run: fields, methods, ranges, other templates; and what is told when one fails.

Go knows two kinds of nil: no value at all, and an interface without one (a missing key, a null in a list). Only errors
and `.a.b` of a missing `.a` show the difference. Both are None here; the compiler knows which by where a value is from
(`interface`).
"""

from collections.abc import Iterable

from corral.base.annotations import Any, NoReturn
from corral.charts.render import access, arguments
from corral.charts.render.access import FieldError
from corral.charts.render.arguments import ArgumentError, checked
from corral.charts.render.errors import ExecError, FunctionError
from corral.charts.render.functions import Function, wrong_number
from corral.charts.render.gofmt import plain
from corral.charts.render.gotypes import Int64, Uint8, Uint32, Values
from corral.charts.render.ordering import sorted_items
from corral.charts.render.strconv import quote

MAX_TEMPLATE_DEPTH = 100_000
#: What one value may hold at most: characters of a string, elements of a list.
MAX_TEXT = 64 * 1024 * 1024
MAX_LIST = 4_000_000
LIMITS: dict[type, int] = {str: MAX_TEXT, list: MAX_LIST}
MISSING = (KeyError, TypeError, AttributeError)
_MAPS = (dict, Values)


class FaultError(Exception):
    """Something cannot be done with a value; the text is Go's."""


class CallFaultError(Exception):
    """A method failed; the text says that, too."""


#: What a compiled template is left with that has to be told at one of its nodes.
FAULTS = (FaultError, CallFaultError, FieldError, ArgumentError, FunctionError, ExecError)


def fault(message: str) -> NoReturn:
    """Raise a FaultError: what is known to be wrong when a template is compiled."""
    raise FaultError(message)


def shown(value: Any) -> str:
    """What an action prints of a value."""
    return "<no value>" if value is None else plain(value)


def entries(value: Any) -> Iterable[tuple[Any, Any]]:
    """The keys and elements that a range walks."""
    if isinstance(value, list):
        return enumerate(value)
    if isinstance(value, dict):
        return sorted_items(value)
    if value is None:
        return ()
    if isinstance(value, bytes):
        return enumerate(map(Uint8, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return ((i, i) for i in range(value))
    raise FaultError(f"range can't iterate over {plain(value)}")


def too_large(value: Any) -> NoReturn:
    """Refuse what a function gave."""
    raise FunctionError(f"the result has {len(value)} elements, more than {LIMITS[value.__class__]}")


def invoked(run: Any, name: str, depth: int, out: list[str]) -> Any:
    """The program that `{{ template "name" }}` means."""
    found = run.templates.get(name)
    if found is None:
        raise FaultError(f"template {quote(name)} not defined")
    if depth >= run.max_template_depth:
        raise FaultError(f"exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})")
    run.tick(out)
    return found


def field(run: Any, value: Any, names: tuple[str, ...], interface: bool) -> Any:
    """`.a.b.c` of a value, where it is not all keys that are there."""
    if value is None and not interface:
        return _no_data(run, names[0])
    container: Any = None
    for name in names:
        if value.__class__ in _MAPS and name in value:
            container, value = value, value[name]
            continue
        static_type = "interface {}" if container is None and interface else access.static_type(value, container)
        found = access.get(value, name, strict=run.strict, static_type=static_type)
        container, value = value, _called(found, name) if found.__class__ is Function else found
    return value


def _no_data(run: Any, name: str) -> None:
    """A field of no value at all is no value at all, unless keys must be there."""
    if run.strict:
        raise FaultError(f"nil data; no entry for key {quote(name)}")


def _called(function: Function, name: str) -> Any:
    """What a method gives without arguments."""
    if wrong := wrong_number(function, name, 0, piped=False):
        raise FaultError(wrong)
    try:
        return limited(function.call())
    except (FunctionError, ExecError) as error:
        raise CallFaultError(f"error calling {name}: {error}") from None


def limited(value: Any) -> Any:
    """A value, if it is not too large."""
    limit = LIMITS.get(value.__class__)
    if limit is not None and len(value) > limit:
        too_large(value)
    return value


def method(run: Any, value: Any, name: str, known: bool, given: int, piped: bool) -> Function | None:
    """The method that is called with arguments; None where there is nothing to have one. `known`: nil would be an interface."""
    if value is None and not known:
        _no_data(run, name)
        return None
    found = access.get(value, name, strict=run.strict)
    if found.__class__ is not Function:
        what = (
            "is not a method but has arguments"
            if isinstance(value, dict)
            else "has arguments but cannot be invoked as function"
        )
        raise FaultError(f"{name} {what}")
    if wrong := wrong_number(found, name, given, piped=piped):
        raise FaultError(wrong)
    function: Function = found
    return function


def _parameter(function: Function, position: int) -> str:
    return function.params[min(position, len(function.params) - 1)]


def passed(function: Function, position: int, value: Any, interface: bool) -> Any:
    """A value as an argument of a method."""
    type_ = _parameter(function, position)
    return value if arguments.is_free(type_) else checked(value, type_, interface=interface)


def literal(function: Function, position: int, text: str, value: Any, number: dict[str, Any] | None) -> Any:
    """A literal as an argument of a method."""
    return arguments.constant(text, value, number, _parameter(function, position))


def nil(function: Function, position: int) -> Any:
    """The literal nil as an argument of a method."""
    return arguments.nil(_parameter(function, position))


#: The names that compiled templates use, beside those of functions.
NAMES: dict[str, Any] = {
    "Int64": Int64,
    "LIMITS": LIMITS,
    "MAX_TEXT": MAX_TEXT,
    "MISSING": MISSING,
    "Uint32": Uint32,
    "checked": checked,
    "entries": entries,
    "fault": fault,
    "field": field,
    "invoked": invoked,
    "limited": limited,
    "literal": literal,
    "method": method,
    "nil": nil,
    "passed": passed,
    "shown": shown,
    "too_large": too_large,
}
