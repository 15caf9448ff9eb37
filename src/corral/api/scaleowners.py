"""Who owns the number of replicas: the owners of a workload's field as those of its Scale, and back.

A Scale is applied like any object, with conflicts and shared ownership, but it is not stored: its owners are the workload's
owners of that one field, and what applying made of them goes back there.
"""

from corral.api.fieldsets import LEAF, Fields, difference, union
from corral.api.managedfields import Entry, Manager, Managers, decode, encode
from corral.api.objects import Object

SCALE = "autoscaling/v1"
_REPLICAS: Fields = {"f:spec": {"f:replicas": LEAF}}


def in_scale(obj: Object, path: tuple[str, ...]) -> list[Object]:
    """The managed fields of the Scale of `obj`, whose replicas stand at `path`."""
    managers: Managers = {}
    for who, entry in (decode(obj["metadata"].get("managedFields")) or {}).items():
        if _owns(entry.fields, path):
            version = SCALE if who.operation == "Update" else ""
            managers[Manager(who.operation, who.name, version, who.subresource)] = Entry(SCALE, _REPLICAS, entry.time)
    return encode(managers)


def in_parent(obj: Object, scale: Object, path: tuple[str, ...], api_version: str) -> list[Object]:
    """The managed fields of `obj` after its Scale became `scale`."""
    replicas: Fields = LEAF
    for name in reversed(path):
        replicas = {f"f:{name}": replicas}
    managers = decode(obj["metadata"].get("managedFields")) or {}
    owners = {_same(who): entry for who, entry in (decode(scale["metadata"].get("managedFields")) or {}).items()}
    for who, entry in list(managers.items()):
        owner = owners.pop(_same(who), None)
        if owner is None:
            left = difference(entry.fields, replicas)
            if left is None:
                del managers[who]
            else:
                managers[who] = Entry(entry.api_version, left, entry.time)
        elif not _owns(entry.fields, path):
            managers[who] = Entry(entry.api_version, union(entry.fields, replicas), owner.time)
    for (operation, name, subresource), entry in owners.items():
        who = Manager(operation, name, api_version if operation == "Update" else "", subresource)
        managers[who] = Entry(api_version, replicas, entry.time)
    return encode(managers)


def _same(who: Manager) -> tuple[str, str, str]:
    """Who it is in whatever version."""
    return who.operation, who.name, who.subresource


def _owns(fields: Fields | None, path: tuple[str, ...]) -> bool:
    for name in path:
        if fields is None:
            return False
        fields = fields.get(f"f:{name}")
    return fields is not None
