"""Sprig's functions of types (reflect.go), and reflect.DeepEqual."""

from corral.base.annotations import Any
from corral.charts.render.functions import ANY, Table
from corral.charts.render.gotypes import Struct, kind, type_name

FUNCTIONS = Table()


@FUNCTIONS.add("typeOf", ANY)
def _type_of(value: Any) -> str:
    return type_name(value)


@FUNCTIONS.add("typeIs", "string", ANY)
def _type_is(name: str, value: Any) -> bool:
    return type_name(value) == name


@FUNCTIONS.add("typeIsLike", "string", ANY)
def _type_is_like(name: str, value: Any) -> bool:
    return type_name(value) in (name, "*" + name)


@FUNCTIONS.add("kindOf", ANY)
def _kind_of(value: Any) -> str:
    return kind(value)


@FUNCTIONS.add("kindIs", "string", ANY)
def _kind_is(name: str, value: Any) -> bool:
    return kind(value) == name


@FUNCTIONS.add("deepEqual", ANY, ANY)
def deep_equal(one: Any, two: Any) -> bool:
    """Whether two values are of the same type and equal all the way down."""
    if one.__class__ is not two.__class__:
        return False
    if isinstance(one, dict):
        return len(one) == len(two) and all(key in two and deep_equal(item, two[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(two) and all(deep_equal(a, b) for a, b in zip(one, two, strict=True))
    if isinstance(one, Struct):
        return one is two or all(deep_equal(a[1], b[1]) for a, b in zip(one.items(), two.items(), strict=True))
    return bool(one == two)
