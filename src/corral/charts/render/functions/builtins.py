"""text/template's own functions (funcs.go)."""

from corral.base.annotations import Any
from corral.charts.render import gofmt, ordering
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, VALUE, Function, Table
from corral.charts.render.gotypes import StringMap, Uint8, encoded, type_name
from corral.charts.render.strconv import printable

FUNCTIONS = Table()
_HTML = str.maketrans({'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"})
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


@FUNCTIONS.add("and", VALUE, "..." + VALUE)
def _and(*values: Any) -> Any:
    """The first false argument, or the last; the compiler evaluates no more than it needs and does not come here."""
    return next((value for value in values if not ordering.truth(value)), values[-1])


@FUNCTIONS.add("or", VALUE, "..." + VALUE)
def _or(*values: Any) -> Any:
    return next((value for value in values if ordering.truth(value)), values[-1])


@FUNCTIONS.add("not", VALUE)
def _not(value: Any) -> bool:
    return not ordering.truth(value)


@FUNCTIONS.add("eq", VALUE, "..." + VALUE)
def _eq(first: Any, *others: Any) -> bool:
    if first.__class__ is str and len(others) == 1 and others[0].__class__ is str:
        return bool(first == others[0])
    return ordering.equal(first, others)


@FUNCTIONS.add("ne", VALUE, VALUE)
def _ne(first: Any, second: Any) -> bool:
    return not ordering.equal(first, (second,))


@FUNCTIONS.add("lt", VALUE, VALUE)
def _lt(first: Any, second: Any) -> bool:
    return ordering.less(first, second)


@FUNCTIONS.add("le", VALUE, VALUE)
def _le(first: Any, second: Any) -> bool:
    return ordering.less(first, second) or ordering.equal(first, (second,))


@FUNCTIONS.add("gt", VALUE, VALUE)
def _gt(first: Any, second: Any) -> bool:
    return not _le(first, second)


@FUNCTIONS.add("ge", VALUE, VALUE)
def _ge(first: Any, second: Any) -> bool:
    return not ordering.less(first, second)


@FUNCTIONS.add("len", VALUE)
def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(encoded(value))
    if isinstance(value, dict | list | bytes):
        return len(value)
    if value is None:
        raise FunctionError("len of nil pointer")
    raise FunctionError(f"len of type {type_name(value)}")


@FUNCTIONS.add("index", VALUE, "..." + VALUE)
def _index(item: Any, *indexes: Any) -> Any:
    if item is None:
        raise FunctionError("index of untyped nil")
    for index in indexes:
        if item is None:
            raise FunctionError("index of nil pointer")
        if isinstance(item, dict):
            if not isinstance(index, str):
                if index is None:
                    raise FunctionError("value is nil; should be of type string")
                raise FunctionError(f"value has type {type_name(index)}; should be string")
            item = item.get(index, "" if isinstance(item, StringMap) else None)
        elif isinstance(item, list):
            item = item[_position(index, len(item))]
        elif isinstance(item, str | bytes):
            data = encoded(item) if isinstance(item, str) else item
            item = Uint8(data[_position(index, len(data), "string")])
        else:
            raise FunctionError(f"can't index item of type {type_name(item)}")
    return item


def _position(index: Any, size: int, what: str = "slice") -> int:
    if isinstance(index, bool) or not isinstance(index, int):
        if index is None:
            raise FunctionError("cannot index slice/array with nil")
        raise FunctionError(f"cannot index slice/array with type {type_name(index)}")
    if index == size:
        raise FunctionError(f"reflect: {what} index out of range")  # the one that Go's check lets through
    if not 0 <= index < size:
        raise FunctionError(f"index out of range: {index}")
    return int(index)


@FUNCTIONS.add("call", VALUE, "..." + VALUE)
def _call(function: Any, *args: Any) -> Any:
    if isinstance(function, Function):
        return function.call(*args)
    if function is None:
        raise FunctionError("call of nil")
    raise FunctionError(f"non-function of type {type_name(function)}")


def _as_text(values: tuple[Any, ...]) -> str:
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return gofmt.sprint(["<no value>" if value is None else value for value in values])


@FUNCTIONS.add("html", "..." + ANY)
def _html(*values: Any) -> str:
    return _as_text(values).translate(_HTML)


@FUNCTIONS.add("js", "..." + ANY)
def _js(*values: Any) -> str:
    return "".join(_js_char(char) for char in _as_text(values))


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char < " ":
        return f"\\u00{ord(char):02X}"
    return char if char < "\x80" or printable(char) else f"\\u{ord(char):04X}"


@FUNCTIONS.add("urlquery", "..." + ANY)
def _urlquery(*values: Any) -> str:
    from urllib.parse import quote_plus

    return quote_plus(encoded(_as_text(values)), safe="~")


@FUNCTIONS.add("print", "..." + ANY)
def _print(*values: Any) -> str:
    return gofmt.sprint(values)


@FUNCTIONS.add("println", "..." + ANY)
def _println(*values: Any) -> str:
    return gofmt.sprintln(values)


@FUNCTIONS.add("printf", "string", "..." + ANY)
def _printf(form: str, *values: Any) -> str:
    return gofmt.sprintf(form, values)
