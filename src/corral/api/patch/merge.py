"""JSON merge patch (RFC 7386): objects are merged, null removes, anything else replaces."""

from typing import Any

from corral.api.errors import bad_request
from corral.api.jsonvalues import json_kind
from corral.api.objects import Object


def merge_patch(document: Object, patch: Any) -> Object:
    """`document` with `patch` merged in; neither is changed, unchanged parts are shared. Raises 400 for what is no object."""
    if not isinstance(patch, dict):
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {json_kind(patch)} into Go value of type map[string]interface {{}}"
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
