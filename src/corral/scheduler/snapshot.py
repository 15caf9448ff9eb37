"""The nodes and what runs on them, kept up to date change by change.

Pods are held as shapes, counted by node: a thousand pods of one template on a node are one entry and a number.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from corral.api.hostports import HostPort
from corral.api.objects import Key, Object
from corral.scheduler.shape import Amounts, Shape, amounts
from corral.scheduler.volumes import Volumes


class Image(NamedTuple):
    """An image that a node has: its size."""

    size_bytes: int


class NodeInfo:
    """A node, what it can bear, and what it bears. `present` is False while only pods tell of it."""

    __slots__ = (
        "allocatable",
        "images",
        "labels",
        "name",
        "pods",
        "present",
        "requested",
        "scored",
        "shapes",
        "taints",
        "unschedulable",
        "version",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.present = False
        self.labels: Mapping[str, str] = {}
        self.taints: tuple[Object, ...] = ()
        self.unschedulable = False
        self.allocatable: Amounts = {}
        self.images: Mapping[str, Image] = {}
        self.pods: dict[Key, Shape] = {}
        self.shapes: dict[Shape, int] = {}
        self.requested: dict[str, int] = {}
        self.scored: dict[str, int] = {"cpu": 0, "memory": 0}
        #: Moves with every change, so that what was worked out for this node is known to be stale.
        self.version = 0

    def describe(self, node: Object) -> None:
        """Take over what the node's object says."""
        spec, status = node.get("spec", {}), node.get("status", {})
        self.version += 1
        self.present = True
        self.labels = node["metadata"].get("labels", {})
        self.taints = tuple(spec.get("taints") or ())
        self.unschedulable = bool(spec.get("unschedulable"))
        self.allocatable = amounts(status.get("allocatable") or status.get("capacity") or {})
        self.images = {
            name: Image(image.get("sizeBytes", 0)) for image in status.get("images") or () for name in image.get("names") or ()
        }

    def add(self, key: Key, shape: Shape) -> None:
        """A pod more."""
        self.pods[key] = shape
        self.shapes[shape] = self.shapes.get(shape, 0) + 1
        self._count(shape, 1)

    def remove(self, key: Key) -> None:
        """A pod less."""
        shape = self.pods.pop(key)
        left = self.shapes[shape] - 1
        if left:
            self.shapes[shape] = left
        else:
            del self.shapes[shape]
        self._count(shape, -1)

    def host_ports(self) -> Iterator[HostPort]:
        """The ports of the node that its pods take."""
        for shape in self.shapes:
            yield from shape.host_ports

    def _count(self, shape: Shape, sign: int) -> None:
        self.version += 1
        for name, amount in shape.requests.items():
            self.requested[name] = self.requested.get(name, 0) + sign * amount
        for name in self.scored:
            self.scored[name] += sign * shape.scored_requests.get(name, 0)


class Snapshot:
    """All nodes, by name; where each pod is; the labels of namespaces."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._places: dict[Key, NodeInfo] = {}
        self.namespaces: dict[str, Mapping[str, str]] = {}
        #: How many placed pods have required anti-affinity: where none has, nobody needs to look for it.
        self.anti_affine = 0
        #: How many placed pods have required or preferred terms that speak for or against others near them.
        self.affine = 0
        #: How many placed pods mount a claim.
        self.claimed: dict[Key, int] = {}
        self.volumes = Volumes()

    def nodes(self) -> list[NodeInfo]:
        """The nodes that exist, by name."""
        return [node for _, node in sorted(self._nodes.items()) if node.present]

    def node(self, name: str) -> NodeInfo | None:
        """One node."""
        return self._nodes.get(name)

    def set_node(self, node: Object) -> None:
        """A node is there or has changed."""
        self._info(node["metadata"]["name"]).describe(node)

    def remove_node(self, name: str) -> None:
        """A node is gone; what was on it stays known until its pods are gone too."""
        info = self._nodes.get(name)
        if info is not None:
            info.present = False
            self._drop_if_empty(info)

    def place_of(self, key: Key) -> str:
        """The node of a placed pod; '' where it is not placed."""
        info = self._places.get(key)
        return info.name if info is not None else ""

    def place(self, key: Key, shape: Shape, node: str) -> None:
        """A pod is, or will be, on `node`."""
        info = self._places.get(key)
        if info is not None:
            if info.name == node and info.pods[key] is shape:
                return
            self.displace(key)
        info = self._places[key] = self._info(node)
        info.add(key, shape)
        self._count(shape, 1)

    def displace(self, key: Key) -> bool:
        """A pod needs its place no more; whether it had one."""
        info = self._places.pop(key, None)
        if info is None:
            return False
        self._count(info.pods[key], -1)
        info.remove(key)
        self._drop_if_empty(info)
        return True

    def _count(self, shape: Shape, sign: int) -> None:
        for claim in shape.claims:
            key = Key(shape.namespace, claim.name)
            self.claimed[key] = self.claimed.get(key, 0) + sign
            if not self.claimed[key]:
                del self.claimed[key]
        if not shape.spec.get("affinity"):
            return
        self.anti_affine += sign * bool(shape.terms("podAntiAffinity"))
        speaks = shape.terms("podAffinity") or shape.weighted_terms("podAffinity") or shape.weighted_terms("podAntiAffinity")
        self.affine += sign * bool(speaks)

    def _info(self, name: str) -> NodeInfo:
        info = self._nodes.get(name)
        if info is None:
            info = self._nodes[name] = NodeInfo(name)
        return info

    def _drop_if_empty(self, info: NodeInfo) -> None:
        if not info.present and not info.pods:
            del self._nodes[info.name]
