"""Custom resources as the server serves them: kept in step with the definitions in the cache.

Definitions enter and leave the catalog in the order of the store's events, before anybody who waits for such an event wakes.
Their names and conditions, and the end of their objects, are in `server.definitions`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import lru_cache

import orjson

from corral.api import definitions
from corral.api.customrules import CustomRules
from corral.api.customschema import pruned
from corral.api.errors import ApiError, no_such_resource
from corral.api.objects import Object
from corral.api.resources import Catalog, Resource
from corral.server.cache import Collection
from corral.server.changes import Cached, Change
from corral.server.customconversion import ConversionWebhook, api_version_of, conversion_webhook
from corral.server.webhookclient import WebhookClient

log = logging.getLogger(__name__)

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
#: Objects whose form under the schema of today is remembered: looking again costs some 20 microseconds each.
SHOWN_OBJECTS_KEPT = 8192
SETTLE_TIMEOUT_S = 1.0


class CustomResources:
    """The rules and versions of custom resources. `follow` fills it."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str, str], CustomRules] = {}
        #: The resource of each definition's storage version, which need not be served.
        self._stored: dict[str, Resource] = {}
        self._served: dict[str, list[Resource]] = {}
        self._waiters: dict[str, asyncio.Event] = {}
        self._definitions: Collection | None = None
        #: Asks conversion webhooks; without it no definition has one.
        self.client: WebhookClient | None = None
        self._webhooks: dict[str, ConversionWebhook] = {}
        self._seen = lru_cache(SHOWN_OBJECTS_KEPT)(self._see)

    def follow(self, collection: Collection, catalog: Catalog, changed: Callable[[], None]) -> None:
        """Serve what the definitions in `collection` say, now and after each change; then call `changed`."""

        def take(name: str, definition: Object | None) -> None:
            try:
                self._take(name, definition, catalog)
            except Exception:  # One that nobody understands does not keep the others from being served.
                log.exception("definition %s", name)

        def noticed(change: Change) -> None:
            name = change.newest.name
            take(name, None if change.new is None else change.new.object)
            changed()
            if name in self._waiters and (change.new is None or _is_settled(change.new.object)):
                self._waiters.pop(name).set()

        for item in collection.list():
            take(item.name, item.object)
        changed()
        collection.listen(noticed)
        self._definitions = collection

    async def settled(self, name: str, timeout_s: float = SETTLE_TIMEOUT_S) -> None:
        """Return when a new definition is established or refused its names: who made it can go on at once."""
        found = self._definitions.get("", name) if self._definitions is not None else None
        if found is None or _is_settled(found.object):
            return
        waiter = self._waiters.setdefault(name, asyncio.Event())
        try:
            async with asyncio.timeout(timeout_s):
                await waiter.wait()
        except TimeoutError:
            self._waiters.pop(name, None)

    def stored(self, resource: Resource) -> Resource | None:
        """The version in which the objects of a custom resource are stored; None for a built-in one."""
        return self._stored.get(resource.group_resource) if resource.storage_version else None

    def rules(self, resource: Resource) -> CustomRules:
        """The rules of one version. Raises ApiError (404) where it is not defined any more."""
        found = self._rules.get((resource.group, resource.version, resource.plural))
        if found is None:
            raise no_such_resource()
        return found

    def schema(self, resource: Resource) -> Object:
        """The schema of one version; empty where it is not defined any more."""
        found = self._rules.get((resource.group, resource.version, resource.plural))
        return {} if found is None else found.schema

    async def stored_object(self, resource: Resource, obj: Object) -> Object:
        """An object of `resource` in the version that is stored. Raises ApiError (500)."""
        stored = self._stored[resource.group_resource]
        if stored.version == resource.version:
            return obj
        webhook = self._webhooks.get(resource.group_resource)
        if webhook is not None:
            obj = (await webhook.convert([obj], stored.api_version))[0]
        schema = self.rules(stored).schema
        made: Object = pruned({**obj, "apiVersion": stored.api_version}, schema, [], is_object=True)
        return made

    async def converted(self, obj: Object, resource: Resource) -> Object:
        """An object (the caller's own) in the version of `resource`. Raises ApiError (500)."""
        webhook = self._webhooks.get(resource.group_resource)
        if webhook is not None and obj["apiVersion"] != resource.api_version:
            obj = (await webhook.convert([obj], resource.api_version))[0]
        return self.rules(resource).seen(obj)

    def is_converted(self, resource: Resource) -> bool:
        """Whether a webhook converts the objects: `shown` needs `prepare` first."""
        return resource.group_resource in self._webhooks

    def is_prepared(self, resource: Resource, item: Cached) -> bool:
        """Whether an item can be shown in the version of `resource`."""
        webhook = self._webhooks.get(resource.group_resource)
        if webhook is None or webhook.found(item, resource.api_version) is not None:
            return True
        return api_version_of(item.raw) == resource.api_version

    async def prepare(self, resource: Resource, items: Iterable[Cached]) -> None:
        """Have the items converted that are not yet in the version of `resource`. Raises ApiError (500)."""
        webhook = self._webhooks.get(resource.group_resource)
        if webhook is not None:
            rules = self.rules(resource)
            await webhook.prepare(items, resource.api_version, lambda obj: orjson.dumps(rules.seen(obj)))

    def shown(self, resource: Resource, item: Cached) -> bytes:
        """The object's bytes in the version of `resource`. Raises ApiError (500) where it is not prepared."""
        form = self.form(resource, item)
        return self._seen(resource, item.raw) if form is item else form.raw

    def form(self, resource: Resource, item: Cached) -> Cached:
        """The item as a webhook has made it for `resource`, labels included; itself where none is needed. Raises ApiError."""
        webhook = self._webhooks.get(resource.group_resource)
        if webhook is None:
            return item
        made = webhook.found(item, resource.api_version)
        if made is not None:
            return made
        if api_version_of(item.raw) != resource.api_version:
            raise ApiError(500, "", f"{resource.kind} {item.name} has not been converted to {resource.api_version}")
        return item

    def known(self, resource: Resource, obj: Object, api_version: str) -> Object:
        """An object of `resource` in another of its versions. Raises UnconvertedError where a webhook has to be asked first."""
        webhook = self._webhooks.get(resource.group_resource)
        if webhook is None or not obj or obj["apiVersion"] == api_version:
            return {**obj, "apiVersion": api_version}
        return webhook.known(obj, api_version)

    def is_current(self, resource: Resource, raw: bytes) -> bool:
        """Whether `raw` is in the version that is stored now."""
        api_version: str = orjson.loads(raw)["apiVersion"]
        return api_version == self._stored[resource.group_resource].api_version

    def _see(self, resource: Resource, raw: bytes) -> bytes:
        stored: Object = orjson.loads(raw)
        rules = self._rules.get((resource.group, resource.version, resource.plural))
        if rules is None:
            return raw  # The last events of a definition that is gone.
        made = rules.seen(stored)
        return raw if made == stored else orjson.dumps(made)

    def _take(self, name: str, definition: Object | None, catalog: Catalog) -> None:
        """Serve a definition as it is now; None: no more."""
        before = self._served.pop(name, [])
        now: list[Resource] = []
        for key in [key for key in self._rules if f"{key[2]}.{key[0]}" == name]:
            del self._rules[key]
        self._stored.pop(name, None)
        self._webhooks.pop(name, None)
        self._seen.cache_clear()
        if definition is not None and definitions.is_true(definition, "Established"):
            now = definitions.served(definition)
            for resource in definitions.resources(definition):
                self._rules[resource.group, resource.version, resource.plural] = CustomRules(definition, resource)
                if resource.version == resource.storage_version:
                    self._stored[name] = resource
            webhook = conversion_webhook(self.client, definition)
            if webhook is not None:
                self._webhooks[name] = webhook
        if now:
            self._served[name] = now
        if before != now:
            _replace(catalog, before, now)


def _is_settled(definition: Object) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    refused = any(one["type"] == "NamesAccepted" and one["status"] == "False" for one in conditions)
    return refused or definitions.is_true(definition, "Established")


def _replace(catalog: Catalog, before: list[Resource], now: list[Resource]) -> None:
    """Serve `now` instead of `before`; the versions of the group stay in the order of preference."""
    for resource in before:
        catalog.remove(resource)
    groups = {resource.group for resource in now}
    others = [resource for resource in catalog if resource.group in groups and resource.storage_version]
    for resource in others:
        catalog.remove(resource)
    for resource in sorted([*others, *now], key=lambda one: (definitions.priority(one.version), one.plural)):
        catalog.add(resource)
