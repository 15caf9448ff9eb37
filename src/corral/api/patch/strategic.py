"""Strategic merge patch: a merge patch in which lists merge by key, as the fields of the type say, and directives say the rest.

Directives: `$patch: delete|replace|merge` in a map or an item, `$retainKeys`, `$deleteFromPrimitiveList/FIELD`,
`$setElementOrder/FIELD`. Semantics are those of apimachinery's `strategicpatch` and of the design documents
strategic-merge-patch.md and preserve-order-in-strategic-merge-patch.md.
"""

from corral.api.errors import ApiError, bad_request
from corral.api.facts import Type
from corral.api.jsonvalues import json_kind
from corral.base.annotations import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corral.api.objects import Object

_PATCH, _RETAIN = "$patch", "$retainKeys"
_DELETE_FROM, _ORDER = "$deleteFromPrimitiveList/", "$setElementOrder/"
_BAD_ORDER = "invalid patch format of setElementOrder list"
_BAD_RETAIN = "invalid patch format of retainKeys"
_BAD_DELETE = "invalid patch format of primitive list"


def strategic_merge_patch(document: "Object", patch: Any, schema: Type) -> "Object":
    """`document` with `patch` merged in, as the fields of `schema` say; neither is changed, unchanged parts are shared.

    Raises 400 for malformed directives, 422 or 500 for what the reference refuses with those.
    """
    if not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {json_kind(patch)} into Go value of type map[string]interface {{}}")
    return _merge_map(document, patch, schema)


def _merge_map(old: dict[str, Any], patch: dict[str, Any], schema: Type | None) -> dict[str, Any]:
    if _PATCH in patch:
        directive = patch[_PATCH]
        if directive == "replace":
            return {k: v for k, v in patch.items() if k != _PATCH}
        if directive == "delete":
            return {}
        raise _failed(f"unknown patch type: {_go(directive)} in map: {_go(patch)}")
    merged = _retained(old, patch) if _RETAIN in patch else dict(old)
    ordered = {}
    for name, order in patch.items():
        if name.startswith(_ORDER):
            ordered[name.removeprefix(_ORDER)] = order
        elif name.startswith((_ORDER[:-1], _DELETE_FROM[:-1])) and not name.startswith(_DELETE_FROM):
            raise bad_request(_BAD_ORDER if name.startswith(_ORDER[:-1]) else _BAD_DELETE)
    for name, order in ordered.items():
        _merge_ordered(merged, patch, name, order, schema)
    for name, value in patch.items():
        if name in ordered or name == _RETAIN or name.startswith(_ORDER):
            continue
        if name.startswith(_DELETE_FROM):
            _delete_from(merged, name.removeprefix(_DELETE_FROM), value)
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge_value(merged.get(name), value, schema, name)
    return merged


def _merge_value(old: Any, value: Any, schema: Type | None, name: str) -> Any:
    type_, strategies, key = lookup(schema, name)
    if isinstance(value, dict):
        if "replace" in strategies and isinstance(old, dict):
            return value
        return _merge_map(old if isinstance(old, dict) else {}, value, type_)
    if isinstance(value, list):
        if isinstance(old, list) and "merge" in strategies:
            return _merge_list(old, value, type_.item if type_ else None, key)
        return [_cleaned(item, type_.item if type_ else None) for item in value if not _is_directive(item)]
    return value


def _is_directive(item: Any) -> bool:
    return isinstance(item, dict) and _PATCH in item


def _cleaned(item: Any, type_: Type | None) -> Any:
    """A new item without the directives and nulls that may be inside."""
    return _merge_map({}, item, type_) if isinstance(item, dict) else item


def lookup(schema: Type | None, name: str) -> tuple[Type | None, tuple[str, ...], str]:
    """A field's type, patch strategies and merge key."""
    if schema is None:
        return None, (), ""
    if schema.kind == "map":
        return schema.item, (), ""
    field = schema.fields.get(name)
    return (field.type, field.patch_strategy, field.merge_key) if field else (None, (), "")


def _retained(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    keys = patch[_RETAIN]
    if not isinstance(keys, list):
        raise bad_request(_BAD_RETAIN)
    for name, value in patch.items():
        if value is not None and name not in keys and not name.startswith((_DELETE_FROM, _ORDER)) and name != _RETAIN:
            raise bad_request(_BAD_RETAIN)
    return {k: v for k, v in old.items() if k in keys}


def _delete_from(merged: dict[str, Any], name: str, gone: Any) -> None:
    old = merged.get(name)
    if isinstance(old, list) and isinstance(gone, list):
        merged[name] = [item for item in old if item not in gone]
    elif old is not None:
        raise bad_request(_BAD_DELETE)


def _merge_ordered(merged: dict[str, Any], patch: dict[str, Any], name: str, order: Any, schema: Type | None) -> None:
    """Merge a list and put its items into the order of `$setElementOrder`."""
    type_, strategies, key = lookup(schema, name)
    old, new = merged.get(name), patch.get(name)
    if not isinstance(order, list) or not isinstance(old, list | None) or not isinstance(new, list | None):
        raise bad_request(_BAD_ORDER)
    if old is None and new is None:
        return
    _check_order(new or [], order, key)
    item_type = type_.item if type_ else None
    if new is None:
        both = list(old or [])
    elif old is None:
        both = [_cleaned(item, item_type) for item in new if not _is_directive(item)]
    else:
        both = _merge_list(old, new, item_type, key) if "merge" in strategies else list(new)
    if gone := patch.get(_DELETE_FROM + name):
        both = [item for item in both if item not in gone]
    merged[name] = _arranged(both, order, old or [], key)


def _check_order(new: list[Any], order: list[Any], key: str) -> None:
    """The items of the patch must occur in `order`, in that order."""
    if not order:
        return
    wanted = iter([_id(item, key) for item in order])
    for item in new:
        if not _is_directive(item) and _id(item, key) not in wanted:
            raise _failed(f"The order in patch list:\n{_go(new)}\n doesn't match $setElementOrder list:\n{_go(order)}\n")


def _merge_list(old: list[Any], patch: list[Any], item_type: Type | None, key: str) -> list[Any]:
    kinds = {type(item) for item in (*old, *patch)}
    if list in kinds:
        raise ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})
    if len(kinds) > 1:
        raise _failed(f"list element types are not identical: {_go([old, patch])}")
    if dict not in kinds:
        return _arranged(list(dict.fromkeys([*old, *patch])), patch, old, "")
    if not key:
        raise _failed("cannot merge lists without merge key for type struct")
    merged = list(old)
    replace = False
    wanted = []
    for item in patch:
        directive = item.get(_PATCH)
        if directive is None:
            wanted.append(item)
        elif directive == "delete":
            gone = _id(item, key)
            merged = [other for other in merged if other.get(key) != gone]
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise _failed("merging lists cannot yet be specified in the patch")
        else:
            raise _failed(f"unknown patch type: {_go(directive)} in map: {_go(item)}")
    if replace:
        return [_cleaned(item, item_type) for item in wanted]
    for item in wanted:
        name = _id(item, key)
        at = next((i for i, other in enumerate(merged) if key in other and other[key] == name), None)
        if at is None:
            merged.append(_cleaned(item, item_type))
        else:
            merged[at] = _merge_map(merged[at], item, item_type)
    return _arranged(merged, wanted, old, key)


def _id(item: Any, key: str) -> Any:
    if not key:
        return item
    if not isinstance(item, dict):
        raise _failed(f"value for key {_go(item)} is not a map.")
    if key not in item:
        raise _failed(f"map: {_go(item)} does not contain declared merge key: {key}")
    return item[key]


def _arranged(items: list[Any], order: list[Any], old: list[Any], key: str) -> list[Any]:
    """The items that `order` names in that order; the others, in the old order, each before the named ones it preceded."""
    wanted = [_id(item, key) for item in order if not _is_directive(item)]
    before = [item.get(key) if key and isinstance(item, dict) else item for item in old]
    named = sorted((i for i in items if _id(i, key) in wanted), key=lambda i: wanted.index(_id(i, key)))
    others = [i for i in items if _id(i, key) not in wanted]
    arranged: list[Any] = []
    for item in named:
        name = _id(item, key)
        while others and name in before and _id(others[0], key) in before:
            if before.index(_id(others[0], key)) > before.index(name):
                break
            arranged.append(others.pop(0))
        arranged.append(item)
    return arranged + others


def _failed(message: str) -> ApiError:
    """What the reference has no status for: 500 without a reason."""
    return ApiError(500, "", message)


def _go(value: Any) -> str:
    """A value as Go's %v prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{_go(v)}" for k, v in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go, value)) + "]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
