"""Arranges endpoints in EndpointSlices of limited size, changing as few slices as it can.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ (KEP-752)
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from corral.api.objects import Object, key_of
from corral.controllers.actions import Action, Create, Delete, Update

SLICES = "endpointslices.discovery.k8s.io"
SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MAX_ENDPOINTS = 100


class Group(Struct):
    """Endpoints of one address type that have the same ports."""

    address_type: str
    ports: list[Object]
    endpoints: list[Object] = field(default_factory=list)

    @property
    def identity(self) -> tuple[object, ...]:
        """What slices of the group have in common."""
        return _identity(self.address_type, self.ports)


def arrange(
    groups: Iterable[Group], present: Sequence[Object], metadata: Object, max_endpoints: int = MAX_ENDPOINTS
) -> list[Action]:
    """From the endpoints wanted and the slices there are to what must change.

    `metadata` is that of a new slice (generateName, namespace, labels, annotations, ownerReferences); slices that are there get
    its labels and owner too.
    """
    actions: list[Action] = []
    by_identity: dict[tuple[object, ...], list[Object]] = {}
    for old in sorted(present, key=lambda s: s["metadata"]["name"]):
        by_identity.setdefault(_identity(old["addressType"], old.get("ports") or []), []).append(old)
    for group in groups:
        olds = by_identity.pop(group.identity, [])
        for slice, endpoints in _distribute(group.endpoints, olds, max_endpoints):
            actions += _write(slice, group, endpoints, metadata)
    gone = [old for olds in by_identity.values() for old in olds]
    return _reuse(actions, gone) + [Delete(SLICES, key_of(old), old["metadata"]["uid"]) for old in gone]


def _reuse(actions: list[Action], gone: list[Object]) -> list[Action]:
    """Write into slices that would be deleted what would be created. Takes those it uses from `gone`."""
    result: list[Action] = []
    for action in actions:
        old = None
        if isinstance(action, Create):
            type = action.object["addressType"]
            old = next(
                (old for old in gone if old["addressType"] == type and not old["metadata"].get("deletionTimestamp")), None
            )
        if isinstance(action, Create) and old is not None:
            gone.remove(old)
            new = action.object
            meta = {**old["metadata"], **{k: v for k, v in new["metadata"].items() if k != "generateName"}}
            result.append(Update(SLICES, {**old, "metadata": meta, "endpoints": new["endpoints"], "ports": new["ports"]}))
        else:
            result.append(action)
    return result


def _distribute(
    endpoints: Sequence[Object], olds: Sequence[Object], most: int
) -> list[tuple[Object | None, list[Object] | None]]:
    """Pairs of a slice that is there (None: to be made) and its endpoints from now on (None: to be deleted)."""
    waiting = {_name(endpoint): endpoint for endpoint in endpoints}
    contents = [[waiting.pop(n) for e in old.get("endpoints") or () if (n := _name(e)) in waiting] for old in olds]
    changed = [content != (old.get("endpoints") or []) for content, old in zip(contents, olds, strict=True)]
    rest = list(waiting.values())
    for content in (content for content, moved in zip(contents, changed, strict=True) if moved):
        room = max(0, most - len(content))  # Slices that are written anyway are filled first.
        content.extend(rest[:room])
        rest = rest[room:]
    last = len(rest) % most
    roomy = [content for content in contents if most - len(content) >= last > 0]
    if roomy:
        max(roomy, key=len).extend(rest[len(rest) - last :])
        rest = rest[: len(rest) - last]
    pairs: list[tuple[Object | None, list[Object] | None]] = list(zip(olds, contents, strict=True))
    pairs += [(None, rest[start : start + most]) for start in range(0, len(rest), most)]
    if not endpoints:  # An empty slice tells that the Service has no endpoints.
        return [(olds[0] if olds else None, []), *((old, None) for old in olds[1:])]
    return [(old, content or None) for old, content in pairs]


def _write(old: Object | None, group: Group, endpoints: list[Object] | None, metadata: Object) -> list[Action]:
    if old is None:
        body = {"addressType": group.address_type, "endpoints": endpoints, "ports": group.ports}
        return [Create(SLICES, {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": metadata, **body})]
    if endpoints is None:
        return [Delete(SLICES, key_of(old), old["metadata"]["uid"])]
    have = old["metadata"]
    unchanged = endpoints == (old.get("endpoints") or []) and (old.get("ports") or []) == group.ports
    if unchanged and have.get("labels", {}) == metadata["labels"]:
        return []
    annotations = {**have.get("annotations", {}), **metadata.get("annotations", {})}
    meta = {**have, "labels": metadata["labels"], "ownerReferences": metadata["ownerReferences"]}
    if annotations:
        meta["annotations"] = annotations
    return [Update(SLICES, {**old, "metadata": meta, "endpoints": endpoints, "ports": group.ports})]


def _identity(address_type: str, ports: Iterable[Mapping[str, object]]) -> tuple[object, ...]:
    names = ("name", "protocol", "port", "appProtocol")
    return address_type, *sorted(tuple(str(port.get(name) or "") for name in names) for port in ports)


def _name(endpoint: Object) -> tuple[str, ...]:
    return endpoint.get("targetRef", {}).get("uid", ""), *endpoint["addresses"]
