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
def deep_equal(one: Any, two: Any, seen: set[tuple[int, int]] | None = None) -> bool:
    """Whether two values are of the same type and equal all the way down; `seen`: the pairs that are being compared already."""
    cls = one.__class__
    if cls is not two.__class__:
        return False
    if cls is str:
        return bool(one == two)
    if not isinstance(one, dict | list | Struct):
        return bool(one == two)
    if one is two:
        return True
    seen = set() if seen is None else seen
    if (id(one), id(two)) in seen:
        return True
    seen.add((id(one), id(two)))
    if isinstance(one, Struct):
        pairs = [(a[1], b[1]) for a, b in zip(one.items(), two.items(), strict=True)]
    elif len(one) != len(two):
        return False
    elif isinstance(one, list):
        pairs = list(zip(one, two, strict=True))
    elif one.keys() != two.keys():
        return False
    else:
        pairs = [(item, two[key]) for key, item in one.items()]
    for first, second in pairs:  # noqa: SIM110 - what `all` calls takes the machine's stack, which a value can be too deep for
        if not deep_equal(first, second, seen):
            return False
    return True
