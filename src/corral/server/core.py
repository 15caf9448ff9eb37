"""What every verb works with: the settings, the catalog, the cache, the store, and the ways to an object."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from corral.api.conversion import convert
from corral.api.errors import ApiError, bad_request, not_found
from corral.api.facts import Type, has_schema, schema
from corral.api.fieldsets import Fields
from corral.api.kinds import rules
from corral.api.managedfields import InVersion
from corral.api.objects import Object, parse
from corral.api.resetfields import reset_fields
from corral.api.resources import Catalog, Resource
from corral.api.rules import Context, Rules
from corral.base.clock import Clock
from corral.server.aggregation import Backends
from corral.server.binary import Binary
from corral.server.cache import Cache, Collection
from corral.server.changes import Cached, Change
from corral.server.config import ServerConfig
from corral.server.customresources import CustomResources
from corral.server.paths import Paths, object_namespace
from corral.server.request import Request
from corral.store.contract import Store

if TYPE_CHECKING:
    from corral.server.admission import AdmissionChain
    from corral.server.aggregation.layer import Aggregation
    from corral.server.authentication import TokenAuthority
    from corral.server.authentication.tokenrequests import TokenRequests
    from corral.server.authorization import Authorizer
    from corral.server.authorization.reviews import Reviews
    from corral.server.deletion import Deletions
    from corral.server.evaluations import Evaluations
    from corral.server.nodes import Nodes
    from corral.server.streams.relay import Relay
    from corral.server.writes import Writes

FRESH_TIMEOUT_S = 3.0
UINT64_MAX = 2**64 - 1
UINT64_DIGITS = len(str(UINT64_MAX))

#: Resources whose objects are stored as those of another group.
_STORED_ELSEWHERE = {("events.k8s.io", "events"): ("", "v1", "events")}


@dataclass
class Core:
    """The parts of a running server."""

    config: ServerConfig
    clock: Clock
    store: Store
    catalog: Catalog
    paths: Paths
    cache: Cache
    #: Other servers write to the same store: a consistent read has to ask it for its revision.
    shared_store: bool = False
    #: Where it listens.
    port: int = 0
    url: str = ""
    #: Encrypts what is stored.
    seal: Callable[[str, bytes], bytes] | None = None
    #: The joined items of recent lists: (apiVersion, plural, namespace) → version of the collection, bytes.
    joined: dict[tuple[str, str, str], tuple[int, bytes]] = field(default_factory=dict)
    #: Objects in protobuf that were asked for last.
    binary: Binary = field(default_factory=Binary)
    #: The parts that need this one; set while the server starts.
    authorizer: "Authorizer" = field(init=False)
    writes: "Writes" = field(init=False)
    deletions: "Deletions" = field(init=False)
    tokens: "TokenAuthority" = field(init=False)
    token_requests: "TokenRequests" = field(init=False)
    admission: "AdmissionChain" = field(init=False)
    nodes: "Nodes" = field(init=False)
    relay: "Relay" = field(init=False)
    aggregation: "Aggregation" = field(init=False)
    reviews: "Reviews | None" = None
    custom: CustomResources = field(default_factory=CustomResources)
    #: Group versions that are not served from storage.
    backends: Backends = field(default_factory=Backends)
    #: Grows whenever other resources are served.
    catalog_version: int = 0
    _stored: dict[Resource, Resource] = field(default_factory=dict)
    _equivalents: dict[Resource, tuple[Resource, ...]] = field(default_factory=dict)

    @cached_property
    def evaluations(self) -> "Evaluations":
        """Where expressions of requests are evaluated. CEL is loaded with the first one."""
        from corral.server.evaluations import Evaluations

        return Evaluations()

    def stored(self, resource: Resource) -> Resource:
        """The version (and group) in which the objects of `resource` are stored."""
        found = self._stored.get(resource)
        if found is None:
            elsewhere = _STORED_ELSEWHERE.get((resource.group, resource.plural))
            found = self.custom.stored(resource) or (self.catalog.at(*elsewhere) if elsewhere else None)
            found = self._stored[resource] = found or self.catalog.named(resource.group_resource)
        return found

    def written(self, resource: Resource) -> Resource:
        """The version whose rules a write through `resource` follows: each version of a custom resource has its own."""
        return resource if resource.storage_version else self.stored(resource)

    def is_as_stored(self, resource: Resource) -> bool:
        """Whether the bytes in the store are what clients of `resource` see."""
        return not resource.storage_version and self.stored(resource) is resource

    def catalog_changed(self) -> None:
        """Forget what was derived from the catalog."""
        self.catalog_version += 1
        self._stored.clear()
        self._equivalents.clear()
        self.joined.clear()
        self.paths.clear()

    def collection(self, resource: Resource) -> Collection:
        """The cached objects of a resource; all its versions share them."""
        return self.cache.collection(self.stored(resource).group_resource)

    def rules(self, resource: Resource) -> Rules:
        """The rules of a resource's kind."""
        if resource.storage_version:
            return self.custom.rules(resource)
        return rules(resource.group, resource.kind)

    def context(self, request: Request) -> Context:
        """What rules may know of a request."""
        user = request.user
        extra = {name: list(values) for name, values in user.extra.items()}
        return Context(self.clock.now(), user.name, user.uid, user.groups, extra)

    def is_builtin(self, resource: Resource) -> bool:
        """Whether the resource is not a custom one."""
        return has_schema(resource.group, resource.version, resource.kind)

    def shown(self, resource: Resource, item: Cached) -> bytes:
        """The object's bytes in the version of `resource`; `prepare` comes first."""
        if resource.storage_version:
            return self.custom.shown(resource, item)
        stored = self.stored(resource)
        if stored is resource:
            return item.raw
        return orjson.dumps(convert(parse(item.raw), stored.api_version, resource.api_version))

    def parsed(self, resource: Resource, item: Cached) -> Object:
        """The object in the version of `resource`: shared, never to be changed; `prepare` comes first."""
        if resource.storage_version:
            return parse(self.custom.shown(resource, item))
        stored = self.stored(resource)
        obj = item.object
        return obj if stored is resource else convert(obj, stored.api_version, resource.api_version)

    def form(self, resource: Resource, item: Cached) -> Cached:
        """The item with the metadata that clients of `resource` see: webhooks change labels too; `prepare` comes first."""
        return self.custom.form(resource, item) if resource.storage_version else item

    def schema_of(self, resource: Resource, api_version: str, kind: str) -> Type:
        """The type of objects of a request for `resource`: its own, or those of a subresource with another kind."""
        if kind == resource.kind:
            return self.schema(resource)
        group, _, version = api_version.rpartition("/")
        return schema(group, version, kind)

    def schema(self, resource: Resource) -> Type:
        """The type of the resource's objects."""
        if resource.storage_version:
            return self.custom.rules(resource).type
        return schema(resource.group, resource.version, resource.kind)

    def reset_fields(self, resource: Resource, subresource: str) -> Fields | None:
        """The fields that an endpoint does not write, as field sets name them."""
        has_status = self.rules(self.written(resource)).has_status
        custom = not self.is_builtin(resource)
        return reset_fields(resource.group, resource.kind, subresource, has_status=has_status, custom=custom)

    async def converted(self, obj: Object, resource: Resource) -> Object:
        """An object (the caller's own) of another version, or of none in particular, in that of `resource`. Raises ApiError."""
        if resource.storage_version:
            return await self.custom.converted(obj, resource)
        return convert(obj, obj["apiVersion"], resource.api_version)

    def in_version(self, resource: Resource) -> InVersion:
        """What shows objects of `resource` in other versions of their kind; it may raise UnconvertedError."""

        def show(obj: Object, api_version: str) -> tuple[Object, Type] | None:
            other = self.catalog.of_kind(api_version, resource.kind)
            if other is None:
                return None
            if resource.storage_version:
                return self.custom.known(resource, obj, api_version), self.schema(other)
            return (convert(obj, resource.api_version, api_version) if obj else obj), self.schema(other)

        return show

    def is_webhook_converted(self, resource: Resource) -> bool:
        """Whether a webhook converts the objects between their versions."""
        return bool(resource.storage_version) and self.custom.is_converted(resource)

    async def prepare(self, resource: Resource, items: Iterable[Cached]) -> None:
        """Do what `shown` and `parsed` of these items would have to wait for: conversions by webhooks. Raises ApiError."""
        if self.is_webhook_converted(resource):
            await self.custom.prepare(resource, items)

    async def prepare_changes(self, resource: Resource, changes: Iterable[Change]) -> None:
        """The same for changes: the objects as they are, and as they were where that is shown. Raises ApiError."""
        if self.is_webhook_converted(resource):
            items = [item for change in changes for item in (change.new, change.old) if item is not None]
            await self.custom.prepare(resource, items)

    async def as_stored(self, resource: Resource, obj: Object) -> Object:
        """What is stored of an object that a write through `resource` made. Raises ApiError."""
        return await self.custom.stored_object(resource, obj) if resource.storage_version else obj

    def equivalents(self, resource: Resource) -> tuple[Resource, ...]:
        """The other served versions of a resource, and resources of other groups that show the same objects."""
        found = self._equivalents.get(resource)
        if found is None:
            stored = self.stored(resource)
            found = self._equivalents[resource] = tuple(
                other for other in self.catalog if other != resource and self.stored(other) == stored
            )
        return found

    def is_current(self, resource: Resource, raw: bytes) -> bool:
        """Whether a stored object is in the version that is stored now."""
        return not resource.storage_version or self.custom.is_current(resource, raw)

    def is_builtin_group(self, group: str) -> bool:
        """Whether a group is not one of custom resources."""
        return any(resource.group == group and self.is_builtin(resource) for resource in self.catalog)

    def sealed(self, key: str, raw: bytes) -> bytes:
        """What is stored of an object's bytes."""
        return raw if self.seal is None else self.seal(key, raw)

    def store_key(self, resource: Resource, namespace: str, name: str) -> str:
        """The key of an object in the store."""
        return f"{self.stored(resource).group_resource}/{namespace}/{name}"

    async def item(self, request: Request) -> Cached:
        """The object that the request names, ready to be shown. Raises ApiError (404)."""
        resource = request.resource
        assert resource is not None
        if self.shared_store:
            await self.catch_up()
        found = self.collection(resource).items.get(f"{object_namespace(request)}/{request.name}")
        if found is None:
            raise not_found(resource.plural, resource.group, request.name)
        await self.prepare(resource, (found,))
        return found

    async def catch_up(self) -> None:
        """Wait until the cache has seen everything that any server has written until now."""
        if self.shared_store and not await self.cache.wait(await self.store.revision()):
            raise ApiError(504, "Timeout", "Timeout: the watch cache is behind the store")

    async def not_older_than(self, version: str) -> int:
        """The revision of a `resourceVersion` parameter, when the cache has reached it. Raises ApiError (400, 504)."""
        revision = revision_of(version)
        if revision > self.cache.revision and not await self.cache.wait(revision, FRESH_TIMEOUT_S):
            raise too_large(revision, self.cache.revision)
        return revision


def revision_of(version: str) -> int:
    """The number of a resourceVersion. Raises ApiError (400)."""
    if not version.isascii() or not version.isdigit():
        raise bad_request(f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax')
    if len(version) > UINT64_DIGITS or int(version) > UINT64_MAX:
        raise bad_request(f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": value out of range')
    return int(version)


def too_large(revision: int, current: int) -> ApiError:
    """504 of a resourceVersion from the future."""
    message = f"Too large resource version: {revision}, current: {current}"
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    return ApiError(504, "Timeout", f"Timeout: {message}", details)
