"""A container's specification as a short hash: a container made from another specification is made anew."""

import hashlib

import orjson

from corral.api.objects import Object

_FIELDS = ("name", "image")


def spec_hash(container: Object) -> str:
    """Eight hex digits of what may change in a running pod and needs a new container: its name and image."""
    return hashlib.sha256(orjson.dumps([container.get(f) for f in _FIELDS])).hexdigest()[:8]
