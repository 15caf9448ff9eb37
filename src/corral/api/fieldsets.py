"""Sets of fields in the form that `managedFields` shows: FieldsV1, a tree.

A node's keys are `f:NAME` (a field), `k:{"name":"web"}` (a list's item by its keys), `v:"a"` (a set's item) and `i:0`. A path
is in the set when its node is empty or holds ".". Nodes are shared between sets: never changed in place. None is the
empty set.
The algebra is that of sigs.k8s.io/structured-merge-diff's fieldpath (KEP-555).
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

Fields = dict[str, Any]

#: Keys of longer values are made anew each time.
KEPT_CHARS = 256
#: A path in the set with nothing below it. Shared: never change it.
LEAF: Fields = {}


def union(a: Fields | None, b: Fields | None) -> Fields | None:
    """The paths of either."""
    if a is None or b is None or a is b:
        return b if a is None else a
    return _union(a, b)


def _union(a: Fields, b: Fields) -> Fields:
    if not a:
        return b if not b or "." in b else {".": LEAF, **b}
    if not b:
        return a if "." in a else {".": LEAF, **a}
    merged = dict(a)
    for key, node in b.items():
        mine = merged.get(key)
        if mine is None:
            merged[key] = node
        elif mine is not node and key != ".":
            merged[key] = _union(mine, node)
    return merged


def difference(a: Fields | None, b: Fields | None) -> Fields | None:
    """The paths of `a` that are not in `b` (what lies below a path of `b` stays)."""
    return a if a is None or b is None else _difference(a, b, root=True)


def _difference(a: Fields, b: Fields, root: bool = False) -> Fields | None:
    if not a:
        return None if (not b or "." in b) else a
    if not b:
        rest = {k: v for k, v in a.items() if k != "."} if "." in a else a
        return rest or None
    kept: Fields | None = None
    for key in b.keys() & a.keys():
        left = None if key == "." else _difference(a[key], b[key])
        if left is a[key]:
            continue
        if kept is None:
            kept = dict(a)
        if left is None:
            del kept[key]
        else:
            kept[key] = left
    if kept is None:
        return a
    if not kept:
        return None
    return LEAF if not root and len(kept) == 1 and "." in kept else kept


def without(a: Fields | None, below: Fields) -> Fields | None:
    """The paths of `a` that are neither in `below` nor under one of its paths."""
    if a is None or not below:
        return None
    kept: Fields | None = None
    for key in below.keys() & a.keys():
        left = without(a[key], below[key])
        if left is a[key]:
            continue
        kept = dict(a) if kept is None else kept
        if left is None:
            del kept[key]
        else:
            kept[key] = left
    return a if kept is None else kept or None


def intersection(a: Fields | None, b: Fields | None) -> Fields | None:
    """The paths of both."""
    if a is None or b is None:
        return None
    both: Fields = {}
    if (not a or "." in a) and (not b or "." in b):
        both["."] = LEAF
    for key in a.keys() & b.keys():
        if key != "." and (node := intersection(a[key], b[key])) is not None:
            both[key] = node
    if not both:
        return None
    return LEAF if len(both) == 1 and "." in both else both


def paths(fields: Fields | None) -> Iterator[str]:
    """Each path as messages print it, e.g. `.spec.containers[name="web"].image`; of a level, first the ends, then the rest."""
    yield from _paths(fields or {}, "")


def _paths(node: Fields, prefix: str) -> Iterator[str]:
    keys = sorted(k for k in node if k != ".")
    for key in keys:
        if not node[key] or "." in node[key]:
            yield prefix + element(key)
    for key in keys:
        if node[key]:
            yield from _paths(node[key], prefix + element(key))


def element(key: str) -> str:
    """One step of a path as messages print it."""
    kind, _, text = key.partition(":")
    if kind == "f":
        return "." + text
    if kind == "i":
        return f"[{text}]"
    value = json.loads(text)
    if kind == "v" or not isinstance(value, dict):
        return f"[={json.dumps(value, ensure_ascii=False)}]"
    return "[" + ",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(value.items())) + "]"


def item_key(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """The key of a list's item, e.g. `k:{"containerPort":80,"protocol":"TCP"}`; names must be sorted."""
    # Values are anything a client sends, before it is checked: a long one is not kept, and true is not to be found as 1.
    usual = all(type(value) is int or (isinstance(value, str) and len(value) <= KEPT_CHARS) for value in values)
    return (_kept_item_key if usual else _item_key)(names, values)


def _item_key(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return "k:" + json.dumps(dict(zip(names, values, strict=True)), separators=(",", ":"), ensure_ascii=False)


_kept_item_key = lru_cache(maxsize=4096)(_item_key)


def value_key(value: Any) -> str:
    """The key of a set's item, e.g. `v:"a"`."""
    return "v:" + json.dumps(value, separators=(",", ":"), ensure_ascii=False)
