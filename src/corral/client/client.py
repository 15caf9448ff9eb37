"""Verbs on resources: the face of the API for controllers, scheduler and node.

Resources are named `pods` or `deployments.apps`; the catalog knows the rest. Answers of `get`, `create`, ... are dicts of
the caller's own; what informers hold is shared and read-only.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

import orjson

from corral.api.objects import Object
from corral.api.resources import Catalog, Resource
from corral.client.patchtypes import PATCH_CONTENT_TYPES
from corral.client.transport import Call, Listing, Transport, WatchEvent

PatchType = Literal["merge", "strategic", "json", "apply"]


class Client:
    """The API through one transport. `manager` is the name that owns the fields it writes."""

    def __init__(self, transport: Transport, catalog: Catalog, manager: str) -> None:
        self.transport = transport
        self.catalog = catalog
        self.manager = manager

    def resource(self, name: str) -> Resource:
        """The resource called `name`. Raises KeyError where the API has none."""
        return self.catalog.named(name)

    async def get(self, resource: str, name: str, namespace: str = "", *, subresource: str = "") -> Object:
        """One object. Raises ApiError (404)."""
        return await self._call("GET", self.resource(resource).path(namespace, name, subresource))

    async def list(self, resource: str, namespace: str = "", *, label_selector: str = "", field_selector: str = "") -> Listing:
        """All objects of a resource, of one namespace or all, at one revision."""
        query = _selectors(label_selector, field_selector)
        return await self.transport.list(Call("GET", self.resource(resource).path(namespace), query))

    async def create(self, resource: str, obj: Object, namespace: str = "", *, name: str = "", subresource: str = "") -> Object:
        """Create `obj`; with `name` and `subresource`, POST to that subresource (binding, eviction, token)."""
        namespace = namespace or obj.get("metadata", {}).get("namespace", "")
        path = self.resource(resource).path(namespace, name, subresource)
        return await self._call("POST", path, {"fieldManager": self.manager}, obj)

    async def update(self, resource: str, obj: Object, *, subresource: str = "") -> Object:
        """Replace the object by `obj`. Raises ApiError (409) where its resourceVersion is no longer the newest."""
        meta = obj["metadata"]
        path = self.resource(resource).path(meta.get("namespace", ""), meta["name"], subresource)
        return await self._call("PUT", path, {"fieldManager": self.manager}, obj)

    async def patch(
        self,
        resource: str,
        name: str,
        patch: Any,
        namespace: str = "",
        *,
        type: PatchType = "merge",
        subresource: str = "",
        force: bool = False,
    ) -> Object:
        """Change the object by `patch`."""
        query = {"fieldManager": self.manager}
        if force:
            query["force"] = "true"
        path = self.resource(resource).path(namespace, name, subresource)
        return await self._call("PATCH", path, query, patch, PATCH_CONTENT_TYPES[type])

    async def delete(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        grace_period_s: int | None = None,
        propagation: Literal["", "Background", "Foreground", "Orphan"] = "",
    ) -> Object:
        """Delete the object; with `uid`, only if it is still that one."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_period_s is not None:
            options["gracePeriodSeconds"] = grace_period_s
        if propagation:
            options["propagationPolicy"] = propagation
        return await self._call("DELETE", self.resource(resource).path(namespace, name), {}, options)

    async def delete_collection(self, resource: str, namespace: str = "") -> None:
        """Delete all objects of a resource in one namespace, or all."""
        await self.transport.call(Call("DELETE", self.resource(resource).path(namespace)))

    def watch(
        self,
        resource: str,
        namespace: str = "",
        *,
        revision: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """Changes after `revision`, with bookmarks."""
        query = _selectors(label_selector, field_selector)
        query |= {"watch": "true", "allowWatchBookmarks": "true"}
        if revision:
            query["resourceVersion"] = revision
        return self.transport.watch(Call("GET", self.resource(resource).path(namespace), query))

    async def raw(self, method: str, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Any other path, such as `/version`."""
        return await self.transport.call(Call(method, path, query or {}))

    async def close(self) -> None:
        """Give back connections."""
        await self.transport.close()

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        data = None if body is None else orjson.dumps(body)
        answer: Object = orjson.loads(await self.transport.call(Call(method, path, query or {}, data, content_type)))
        return answer


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    query = {}
    if label_selector:
        query["labelSelector"] = label_selector
    if field_selector:
        query["fieldSelector"] = field_selector
    return query
