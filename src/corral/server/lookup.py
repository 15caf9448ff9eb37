"""What authentication, authorization and admission know of the cluster: objects in memory, at once and without waiting.

The server's watch cache is one; tests fill a `MemoryLookup`.
"""

from collections.abc import Iterable
from typing import Protocol

from corral.api.objects import Object


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
