"""Whether a value may be an argument of a Go type (text/template's validateType), and what is said when it may not."""

from collections.abc import Callable

from corral.base.annotations import Any
from corral.charts.render.gotypes import Int64, NilMap, NilSlice, Strings, Uint32, Values, type_name
from corral.charts.render.nodes import Constant

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


def constant(node: Constant, type_: str) -> Any:
    """A literal as an argument. Raises ArgumentError."""
    value = node.value
    if is_free(type_):
        if node.number is not None and value is None:
            raise ArgumentError(f"{node.text} overflows int")
        return value
    wanted = _LITERALS.get(type_)
    if wanted is None:
        raise ArgumentError(f"can't handle {node} for arg of type {type_}")
    return wanted(node, type_)


def _string(node: Constant, type_: str) -> Any:
    if isinstance(node.value, str):
        return node.value
    raise ArgumentError(f"expected string; found {node}")


def _bool(node: Constant, type_: str) -> Any:
    if isinstance(node.value, bool):
        return node.value
    raise ArgumentError(f"expected bool; found {node}")


def _integer(node: Constant, type_: str) -> Any:
    if node.number and "int" in node.number:
        return Int64(node.number["int"]) if type_ == "int64" else node.number["int"]
    raise ArgumentError(f"expected integer; found {node}")


def _unsigned(node: Constant, type_: str) -> Any:
    if node.number and "uint" in node.number:
        return Uint32(node.number["uint"])
    raise ArgumentError(f"expected unsigned integer; found {node}")


def _float(node: Constant, type_: str) -> Any:
    if node.number and "float" in node.number:
        return node.number["float"]
    raise ArgumentError(f"expected float; found {node}")


_LITERALS: dict[str, Callable[[Constant, str], Any]] = {
    "string": _string,
    "bool": _bool,
    "int": _integer,
    "int64": _integer,
    "uint32": _unsigned,
    "float64": _float,
}
