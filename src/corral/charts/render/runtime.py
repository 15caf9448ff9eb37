"""What compiled templates call while they run: methods, ranges, arguments, other templates; and what is told when one fails."""

from corral.base.annotations import Any, Iterable, NoReturn
from corral.charts.render import access, arguments
from corral.charts.render.access import FieldError
from corral.charts.render.arguments import ArgumentError, checked
from corral.charts.render.errors import ExecError, FunctionError
from corral.charts.render.functions import Function, wrong_number
from corral.charts.render.gofmt import plain, printed
from corral.charts.render.gotypes import Int64, Uint8, Uint32
from corral.charts.render.ordering import sorted_items
from corral.charts.render.paths import CallFaultError, no_data
from corral.charts.render.strconv import quote

MAX_TEMPLATE_DEPTH = 100_000
#: What one value may hold at most: characters of a string, elements of a list.
MAX_TEXT = 64 * 1024 * 1024
MAX_LIST = 4_000_000
LIMITS: dict[type, int] = {str: MAX_TEXT, list: MAX_LIST}


class FaultError(Exception):
    """Something cannot be done with a value; the text is Go's."""


#: What a compiled template is left with that has to be told at one of its nodes.
FAULTS = (FaultError, CallFaultError, FieldError, ArgumentError, FunctionError, ExecError)


def fault(message: str) -> NoReturn:
    """Raise a FaultError: what is known to be wrong when a template is compiled."""
    raise FaultError(message)


def entries(value: Any) -> Iterable[tuple[Any, Any]]:
    """The keys and elements that a range walks; what is false, where there are none."""
    if isinstance(value, list):
        return enumerate(value) if value else ()
    if isinstance(value, dict):
        return sorted_items(value)
    if value is None:
        return ()
    if isinstance(value, bytes):
        return enumerate(map(Uint8, value)) if value else ()
    raise FaultError(f"range can't iterate over {plain(value)}")


def put(variables: list[Any], slot: int, value: Any) -> Any:
    """Assign a variable that is an element of a list; its value."""
    variables[slot] = value
    return value


def limited(value: Any) -> Any:
    """What a function gave, if it is not too large."""
    limit = LIMITS.get(value.__class__)
    if limit is not None and len(value) > limit:
        raise FunctionError(f"the result has {len(value)} elements, more than {limit}")
    return value


def valid(value: Any) -> Any:
    """A value whose length is wanted: no value at all has not even a type."""
    if value is None:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    return value


def string(value: Any, interface: bool) -> Any:
    """A value as an argument that is a string."""
    return value if value.__class__ is str else checked(value, "string", interface=interface)


def as_(type_: str, value: Any, interface: bool) -> Any:
    """A value as an argument of another type."""
    return checked(value, type_, interface=interface)


def invoked(run: Any, name: str, depth: int, out: list[str]) -> Any:
    """The program that `{{ template "name" }}` means."""
    found = run.templates.get(name)
    if found is None:
        raise FaultError(f"template {quote(name)} not defined")
    if depth >= run.max_template_depth:
        raise FaultError(f"exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})")
    run.tick(out)
    return found


def method(run: Any, value: Any, name: str, known: bool, given: int, piped: bool) -> Function | None:
    """The method that is called with arguments; None where there is nothing to have one. `known`: nil would be an interface."""
    if value is None and not known:
        no_data(name, strict=run.strict)
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
    "__builtins__": {},  # nothing else is within reach
    "Int64": Int64,
    "Uint32": Uint32,
    "checked": as_,
    "entries": entries,
    "fault": fault,
    "invoked": invoked,
    "limited": limited,
    "literal": literal,
    "method": method,
    "nil": nil,
    "passed": passed,
    "printed": printed,
    "put": put,
    "string": string,
    "valid": valid,
}
