"""What server-side apply does to values: the fields that are given, merging two values, removing fields.

The rules are those of sigs.k8s.io/structured-merge-diff's typed package.
"""

from typing import Any

from corral.api.fieldsets import LEAF, Fields, element
from corral.api.typed import ANY, ANYTHING, KEYED, LEAF_SHAPE, SET, STRUCT, Shape, key_of_item

_NUMBERS = frozenset(["int32", "int64", "float64"])
_STRINGS = frozenset(["string", "bytes", "time", "micro-time"])
_GO = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}", int: "int64", float: "float64"}


def field_set(shape: Shape, value: Any, errors: list[str], path: str = "") -> Fields | None:
    """The fields that a value gives, as its manager owns them: ends, items of lists, entries of maps; not the structs between.

    What does not fit the type is reported in `errors` as `PATH: what is wrong`.
    """
    kind = shape.kind
    if kind == LEAF_SHAPE:
        if message := _misfit(shape.scalar, value):
            errors.append(f"{path}: {message}")
        return LEAF
    if kind in (SET, KEYED):
        return _items(shape, value, errors, path)
    if kind == ANY and not isinstance(value, dict):
        return LEAF
    if value is None:
        return None
    if not isinstance(value, dict):
        errors.append(f"{path}: expected map, got {_show(value)}")
        return None
    found: Fields = {}
    for name, child in value.items():
        key, below, is_field = "f:" + name, shape.item, False
        if kind == STRUCT:
            if (known := shape.fields.get(name)) is not None:
                below, is_field = known[1], True
            elif shape.open:
                below = ANYTHING
            else:
                errors.append(f"{path}.{name}: field not declared in schema")
                continue
        node = field_set(below, child, errors, f"{path}.{name}")
        if child is None or child == {}:
            node = LEAF
        elif not is_field:
            node = _member(node)
        if node is not None:
            found[key] = node
    return found or None


def _items(shape: Shape, value: Any, errors: list[str], path: str) -> Fields | None:
    if value is None:
        return None
    if not isinstance(value, list):
        errors.append(f"{path}: expected list, got {_show(value)}")
        return None
    found: Fields = {}
    for i, item in enumerate(value):
        try:
            key = key_of_item(shape, item)
        except ValueError as error:
            errors.append(f"{path}: element {i}: {error}")
            continue
        if key in found:
            errors.append(f"{path}: duplicate entries for key {element(key)}")
            continue
        found[key] = _member(field_set(shape.item, item, errors, path + element(key)))
    return found or None


def _member(node: Fields | None) -> Fields:
    return LEAF if not node else node if "." in node else {".": LEAF, **node}


def _misfit(scalar: str, value: Any) -> str:
    if value is None:
        return ""
    if scalar in _NUMBERS:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if number else f"expected numeric (int or float), got {_GO.get(type(value), 'nil')}"
    if scalar in _STRINGS:
        return "" if isinstance(value, str) else f"expected string, got {_show(value)}"
    if scalar == "bool":
        return "" if isinstance(value, bool) else f"expected boolean, got {_show(value)}"
    if scalar == "list":
        return "" if isinstance(value, list) else f"expected list, got {_show(value)}"
    if scalar == "map":
        return "" if isinstance(value, dict) else f"expected map, got {_show(value)}"
    return ""


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return f"&value.valueUnstructured{{Value:{str(value).lower()}}}"
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return f"&value.valueUnstructured{{Value:{shown}}}"


def merge(shape: Shape, live: Any, applied: Any) -> Any:
    """`applied` over `live`. Lists are in the order of `applied`; what only `live` has keeps its place among them."""
    kind = shape.kind
    if kind == LEAF_SHAPE:
        return applied
    if kind in (SET, KEYED):
        return _merge_lists(shape, live or [], applied or []) if live or applied else applied
    if not isinstance(live, dict) or not isinstance(applied, dict):
        return live if applied is None and kind != ANY and live else applied
    merged = dict(live)
    for name, value in applied.items():
        below = shape.item
        if kind == STRUCT:
            known = shape.fields.get(name)
            below = known[1] if known is not None else ANYTHING
        merged[name] = merge(below, live[name], value) if name in live else value
    return merged


def _merge_lists(shape: Shape, live: list[Any], applied: list[Any]) -> list[Any]:
    before = [key_of_item(shape, item) for item in live]
    after = [key_of_item(shape, item) for item in applied]
    old: dict[str, Any] = dict(zip(before, live, strict=True))
    new: dict[str, Any] = dict(zip(after, applied, strict=True))
    repeated = {key for key in before if before.count(key) > 1} if len(old) != len(before) else set()
    shared = [key for key in after if key in old]
    merged: list[Any] = []
    done: set[str] = set()
    i = j = 0

    def take() -> None:
        nonlocal j
        key = after[j]
        merged.append(merge(shape.item, old[key], new[key]) if key in old and key not in repeated else new[key])
        done.add(key)
        if shared and shared[0] == key:
            shared.pop(0)
        j += 1

    while i < len(before) or j < len(after):
        if i < len(before):
            key = before[i]
            if key not in new:
                merged.append(live[i])
                i += 1
                continue
            if j < len(after) and key == after[j]:
                take()
                i += 1
                continue
            if key in done or (shared and shared[0] != key):
                i += 1
                continue
        if j < len(after):
            take()
        else:
            i += 1
    return merged


def declared(shape: Shape, fields: Fields) -> Fields:
    """The set with the structs on the way to its paths as members too: what the schema names can be removed as a whole."""
    if not fields:
        return fields
    made: Fields = {}
    for key, node in fields.items():
        below = shape.item
        named = False
        if shape.kind == STRUCT and key.startswith("f:"):
            known = shape.fields.get(key[2:])
            named, below = known is not None, known[1] if known is not None else ANYTHING
        child = declared(below, node)
        made[key] = {".": LEAF, **child} if named and child and "." not in child else child
    return made


def remove(shape: Shape, value: Any, gone: Fields | None) -> Any:
    """`value` without the paths of `gone`; None when nothing is left. Atomic values are removed as a whole or not at all."""
    if not gone or not value or shape.kind == LEAF_SHAPE:
        return value
    if isinstance(value, list):
        if shape.kind not in (SET, KEYED):
            return value
        items = []
        for item in value:
            node = gone.get(key_of_item(shape, item))
            if node is None:
                items.append(item)
            elif node and "." not in node:
                items.append(remove(shape.item, item, node))
        return items or None
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, child in value.items():
        node = gone.get("f:" + name)
        if node is None:
            kept[name] = child
        elif node and "." not in node:
            below = shape.item
            if shape.kind == STRUCT:
                known = shape.fields.get(name)
                below = known[1] if known is not None else ANYTHING
            left = remove(below, child, node)
            if left is not None:
                kept[name] = left
    return kept or None
