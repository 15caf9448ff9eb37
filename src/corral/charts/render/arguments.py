"""Whether a value may be an argument of a Go type (text/template's validateType), and what is said when it may not."""

from corral.base.annotations import Any, Callable
from corral.charts.render.gotypes import Int64, NilMap, NilSlice, Strings, Uint32, Values, type_name

_FREE = ("interface {}", "reflect.Value")
#: The classes whose values are assignable to a type.
_CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "bool": (bool,),
    "int": (int,),
    "int64": (Int64,),
    "uint32": (Uint32,),
    "float64": (float,),
    "map[string]interface {}": (dict, Values, NilMap),
    "chartutil.Values": (dict, Values, NilMap),
    "[]interface {}": (list, NilSlice),
    "[]string": (Strings,),
}


class ArgumentError(Exception):
    """A value cannot be an argument; the text is Go's."""


def is_free(type_: str) -> bool:
    """Whether a parameter takes anything."""
    return type_ in _FREE


def checked(value: Any, type_: str, *, interface: bool) -> Any:
    """`value` as an argument of a type. `interface`: where it came from, nil is a nil interface. Raises ArgumentError."""
    classes = _CLASSES.get(type_)
    if classes is not None:
        if value.__class__ in classes:
            return value
    elif value is not None and (type_name(value) == type_ or type_name(value) == "*" + type_):
        return value
    if value is not None:
        raise ArgumentError(f"wrong type for value; expected {type_}; got {type_name(value)}")
    if interface:
        raise ArgumentError(f"wrong type for value; expected {type_}; got interface {{}}")
    if type_.startswith("map["):
        return NilMap()
    if type_.startswith("[]"):
        return NilSlice()
    if type_ == "chartutil.Values":
        return NilMap()
    if type_.startswith("*"):
        return None
    raise ArgumentError(f"invalid value; expected {type_}")


def nil(type_: str) -> Any:
    """The literal nil as an argument. Raises ArgumentError."""
    if is_free(type_):
        return None
    try:
        return checked(None, type_, interface=False)
    except ArgumentError:
        raise ArgumentError(f"cannot assign nil to {type_}") from None


def constant(text: str, value: Any, number: dict[str, Any] | None, type_: str) -> Any:
    """A literal as an argument, by its text, its value where the type is free, and a number as others. Raises ArgumentError."""
    if is_free(type_):
        if number is not None and value is None:
            raise ArgumentError(f"{text} overflows int")
        return value
    if type_ == "string":
        if isinstance(value, str):
            return value
        raise ArgumentError(f"expected string; found {text}")
    if type_ == "bool":
        if isinstance(value, bool):
            return value
        raise ArgumentError(f"expected bool; found {text}")
    found = _NUMBERS.get(type_)
    if found is None:
        raise ArgumentError(f"can't handle {text} for arg of type {type_}")
    form, what, make = found
    if number and form in number:
        return make(number[form])
    raise ArgumentError(f"expected {what}; found {text}")


#: The form of a number literal that a type takes, what Go calls it, and the value of the type.
_NUMBERS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "int": ("int", "integer", int),
    "int64": ("int", "integer", Int64),
    "uint32": ("uint", "unsigned integer", Uint32),
    "float64": ("float", "float", float),
}
