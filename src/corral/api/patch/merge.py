"""JSON merge patch (RFC 7386): objects are merged, null removes, anything else replaces."""

from typing import Any

from corral.api.errors import bad_request
from corral.api.objects import Object

_GO = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}


def merge_patch(document: Object, patch: Any) -> Object:
    """`document` with `patch` merged in; neither is changed, unchanged parts are shared. Raises 400 for what is no object."""
    if not isinstance(patch, dict):
        kind = _GO.get(type(patch), "null")
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        )
    merged: Object = _merge(document, patch)
    return merged


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
