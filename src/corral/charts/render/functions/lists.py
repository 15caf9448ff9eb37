"""Sprig's functions of lists (list.go); they make new lists and leave theirs alone."""

from corral.base.annotations import Any
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.functions.defaults import no_list
from corral.charts.render.gotypes import NilSlice, Slices, Uint8, kind

FUNCTIONS = Table()


def _items(value: Any, what: str) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, bytes):
        return [Uint8(byte) for byte in value]
    raise FunctionError(no_list(what, value))


@FUNCTIONS.add("list tuple", "..." + ANY)
def _list(*values: Any) -> list[Any]:
    return list(values)


@FUNCTIONS.add("append push mustAppend mustPush", ANY, ANY)
def _push(values: Any, value: Any) -> list[Any]:
    return [*_items(values, "push"), value]


@FUNCTIONS.add("prepend mustPrepend", ANY, ANY)
def _prepend(values: Any, value: Any) -> list[Any]:
    return [value, *_items(values, "prepend")]


@FUNCTIONS.add("first mustFirst", ANY)
def _first(values: Any) -> Any:
    items = _items(values, "find first")
    return items[0] if items else None


@FUNCTIONS.add("last mustLast", ANY)
def _last(values: Any) -> Any:
    items = _items(values, "find last")
    return items[-1] if items else None


@FUNCTIONS.add("rest mustRest", ANY)
def _rest(values: Any) -> list[Any]:
    items = _items(values, "find rest")
    return list(items[1:]) if items else NilSlice()


@FUNCTIONS.add("initial mustInitial", ANY)
def _initial(values: Any) -> list[Any]:
    items = _items(values, "find initial")
    return list(items[:-1]) if items else NilSlice()


@FUNCTIONS.add("reverse mustReverse", ANY)
def _reverse(values: Any) -> list[Any]:
    return list(reversed(_items(values, "find reverse")))


def _is_in(value: Any, values: Any) -> bool:
    if value.__class__ is str and values.__class__ is not bytes:
        return value in values  # nothing of another type equals it
    from corral.charts.render.functions.types import deep_equal  # most lists hold strings

    return any(deep_equal(value, one) for one in values)


@FUNCTIONS.add("uniq mustUniq", ANY)
def _uniq(values: Any) -> list[Any]:
    made: list[Any] = []
    seen: set[Any] = set()
    for value in _items(values, "find uniq"):
        if value.__class__ is str:
            if value not in seen:
                seen.add(value)
                made.append(value)
        elif not _is_in(value, made):
            made.append(value)
    return made


@FUNCTIONS.add("without mustWithout", ANY, "..." + ANY)
def _without(values: Any, *omitted: Any) -> list[Any]:
    return [value for value in _items(values, "find without") if not _is_in(value, omitted)]


@FUNCTIONS.add("has mustHas", ANY, ANY)
def _has(value: Any, values: Any) -> bool:
    return values is not None and _is_in(value, _items(values, "find has"))


@FUNCTIONS.add("slice mustSlice", ANY, "..." + ANY)
def _slice(values: Any, *indexes: Any) -> Any:
    if not isinstance(values, list | bytes):
        if values is None:
            raise FunctionError(no_list("", None))
        raise FunctionError(f"list should be type of slice or array but {kind(values)}")
    if not values:
        return None
    from corral.charts.render.functions.numbers import to_int  # few slice

    start = to_int(indexes[0]) if indexes else 0
    end = to_int(indexes[1]) if len(indexes) > 1 else len(values)
    if not 0 <= start <= end <= len(values):
        raise FunctionError("reflect.Value.Slice: slice index out of bounds")
    return values.__class__(values[start:end])


@FUNCTIONS.add("concat", "..." + ANY)
def _concat(*lists: Any) -> list[Any]:
    made: list[Any] = []
    for values in lists:
        if not isinstance(values, list | bytes):
            if values is None:
                raise FunctionError(no_list("", None))
            raise FunctionError(f"Cannot concat type {kind(values)} as list")
        made.extend(values)
    return made if lists and made else NilSlice()


@FUNCTIONS.add("chunk mustChunk", "int", ANY)
def _chunk(size: int, values: Any) -> list[Any]:
    if not isinstance(values, list | bytes):
        if values is None:
            raise FunctionError(no_list("", None))
        raise FunctionError(f"Cannot chunk type {kind(values)}")
    count = (len(values) - 1) // size + 1 if size else -1
    last = len(values) - size * (count - 1)
    if count < 0 or (count and last <= 0):
        raise FunctionError("runtime error: makeslice: len out of range")
    if not count:
        return Slices()
    return Slices([*(list(values[at * size : at * size + size]) for at in range(count - 1)), list(values[-last:])])
