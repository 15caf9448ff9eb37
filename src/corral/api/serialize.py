"""An object's bytes, as they are stored and served.

The order is kind, apiVersion, metadata, then the rest; metadata in Go's field order with `"resourceVersion":""` right after
the uid. That placeholder is filled when the revision is known, without parsing (`with_revision`).
"""

import orjson

from corral.api.facts import Type
from corral.api.golang import filled
from corral.api.objects import Object

_METADATA_ORDER = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
_PLACEHOLDER = b'"resourceVersion":""'


def serialize(obj: Object, type_: Type | None = None) -> bytes:
    """The bytes of `obj` with the placeholder as its resourceVersion, whatever that was.

    With `type_`, fields that Go writes even when they are empty are there.
    """
    given = {**obj["metadata"], "resourceVersion": ""}
    metadata = {name: given[name] for name in _METADATA_ORDER if name in given}
    ordered: Object = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": metadata}
    for name, value in obj.items():
        if name not in ordered:
            ordered[name] = value
    if type_ is not None:
        ordered = filled(ordered, type_)
    return orjson.dumps(ordered)


def with_revision(raw: bytes, revision: int) -> bytes:
    """`raw`, as it is stored, with its placeholder filled."""
    return raw.replace(_PLACEHOLDER, b'"resourceVersion":"%d"' % revision, 1)
