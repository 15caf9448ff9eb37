"""What an upgrade asks of an object: the patch that takes away what the old manifest had and the new one has not, and makes the
live object say what the new one says. What others wrote beside it stays.

Built-in kinds get a strategic merge patch (lists merge by key), custom ones a JSON merge patch, as Helm and kubectl do.
https://helm.sh/docs/faq/changes_since_helm2/#improved-upgrade-strategy-3-way-strategic-merge-patches
"""

from corral.api.facts import Type
from corral.api.patch.strategic import lookup
from corral.base.annotations import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corral.api.objects import Object

_MISSING = object()


def patch(old: "Object", new: "Object", live: "Object", schema: Type | None) -> "tuple[str, Object]":
    """The kind of patch and the patch; an empty one where nothing is to change. `schema` is None for custom resources."""
    if schema is None:
        return "merge", merge_patch_between(old, new)
    changes = _changes(live, new, schema)
    removals = _removals(old, new, schema)
    return "strategic", _joined(removals, changes, schema)


def merge_patch_between(old: Any, new: Any) -> "Object":
    """The JSON merge patch (RFC 7386) that makes `new` of `old`."""
    made: Object = {}
    for key, value in new.items():
        before = old.get(key, _MISSING)
        if isinstance(before, dict) and isinstance(value, dict):
            if inner := merge_patch_between(before, value):
                made[key] = inner
        elif before is _MISSING or not _same(before, value):
            made[key] = value
    return made | {key: None for key in old if key not in new}


def _same(a: Any, b: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def _changes(live: "Object", new: "Object", schema: Type | None) -> "Object":
    """What to add to or change in `live` so that it says what `new` says; nothing is taken away."""
    made: Object = {}
    for name, value in new.items():
        type_, strategies, key = lookup(schema, name)
        there = live.get(name, _MISSING)
        if value is None:
            continue
        if there is _MISSING or type(there) is not type(value) or not isinstance(value, dict | list):
            if there is _MISSING or not _same(there, value):
                made[name] = value
        elif isinstance(value, dict):
            if "replace" in strategies:
                if not _same(there, value):
                    made[name] = {**value, "$patch": "replace"}
            elif inner := _changes(there, value, type_):
                if "retainKeys" in strategies:
                    inner["$retainKeys"] = sorted(value)
                made[name] = inner
            elif "retainKeys" in strategies and set(there) - set(value):
                made[name] = {"$retainKeys": sorted(value)}
        elif "merge" not in strategies:
            if not _same(there, value):
                made[name] = value
        else:
            _list_changes(made, name, there, value, type_.item if type_ else None, key)
    return made


def _list_changes(made: "Object", name: str, live: list[Any], new: list[Any], item: Type | None, key: str) -> None:
    if not key or not all(isinstance(one, dict) and key in one for one in (*live, *new)):
        added = [one for one in new if one not in live]
        if added:
            made[name] = added
            made[f"$setElementOrder/{name}"] = new
        return
    known = {_name(one[key]): one for one in live}
    changed = []
    for one in new:
        there = known.get(_name(one[key]))
        if there is None:
            changed.append(one)
        elif inner := _changes(there, one, item):
            changed.append({**inner, key: one[key]})
    if changed:
        made[name] = changed
        made[f"$setElementOrder/{name}"] = [{key: one[key]} for one in new]


def _removals(old: "Object", new: "Object", schema: Type | None) -> "Object":
    """What of `old` is not in `new` any more."""
    made: Object = {}
    for name, before in old.items():
        type_, strategies, key = lookup(schema, name)
        value = new.get(name)
        if value is None:
            if before is not None or name not in new:
                made[name] = None
        elif isinstance(before, dict) and isinstance(value, dict):
            if "replace" not in strategies and (inner := _removals(before, value, type_)):
                made[name] = inner
        elif isinstance(before, list) and isinstance(value, list) and "merge" in strategies:
            _list_removals(made, name, before, value, type_.item if type_ else None, key)
    return made


def _list_removals(made: "Object", name: str, old: list[Any], new: list[Any], item: Type | None, key: str) -> None:
    if not key or not all(isinstance(one, dict) and key in one for one in (*old, *new)):
        if gone := [one for one in old if one not in new]:
            made[f"$deleteFromPrimitiveList/{name}"] = gone
        return
    kept = {_name(one[key]): one for one in new}
    changed: list[Object] = []
    for one in old:
        now = kept.get(_name(one[key]))
        if now is None:
            changed.append({"$patch": "delete", key: one[key]})
        elif inner := _removals(one, now, item):
            changed.append({**inner, key: one[key]})
    if changed:
        made[name] = changed
        made[f"$setElementOrder/{name}"] = [{key: one[key]} for one in new]


def _joined(removals: "Object", changes: "Object", schema: Type | None) -> "Object":
    """Both patches as one."""
    made = dict(removals)
    for name, value in changes.items():
        before = made.get(name)
        type_, _, key = lookup(schema, name)
        if isinstance(before, dict) and isinstance(value, dict):
            made[name] = _joined(before, value, type_)
        elif isinstance(before, list) and isinstance(value, list) and not name.startswith("$"):
            made[name] = _joined_lists(before, value, type_.item if type_ else None, key)
        else:
            made[name] = value
    return made


def _joined_lists(removals: list[Any], changes: list[Any], item: Type | None, key: str) -> list[Any]:
    if not key:
        return changes
    left = {_name(one[key]): one for one in removals}
    made = []
    for one in changes:
        before = left.pop(_name(one[key]), None)
        made.append(one if before is None else _joined(before, one, item))
    return [*left.values(), *made]


def _name(key: Any) -> str:
    return repr(key)
