"""A container's specification as a short hash: a container made from another specification is made anew."""

import hashlib

import orjson

from corral.api.objects import Object
from corral.node.resources import amounts

_FIELDS = ("name", "image")


def spec_hash(container: Object) -> str:
    """Eight hex digits of what may change in a running pod and needs a new container.

    Its name and image, and the amounts of those resources whose resizePolicy is RestartContainer (KEP-1287).
    """
    parts: list[object] = [container.get(f) for f in _FIELDS]
    restarting = {
        p["resourceName"] for p in container.get("resizePolicy") or () if p.get("restartPolicy") == "RestartContainer"
    }
    cpu_request, cpu_limit, memory_request, memory_limit = amounts(container)
    if "cpu" in restarting:
        parts.append(["cpu", cpu_request, cpu_limit])
    if "memory" in restarting:
        parts.append(["memory", memory_request, memory_limit])
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:8]
