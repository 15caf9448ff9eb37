"""What of a pod matters for its place. Pods of one template share one Shape, so that it is worked out once for all of them.

https://kubernetes.io/docs/concepts/scheduling-eviction/
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import orjson
from msgspec import Struct, field

from corral.api import quantity
from corral.api.hostports import HostPort, host_ports
from corral.api.objects import Object, controller_of
from corral.api.podreferences import claim_of

#: What scoring takes a container to need that asks for nothing: without it, idle pods would all go to one node.
DEFAULT_CPU_MILLI = 100
DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024

#: Amounts by resource name: cpu in thousandths of a core, all others in whole units (bytes, devices).
Amounts = Mapping[str, int]

_SPEC_FIELDS = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "overhead",
    "resources",
    "priority",
    "preemptionPolicy",
    "hostNetwork",
)


class Claim(NamedTuple):
    """A PersistentVolumeClaim that a pod mounts. `pod` is the uid of the only pod that may: the claim was made for it."""

    name: str
    pod: str = ""


class Shape(Struct, eq=False, weakref=True):
    """Equal shapes are one object: compare with `is`."""

    namespace: str
    labels: Mapping[str, str]
    #: The uid of the pod's controller: pods of one family are spread out.
    family: str
    spec: Object
    requests: Amounts
    #: cpu and memory with the defaults of scoring.
    scored_requests: Amounts
    host_ports: tuple[HostPort, ...]
    images: tuple[str, ...]
    claims: tuple[Claim, ...]
    priority: int
    tolerations: tuple[Object, ...] = field(default=())

    def affinity(self, kind: str) -> Object:
        """`nodeAffinity`, `podAffinity` or `podAntiAffinity`; {} where there is none."""
        found: Object = (self.spec.get("affinity") or {}).get(kind) or {}
        return found

    def terms(self, kind: str) -> list[Object]:
        """The required terms of `podAffinity` or `podAntiAffinity`."""
        return self.affinity(kind).get("requiredDuringSchedulingIgnoredDuringExecution") or []

    def weighted_terms(self, kind: str) -> list[Object]:
        """The preferred terms, each with a `weight`."""
        return self.affinity(kind).get("preferredDuringSchedulingIgnoredDuringExecution") or []


class Shapes:
    """From pods to shapes. Forgets a shape when nobody holds it any more."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[bytes, Shape] = WeakValueDictionary()

    def of(self, pod: Object) -> Shape:
        """The shape of `pod`."""
        identity = orjson.dumps(_relevant(pod), option=orjson.OPT_SORT_KEYS)
        shape = self._known.get(identity)
        if shape is None:
            shape = self._known[identity] = _shape(orjson.loads(identity))
        return shape


def _relevant(pod: Object) -> Object:
    meta, spec = pod["metadata"], pod["spec"]
    controller = controller_of(pod)
    held = _held(pod.get("status") or {})
    return {
        "namespace": meta.get("namespace", ""),
        "labels": meta.get("labels") or {},
        "family": controller["uid"] if controller else "",
        "spec": {name: spec[name] for name in _SPEC_FIELDS if spec.get(name)},
        "containers": [_container(c, held) for c in spec.get("containers") or ()],
        "initContainers": [_container(c, held) for c in spec.get("initContainers") or ()],
        "claims": _claims(pod),
    }


def _claims(pod: Object) -> list[tuple[str, str]]:
    """Name of each claim, once, and the pod's uid where the claim is its own."""
    uid = pod["metadata"].get("uid", "")
    volumes = pod["spec"].get("volumes") or ()
    found = ((claim_of(pod, volume), uid if volume.get("ephemeral") is not None else "") for volume in volumes)
    return list(dict.fromkeys(claim for claim in found if claim[0]))


def _held(status: Object) -> dict[str, list[Mapping[str, str]]]:
    """Container name → what it holds of its node whatever it asks for now, while it is being resized (KEP-1287)."""
    found = {}
    for field_name in ("containerStatuses", "initContainerStatuses"):
        for made in status.get(field_name) or ():
            held = [made.get("allocatedResources"), (made.get("resources") or {}).get("requests")]
            found[made["name"]] = [each for each in held if each]
    if any(c["type"] == "PodResizePending" and c.get("reason") == "Infeasible" for c in status.get("conditions") or ()):
        found[""] = []
    return found


def _container(container: Object, held: Mapping[str, list[Mapping[str, str]]]) -> Object:
    wanted = (container.get("resources") or {}).get("requests") or {}
    present = [each for each in held.get(container.get("name", ""), ()) if each != wanted]
    if present:
        # What will never be granted does not count.
        wanted = _greatest(present if "" in held else [wanted, *present])
    return {
        "image": container.get("image", ""),
        "requests": wanted,
        "hostPorts": [[port.address, port.protocol, port.port] for port in host_ports(container)],
        "sidecar": container.get("restartPolicy") == "Always",
    }


def _greatest(lists: Sequence[Mapping[str, str]]) -> dict[str, str]:
    greatest: dict[str, str] = {}
    for name, text in (pair for each in lists for pair in each.items()):
        if name not in greatest or quantity.parse(text) > quantity.parse(greatest[name]):
            greatest[name] = text
    return greatest


def _shape(facts: Object) -> Shape:
    containers, first = facts["containers"], facts["initContainers"]
    serving = [*containers, *(c for c in first if c["sidecar"])]
    return Shape(
        namespace=facts["namespace"],
        labels=facts["labels"],
        family=facts["family"],
        spec=facts["spec"],
        requests=pod_requests(facts, {}),
        scored_requests=pod_requests(facts, {"cpu": DEFAULT_CPU_MILLI, "memory": DEFAULT_MEMORY_BYTES}),
        host_ports=tuple(HostPort(*port) for c in serving for port in c["hostPorts"]),
        images=tuple(c["image"] for c in containers),
        claims=tuple(Claim(*claim) for claim in facts["claims"]),
        priority=facts["spec"].get("priority") or 0,
        tolerations=tuple(facts["spec"].get("tolerations") or ()),
    )


def pod_requests(facts: Object, defaults: Amounts) -> dict[str, int]:
    """What a pod takes of a node: all containers and sidecars together, or the greediest moment of its start, plus overhead.

    See KEP-753 (sidecars) and KEP-2837 (requests of the pod itself).
    """
    total: dict[str, int] = {}
    for container in facts["containers"]:
        _add(total, _requests(container["requests"], defaults))
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in facts["initContainers"]:
        needed = _requests(container["requests"], defaults)
        if container["sidecar"]:
            _add(sidecars, needed)
            needed = sidecars
        else:
            needed = {name: needed.get(name, 0) + sidecars.get(name, 0) for name in {*needed, *sidecars}}
        peak = {name: max(peak.get(name, 0), needed.get(name, 0)) for name in {*peak, *needed}}
    _add(total, sidecars)
    total = {name: max(total.get(name, 0), peak.get(name, 0)) for name in {*total, *peak}}
    total.update(amounts((facts["spec"].get("resources") or {}).get("requests") or {}))
    _add(total, amounts(facts["spec"].get("overhead") or {}))
    return {name: amount for name, amount in total.items() if amount}


def amounts(quantities: Mapping[str, Any]) -> dict[str, int]:
    """A resource list as numbers."""
    return {
        name: quantity.parse(text).milli() if name == "cpu" else quantity.parse(text).value()
        for name, text in quantities.items()
    }


def _requests(quantities: Mapping[str, Any], defaults: Amounts) -> dict[str, int]:
    return {**defaults, **amounts(quantities)}


def _add(total: dict[str, int], more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount
