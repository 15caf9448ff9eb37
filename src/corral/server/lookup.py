"""What authentication, authorization and admission know of the cluster: objects in memory, at once and without waiting.

`CacheLookup` is the server's, over its watch cache; tests fill a `MemoryLookup`.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from corral.api.objects import Object
from corral.server.cache import Cache
from corral.server.changes import Cached, Change


class Lookup(Protocol):
    """Present objects by resource (`pods`, `roles.rbac.authorization.k8s.io`). They are shared: never change them."""

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object, or None. The namespace of cluster-scoped objects is ""."""

    def list(self, resource: str, namespace: str = "") -> Iterable[Object]:
        """The objects of one namespace, or of all."""

    def version(self, resource: str) -> int:
        """A number that changes whenever an object of `resource` does: what was derived from them is stale then."""

    def pods_of_node(self, node: str) -> Iterable[Object]:
        """The pods bound to a node."""


class MemoryLookup:
    """A Lookup that is filled by hand."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._versions: dict[str, int] = {}

    def put(self, resource: str, obj: Object) -> None:
        """Add or replace an object."""
        meta = obj["metadata"]
        self._objects.setdefault(resource, {})[meta.get("namespace", ""), meta["name"]] = obj
        self._versions[resource] = self._versions.get(resource, 0) + 1

    def remove(self, resource: str, namespace: str, name: str) -> None:
        """Take an object away. Raises KeyError where there is none."""
        del self._objects[resource][namespace, name]
        self._versions[resource] += 1

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        return self._objects.get(resource, {}).get((namespace, name))

    def list(self, resource: str, namespace: str = "") -> Iterable[Object]:
        """The objects of one namespace, or of all."""
        found = self._objects.get(resource, {})
        return [obj for (ns, _), obj in sorted(found.items()) if not namespace or ns == namespace]

    def version(self, resource: str) -> int:
        """The number of changes so far."""
        return self._versions.get(resource, 0)

    def pods_of_node(self, node: str) -> Iterable[Object]:
        """The pods bound to a node."""
        return [pod for pod in self.list("pods") if pod.get("spec", {}).get("nodeName") == node]


class _PodSpec(msgspec.Struct):
    nodeName: str = ""  # noqa: N815


class _Pod(msgspec.Struct):
    spec: _PodSpec = msgspec.field(default_factory=_PodSpec)


_decode_pod = msgspec.json.Decoder(_Pod).decode


class CacheLookup:
    """The watch cache as a Lookup. Which pods a node has is indexed from the first question on."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._nodes: dict[str, dict[str, Cached]] | None = None

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        found = self._cache.collection(resource).get(namespace, name)
        return None if found is None else found.object

    def list(self, resource: str, namespace: str = "") -> Iterable[Object]:
        """The objects of one namespace, or of all."""
        return (item.object for item in self._cache.collection(resource).list(namespace))

    def version(self, resource: str) -> int:
        """The collection's own version."""
        return self._cache.collection(resource).version

    def pods_of_node(self, node: str) -> Iterable[Object]:
        """The pods bound to a node."""
        if self._nodes is None:
            self._nodes = {}
            pods = self._cache.collection("pods")
            for item in pods.list():
                self._bind(item)
            pods.listen(self._changed)
        return [item.object for item in self._nodes.get(node, {}).values()]

    def _changed(self, change: Change) -> None:
        if change.new is not None:
            self._bind(change.new)
        elif change.old is not None and self._nodes is not None:
            node = _decode_pod(change.old.raw).spec.nodeName
            self._nodes.get(node, {}).pop(change.old.key, None)

    def _bind(self, item: Cached) -> None:
        node = _decode_pod(item.raw).spec.nodeName
        if node and self._nodes is not None:
            self._nodes.setdefault(node, {})[item.key] = item
