"""Walks over values as their types say: which fields differ, which fields there are, merging, removing.

A `Shape` is what a type (`api.facts`) means for ownership: leaves, structs, maps, sets, lists with keys. The rules are those of
sigs.k8s.io/structured-merge-diff's typed package (KEP-555): atomic values are leaves, an empty map or list is a leaf, a list
without a type is atomic, what has no type is understood from the value.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from corral.api.facts import Field, Type
from corral.api.fieldsets import LEAF, Fields, item_key, value_key
from corral.api.golang import zero

LEAF_SHAPE, STRUCT, MAP, SET, KEYED, ANY = range(6)

_MISSING: Any = object()


class Shape:
    """What a type means for ownership. `fields`: name → (`f:name`, shape, its value in an empty object or _MISSING)."""

    __slots__ = ("_always", "_fields", "_type", "defaults", "item", "keys", "kind", "scalar")

    def __init__(
        self,
        kind: int,
        *,
        of: Type | None = None,
        item: "Shape | None" = None,
        keys: tuple[str, ...] = (),
        defaults: tuple[object, ...] = (),
        scalar: str = "",
    ) -> None:
        self.kind = kind
        self.item = item or self
        self.keys = keys
        self.defaults = defaults
        #: Of a leaf: what it holds, to check applied values ("" for atomic structures).
        self.scalar = scalar
        self._type = of
        self._fields: dict[str, tuple[str, Shape, Any]] | None = None
        self._always: tuple[str, ...] | None = None

    @property
    def fields(self) -> "dict[str, tuple[str, Shape, Any]]":
        """The fields of a struct."""
        if self._fields is None:
            assert self._type is not None
            type_ = self._type
            self._fields = {n: ("f:" + n, _of_field(type_, f), _zero(type_, f)) for n, f in type_.fields.items()}
        return self._fields

    @property
    def always(self) -> "tuple[str, ...]":
        """The fields that are in every object, if empty or null ones."""
        if self._always is None:
            self._always = tuple(name for name, (_, _, empty) in self.fields.items() if empty is not _MISSING)
        return self._always

    @property
    def open(self) -> bool:
        """Whether fields that are not declared are allowed."""
        return self._type is None or self._type.preserve_unknown


_LEAVES: dict[str, Shape] = {}
ANYTHING = Shape(ANY)


@lru_cache(maxsize=512)
def shape_of(schema: Type) -> Shape:
    """The shape of objects of this type."""
    if schema.kind == "object":
        if schema.atomic:
            return _leaf("map")
        if not schema.name and not schema.fields and schema.preserve_unknown:
            return ANYTHING
        return Shape(STRUCT, of=schema)
    if schema.kind == "map":
        return _leaf("map") if schema.atomic else Shape(MAP, item=shape_of(schema.item) if schema.item else ANYTHING)
    if schema.kind == "list":
        return _leaf("list")
    return ANYTHING if schema.kind == "any" else _leaf(schema.kind)


def _leaf(scalar: str) -> Shape:
    return _LEAVES.setdefault(scalar, Shape(LEAF_SHAPE, scalar=scalar))


def _of_field(parent: Type, field: Field) -> Shape:
    type_ = field.type
    if type_.kind == "any" and parent.name:
        return _leaf("any")  # a built-in type's RawExtension or JSON
    if field.atomic or type_.atomic:
        return _leaf("list" if type_.kind == "list" else "map" if type_.kind in ("map", "object") else type_.kind)
    if type_.kind != "list":
        return shape_of(type_)
    assert type_.item is not None
    list_type, keys = field.list_type, field.map_keys
    if not list_type and "merge" in field.patch_strategy:
        list_type, keys = ("map", (field.merge_key,)) if field.merge_key else ("set", ())
    if list_type == "set":
        return Shape(SET, item=shape_of(type_.item))
    if list_type != "map" or not keys:
        return _leaf("list")
    keys = tuple(sorted(keys))
    known: Mapping[str, Field] = type_.item.fields
    defaults = tuple(known[k].default if k in known else None for k in keys)
    return Shape(KEYED, item=shape_of(type_.item), keys=keys, defaults=defaults)


def _zero(parent: Type, field: Field) -> Any:
    """What an empty object holds there: Go writes by-value structs, and null for required lists and maps."""
    if not parent.name:
        return _MISSING
    if field.type.kind == "object":
        return LEAF if field.keeps_zero and not field.pointer else _MISSING
    if not field.keeps_zero or field.pointer or field.type.kind == "any":
        return _MISSING
    return zero(field.type)


def key_of_item(shape: Shape, item: Any) -> str:
    """The key of an item of a set or of a list with keys. Raises ValueError for an item that has none."""
    if shape.kind == SET:
        if isinstance(item, dict | list):
            raise ValueError("sets may not have map or list elements")
        return value_key(item)
    if not isinstance(item, dict):
        raise ValueError("associative list with keys may not have non-map elements")
    values = []
    for name, default in zip(shape.keys, shape.defaults, strict=True):
        value = item.get(name, default)
        if value is None and name not in item and len(shape.keys) == 1:
            raise ValueError(
                f'associative list with keys has an element that omits key field "{name}" (and doesn\'t have default value)'
            )
        if isinstance(value, dict | list):
            raise ValueError(f'associative list with keys has an element whose key field "{name}" is not a scalar')
        values.append(value)
    if len(values) > 1 and None in values:
        given = [(n, v) for n, v in zip(shape.keys, values, strict=True) if v is not None]
        return item_key(tuple(n for n, _ in given), tuple(v for _, v in given))
    return item_key(shape.keys, tuple(values))


def everything(shape: Shape, value: Any) -> Fields:
    """All paths of a value that was not there before, its own included."""
    kind = shape.kind
    if kind == LEAF_SHAPE or not value or not isinstance(value, (dict, list)):
        return LEAF
    if kind == STRUCT and isinstance(value, dict):
        known = shape.fields
        node = {".": LEAF}
        for name, child in value.items():
            if (field := known.get(name)) is None:
                node["f:" + name] = everything(ANYTHING, child)
            elif field[1].kind == LEAF_SHAPE:
                node[field[0]] = LEAF
            else:
                node[field[0]] = everything(field[1], child)
        for name in shape.always:
            if name not in value:
                node["f:" + name] = LEAF
        return node
    if isinstance(value, dict):
        return LEAF if kind in (SET, KEYED) else {".": LEAF} | {"f:" + k: everything(shape.item, v) for k, v in value.items()}
    if kind in (SET, KEYED):
        return {".": LEAF} | {key_of_item(shape, v): everything(shape.item, v) for v in value}
    return LEAF


def compare(shape: Shape, old: Any, new: Any) -> tuple[Fields | None, Fields | None]:
    """The paths that `new` sets or changes, and those that it lacks, below a value that both have."""
    if old is new or old == new:
        return None, None
    kind = shape.kind
    if kind == STRUCT and isinstance(new, dict) and (old is None or isinstance(old, dict)):
        return _compare_fields(shape, old or {}, new)
    if kind in (MAP, ANY) and (isinstance(old, dict) or isinstance(new, dict)) and _dicts_or_none(old, new):
        return _compare_items(
            shape, {"f:" + k: v for k, v in (old or {}).items()}, {"f:" + k: v for k, v in (new or {}).items()}
        )
    if (
        kind in (SET, KEYED)
        and (old is None or isinstance(old, list))
        and (new is None or isinstance(new, list))
        and (old or new)
    ):
        before, after = _index(shape, old or ()), _index(shape, new or ())
        return _compare_items(shape, before, after)
    return LEAF, None


def _dicts_or_none(old: Any, new: Any) -> bool:
    return bool((old is None or isinstance(old, dict)) and (new is None or isinstance(new, dict)) and (old or new))


class _Several(list[Any]):
    """Items that share a key: compared as one value."""


def _index(shape: Shape, items: Any) -> dict[str, Any]:
    index: dict[str, Any] = {}
    for item in items:
        key = key_of_item(shape, item)
        if key not in index:
            index[key] = item
        elif isinstance(index[key], _Several):
            index[key].append(item)
        else:
            index[key] = _Several([index[key], item])
    return index


def _compare_items(shape: Shape, old: dict[str, Any], new: dict[str, Any]) -> tuple[Fields | None, Fields | None]:
    changed: Fields = {}
    gone: Fields = {}
    item = shape.item
    for key, after in new.items():
        before = old.get(key, _MISSING)
        if before is _MISSING:
            changed[key] = LEAF if isinstance(after, _Several) else everything(item, after)
        elif isinstance(before, _Several) or isinstance(after, _Several):
            if before != after:
                changed[key] = LEAF
        else:
            _note(key, compare(item, before, after), changed, gone)
    for key, before in old.items():
        if key not in new:
            gone[key] = LEAF if isinstance(before, _Several) else everything(item, before)
    return changed or None, gone or None


def _compare_fields(shape: Shape, old: dict[str, Any], new: dict[str, Any]) -> tuple[Fields | None, Fields | None]:
    changed: Fields = {}
    gone: Fields = {}
    known = shape.fields
    for name, after in new.items():
        before = old.get(name, _MISSING)
        if before is after:
            continue
        key, below, zero = known.get(name) or ("f:" + name, ANYTHING, _MISSING)
        if before is _MISSING and (before := zero) is _MISSING:
            changed[key] = LEAF if below.kind == LEAF_SHAPE else everything(below, after)
        else:
            _note(key, compare(below, before, after), changed, gone)
    for name, before in old.items():
        if name not in new:
            key, below, zero = known.get(name) or ("f:" + name, ANYTHING, _MISSING)
            if zero is _MISSING:
                gone[key] = everything(below, before)
            else:
                _note(key, compare(below, before, zero), changed, gone)
    return changed or None, gone or None


def _note(key: str, found: tuple[Fields | None, Fields | None], changed: Fields, gone: Fields) -> None:
    if found[0] is not None:
        changed[key] = found[0]
    if found[1] is not None:
        gone[key] = found[1]
