"""`.a` of a value: a key of a map, a field of a struct, a method (text/template's evalField)."""

from corral.base.annotations import Any, Callable
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import Function
from corral.charts.render.gotypes import StringMap, Struct, Values, element_type, type_name


class FieldError(Exception):
    """A field cannot be had; the text is Go's."""


def static_type(value: Any, container: Any) -> str:
    """The type that Go has for what it took out of `container`: in a map or a list of anything it is `interface {}`."""
    if container is None or isinstance(container, Struct):
        return type_name(value)
    return element_type(container)


def get(receiver: Any, name: str, *, strict: bool, static_type: str = "interface {}") -> Any:
    """The value of a field, or a method as a Function. Raises FieldError.

    `static_type` is what Go says of a value that came out of a map or a list.
    """
    if receiver is None:
        raise FieldError(f"nil pointer evaluating {static_type}.{name}")
    if isinstance(receiver, Values) and name in VALUES_METHODS and not receiver.is_plain():
        return _values_method(receiver, name)
    methods = getattr(receiver, "methods", None)
    if methods and name in methods:
        attribute, params = methods[name]
        return method(name, getattr(receiver, attribute), params)
    if isinstance(receiver, dict):
        if name in receiver:
            return receiver[name]
        if strict:
            raise FieldError(f'map has no entry for key "{name}"')
        return getattr(receiver, "missing", "" if isinstance(receiver, StringMap) else None)
    if isinstance(receiver, Struct) and name in receiver.fields:
        return getattr(receiver, receiver.fields[name][0])
    raise FieldError(f"can't evaluate field {name} in type {static_type}")


def method(name: str, call: Callable[..., Any], params: tuple[str, ...]) -> Function:
    """A bound method as a function of templates."""
    variadic = bool(params) and params[-1].startswith("...")
    types = (*params[:-1], params[-1].removeprefix("...")) if params else ()
    return Function(name, call, types, variadic, False)


def _table(values: dict[str, Any], path: str) -> Any:
    found: Any = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise FunctionError(f'"{key}" is not a table')
    return Values(found)


def path_value(values: dict[str, Any], path: str) -> Any:
    """`PathValue` of chartutil.Values: what is at `a.b.c` and is no table. Raises FunctionError."""
    if not path:
        raise FunctionError("YAML path cannot be empty")
    tables, _, last = path.rpartition(".")
    try:
        found = (_table(values, tables) if tables else values).get(last)
    except FunctionError:
        found = None
    if found is None or isinstance(found, dict):
        raise FunctionError(f'"{last}" is not a value')
    return found


def _yaml(values: dict[str, Any]) -> str:
    from corral.charts.render.yamlwriter import dump

    return dump(values)


#: The methods of chartutil.Values; a key of such a name is not seen.
VALUES_METHODS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "AsMap": (dict, ()),
    "YAML": (_yaml, ()),
    "Table": (_table, ("string",)),
    "PathValue": (path_value, ("string",)),
}


def _values_method(receiver: Values, name: str) -> Function:
    call, params = VALUES_METHODS[name]
    return Function(name, lambda *args: call(receiver, *args), params, False, False)
