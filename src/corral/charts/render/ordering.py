"""Truth, comparison and the order of keys, as text/template and internal/fmtsort have them."""

from corral.base.annotations import Any
from corral.charts.render.errors import FunctionError
from corral.charts.render.gotypes import Sized, Struct, encoded, type_name

_BAD_TYPE = "invalid type for comparison"
_INCOMPATIBLE = "incompatible types for comparison"
_MISSING = "missing argument for comparison"


def truth(value: Any) -> bool:
    """Whether a value counts as true: not the zero of its type. Structs are always true."""
    return True if isinstance(value, Struct) else bool(value)


def sorted_items(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The entries of a map in the order in which Go walks and prints it: keys by their bytes, or by number."""
    if len(value) < 2:
        return list(value.items())
    try:
        return sorted(value.items(), key=_item_key)
    except UnicodeEncodeError:
        return sorted(value.items(), key=lambda item: encoded(item[0]))


def _item_key(item: tuple[Any, Any]) -> Any:
    # UTF-8 sorts as code points do; only the escapes of odd bytes do not.
    key = item[0]
    if key.__class__ is str and not key.isascii():
        key.encode()
    return key


_BASIC = {bool: "bool", int: "int", float: "float", complex: "complex", str: "string"}


def _basic(value: Any) -> str:
    found = _BASIC.get(value.__class__)
    if found:
        return found
    if isinstance(value, Sized):
        return "uint" if value.kind.startswith("u") else "int"
    return ""


def equal(first: Any, others: tuple[Any, ...]) -> bool:
    """`eq`: whether the first argument equals one of the others. Raises FunctionError."""
    if not _comparable(first):
        raise FunctionError(f"uncomparable type {type_name(first)}: {_shown(first)}")
    if not others:
        raise FunctionError(_MISSING)
    kind = _basic(first)
    for other in others:
        if first is None or other is None:
            if first is other:
                return True
            continue
        other_kind = _basic(other)
        if kind != other_kind:
            if {kind, other_kind} != {"int", "uint"}:
                raise FunctionError(_INCOMPATIBLE)
            if first == other:
                return True
            continue
        if not _comparable(other):
            raise FunctionError(f"uncomparable type {type_name(other)}: {_shown(other)}")
        if first is other if isinstance(first, Struct) and first.pointer else first == other:
            return True
    return False


def _shown(value: Any) -> str:
    from corral.charts.render.gofmt import plain

    return plain(value)


def _comparable(value: Any) -> bool:
    return value.comparable if isinstance(value, Struct) else not isinstance(value, dict | list | bytes)


def less(first: Any, second: Any) -> bool:
    """`lt`. Raises FunctionError."""
    kind, other_kind = _basic(first), _basic(second)
    if not kind or not other_kind:
        raise FunctionError(_BAD_TYPE)
    if kind != other_kind:
        if {kind, other_kind} == {"int", "uint"}:
            return bool(first < second)
        raise FunctionError(_INCOMPATIBLE)
    if kind in ("bool", "complex"):
        raise FunctionError(_BAD_TYPE)
    if kind == "string" and not (first.isascii() and second.isascii()):
        return encoded(first) < encoded(second)
    return bool(first < second)
