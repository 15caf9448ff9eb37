"""JSON patch (RFC 6902): a list of operations, all or nothing.

The reference answers every operation that cannot be done with the same 422 and no detail; so does this module. As in the
reference, a `remove` of what is not there fails, `add` to a missing parent fails, and negative indices count from the end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from corral.api.errors import ApiError, bad_request
from corral.api.jsonvalues import json_kind
from corral.api.objects import Object, copied

MAX_OPERATIONS = 10000
#: What copy operations may add in all, in bytes of their JSON.
MAX_COPIED_BYTES = 3 * 1024 * 1024


class _NotApplicableError(Exception):
    pass


class _TestError(_NotApplicableError):
    pass


class TestFailedError(ApiError):
    """The 422 of a patch with a `test` that found something else; answers do not tell it from others."""

    __test__ = False


def json_patch(document: Object, operations: Any) -> Object:
    """`document` after the operations; it is not changed itself. Raises 400 for a malformed patch, 413, 422 where one fails."""
    if not isinstance(operations, list):
        kind = json_kind(operations)
        raise bad_request(f"error decoding patch: json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp")
    if len(operations) > MAX_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity is too large: {text}")
    root = [copied(document)]
    copied_bytes = 0
    try:
        for operation in operations:
            copied_bytes += _run(root, operation)
            if copied_bytes > MAX_COPIED_BYTES:
                raise _NotApplicableError
    except _NotApplicableError as error:
        made = TestFailedError if isinstance(error, _TestError) else ApiError
        raise made(422, "Invalid", "the server rejected our request due to an error in our request", {}) from None
    if not isinstance(root[0], dict):
        raise bad_request(f"json: cannot unmarshal {json_kind(root[0])} into Go value of type map[string]interface {{}}")
    return root[0]


def _run(root: list[Any], operation: Any) -> int:
    if not isinstance(operation, Mapping):
        raise _NotApplicableError
    path = _pointer(operation.get("path"))
    match operation.get("op"):
        case "add":
            _add(root, path, copied(operation.get("value")))
        case "remove":
            _remove(root, path)
        case "replace":
            _get(root, path)
            parent, last = _get(root, path[:-1]), path[-1]
            parent[_index(parent, last)] = copied(operation.get("value"))
        case "move":
            _add(root, path, _remove(root, _pointer(operation.get("from"))))
        case "copy":
            value = copied(_get(root, _pointer(operation.get("from"))))
            _add(root, path, value)
            return len(str(value))
        case "test":
            _test(root, path, operation.get("value"))
        case _:
            raise _NotApplicableError
    return 0


def _pointer(path: Any) -> list[str]:
    """The steps of a JSON pointer (RFC 6901) below the list that holds the document."""
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise _NotApplicableError
    return ["0"] + [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _index(parent: Any, step: str) -> Any:
    """The key or position of something that is there."""
    if isinstance(parent, dict):
        if step in parent:
            return step
    elif isinstance(parent, list):
        try:
            i = int(step)
        except ValueError:
            raise _NotApplicableError from None
        if -len(parent) <= i < len(parent):
            return i
    raise _NotApplicableError


def _get(root: list[Any], path: Sequence[str]) -> Any:
    here: Any = root
    for step in path:
        here = here[_index(here, step)]
    return here


def _add(root: list[Any], path: list[str], value: Any) -> None:
    parent, last = _get(root, path[:-1]), path[-1]
    if parent is root:
        root[0] = value
    elif isinstance(parent, dict):
        parent[last] = value
    elif not isinstance(parent, list):
        raise _NotApplicableError
    elif last == "-":
        parent.append(value)
    else:
        try:
            i = int(last)
        except ValueError:
            raise _NotApplicableError from None
        if not -len(parent) - 1 <= i <= len(parent):
            raise _NotApplicableError
        parent.insert(i if i >= 0 else len(parent) + 1 + i, value)


def _remove(root: list[Any], path: list[str]) -> Any:
    parent, last = _get(root, path[:-1]), path[-1]
    if parent is root:
        raise _NotApplicableError
    place = _index(parent, last)  # first: what is neither object nor list has no places
    return parent.pop(place)


def _test(root: list[Any], path: list[str], wanted: Any) -> None:
    try:
        found = _get(root, path)
    except _NotApplicableError:
        if wanted is None and isinstance(_get(root, path[:-1]), dict):
            return  # as the reference: what is missing is null
        raise
    if not _equal(found, wanted):
        raise _TestError


def _equal(a: Any, b: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)
