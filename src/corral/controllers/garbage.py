"""The garbage collector: deletes what all its owners have left behind; in the foreground, with the owner last; or orphans it.

It listens to every resource of the catalog. Of an object without owners it keeps nothing; of others, one entry an owner.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Change, Informer, Informers
from corral.client.transport import Item
from corral.controllers.actions import Action, Actor, Delete, Patch
from corral.loop.controller import Controller

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
CUSTOM_RESOURCES = "customresourcedefinitions.apiextensions.k8s.io"
#: Resources whose objects come and go by themselves: watching them would cost more than it is worth.
IGNORED = frozenset(["events", "events.events.k8s.io"])
WORKERS = 20

#: An object of any resource, as a key of the queue: the namespace is `pods/default`.
_CATALOG_KEY = Key("", "")
_CATALOG_AGAIN_S = 2.0

State = Literal["there", "absent", "waiting"]


class Node(Struct, frozen=True):
    """An object and the resource that it is of."""

    resource: str
    object: Object

    @property
    def key(self) -> Key:
        """Its key within the resource."""
        meta = self.object["metadata"]
        return Key(meta.get("namespace", ""), meta["name"])

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.object["metadata"]["uid"])

    def is_ending(self, finalizer: str) -> bool:
        """Whether it is being deleted and `finalizer` holds it."""
        meta = self.object["metadata"]
        return bool(meta.get("deletionTimestamp")) and finalizer in meta.get("finalizers", ())


def plan(node: Node, owners: Sequence[tuple[Object, State]], dependents: Sequence[Node]) -> list[Action]:
    """What to do with one object. `owners`: its references and how their objects are; `dependents`: those that refer to it."""
    if node.is_ending(ORPHAN):
        return [*(_without_owners(d, {node.uid}) for d in dependents), _without_finalizer(node, ORPHAN)]
    if node.is_ending(FOREGROUND):
        return [] if any(_blocks(d, node.uid) for d in dependents) else [_without_finalizer(node, FOREGROUND)]
    if node.object["metadata"].get("deletionTimestamp") or not owners:
        return []
    gone = {owner["uid"] for owner, state in owners if state != "there"}
    if len(gone) < len(owners):
        return [_without_owners(node, gone)] if gone else []
    if dependents and any(state == "waiting" for _, state in owners):
        unblocked: list[Action] = []
        if any(d.is_ending(FOREGROUND) for d in dependents):
            # A circle: the dependents wait for this one, this one for them.
            unblocked = [_unblocking(node)]
        return [*unblocked, Delete(node.resource, node.key, node.uid, "Foreground")]
    finalizers = node.object["metadata"].get("finalizers", ())
    propagation: Literal["Orphan", "Foreground", "Background"] = "Background"
    if ORPHAN in finalizers:
        propagation = "Orphan"
    elif FOREGROUND in finalizers:
        propagation = "Foreground"
    return [Delete(node.resource, node.key, node.uid, propagation)]


def _blocks(dependent: Node, uid: str) -> bool:
    owners = dependent.object["metadata"].get("ownerReferences", ())
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners)


def _without_owners(node: Node, uids: set[str]) -> Patch:
    owners = node.object["metadata"].get("ownerReferences", ())
    return _patch(node, {"ownerReferences": [owner for owner in owners if owner["uid"] not in uids] or None})


def _unblocking(node: Node) -> Patch:
    owners = node.object["metadata"].get("ownerReferences", ())
    return _patch(node, {"ownerReferences": [{**owner, "blockOwnerDeletion": False} for owner in owners]})


def _without_finalizer(node: Node, finalizer: str) -> Patch:
    left = [f for f in node.object["metadata"].get("finalizers", ()) if f != finalizer]
    return _patch(node, {"finalizers": left or None})


def _patch(node: Node, changes: Object) -> Patch:
    meta = node.object["metadata"]
    guard = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    return Patch(node.resource, node.key, {"metadata": {**guard, **changes}})


class GarbageCollector:
    """Its keys are objects of all resources: `Key("pods/default", "web")`."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._client = client
        self._informers = informers
        self._actor = Actor(client)
        self._known: dict[str, Informer] = {}
        #: uid of an owner → keys of what refers to it.
        self._dependents: dict[str, set[Key]] = {}
        self.controller = Controller("garbage-collector", self.reconcile, workers=WORKERS, clock=clock)
        self._follow_catalog()
        if CUSTOM_RESOURCES in self._known:
            self._known[CUSTOM_RESOURCES].listen(lambda _: self.controller.queue.add(_CATALOG_KEY))

    async def reconcile(self, key: Key) -> float | None:
        """One look at one object."""
        if key == _CATALOG_KEY:
            self._follow_catalog()
            # A definition is stored before the resource is served: the second look finds it.
            return _CATALOG_AGAIN_S if self._informers.get(CUSTOM_RESOURCES) and self._unserved() else None
        node = self._node(key)
        if node is None:
            return None
        owners = [(owner, await self._state(owner, node)) for owner in node.object["metadata"].get("ownerReferences", ())]
        dependents = [d for d in map(self._node, self._dependents.get(node.uid, ())) if d is not None]
        actions = plan(node, owners, dependents)
        if node.is_ending(FOREGROUND):
            # Those that wait for dependents of their own have been told already: in a circle, telling them again had no end.
            for dependent in dependents:
                if not dependent.is_ending(FOREGROUND):
                    self.controller.queue.add(_graph_key(dependent.resource, dependent.key))
        return await self._actor.act(actions)

    def _follow_catalog(self) -> None:
        """Listen to what is served now and was not before; forget what is served no more."""
        served = {r.group_resource for r in self._client.catalog if {"list", "watch", "delete"} <= set(r.verbs)} - IGNORED
        for resource in served - self._known.keys():
            informer = self._known[resource] = self._informers.get(resource)
            informer.listen(lambda change, resource=resource: self._changed(resource, change))  # type: ignore[misc]
        for resource in self._known.keys() - served:
            self._informers.drop(resource)
            del self._known[resource]

    def _unserved(self) -> bool:
        definitions = self._known[CUSTOM_RESOURCES].objects()
        return any(definition["metadata"]["name"] not in self._known for definition in definitions)

    def _changed(self, resource: str, change: Change) -> None:
        key = _graph_key(resource, change.key)
        before, after = _owners(change.old), _owners(change.new)
        for owner in before:
            if owner not in after:
                self._unfile(owner["uid"], key)
        for owner in after:
            self._dependents.setdefault(owner["uid"], set()).add(key)
        if change.new is None:
            self._deleted(change.object, before)
            return
        blocking = {owner["uid"] for owner in after if owner.get("blockOwnerDeletion")}
        self._wake([owner for owner in before if owner["uid"] not in blocking], change.key.namespace)
        if b'"deletionTimestamp"' in change.new.raw:
            meta = change.new.object["metadata"]
            if FOREGROUND in meta.get("finalizers", ()) or ORPHAN in meta.get("finalizers", ()):
                self.controller.queue.add(key)
        elif after and any(self._looks_gone(owner, change.key.namespace) for owner in after):
            self.controller.queue.add(key)

    def _deleted(self, obj: Object, owners: Sequence[Object]) -> None:
        for dependent in self._dependents.get(obj["metadata"].get("uid", ""), ()):
            self.controller.queue.add(dependent)
        self._wake(owners, obj["metadata"].get("namespace", ""))

    def _wake(self, owners: Sequence[Object], namespace: str) -> None:
        """Look again at those of the owners that are deleted in the foreground: they may have waited for this."""
        for owner in owners:
            found = self._find(owner, namespace)
            if found is not None and found.is_ending(FOREGROUND):
                self.controller.queue.add(_graph_key(found.resource, found.key))

    def _unfile(self, uid: str, key: Key) -> None:
        keys = self._dependents.get(uid)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._dependents[uid]

    def _looks_gone(self, owner: Object, namespace: str) -> bool:
        found = self._find(owner, namespace)
        return found is None or found.is_ending(FOREGROUND)

    def _find(self, owner: Object, namespace: str) -> Node | None:
        """The owner as its informer has it."""
        resource = self._client.catalog.of_kind(owner["apiVersion"], owner["kind"])
        informer = self._known.get(resource.group_resource) if resource is not None else None
        if resource is None or informer is None:
            return None
        obj = informer.get(namespace if resource.namespaced else "", owner["name"])
        return Node(resource.group_resource, obj) if obj is not None and obj["metadata"]["uid"] == owner["uid"] else None

    async def _state(self, owner: Object, node: Node) -> State:
        found = self._find(owner, node.key.namespace)
        if found is not None:
            return "waiting" if found.is_ending(FOREGROUND) else "there"
        resource = self._client.catalog.of_kind(owner["apiVersion"], owner["kind"])
        if resource is None or (resource.namespaced and not node.key.namespace):
            return "there"  # Nobody can say: better too careful.
        try:
            obj = await self._client.get(
                resource.group_resource, owner["name"], node.key.namespace if resource.namespaced else ""
            )
        except ApiError as error:
            if error.code != 404:
                raise
            return "absent"
        if obj["metadata"]["uid"] != owner["uid"]:
            return "absent"
        return "waiting" if Node(resource.group_resource, obj).is_ending(FOREGROUND) else "there"

    def _node(self, key: Key) -> Node | None:
        resource, _, namespace = key.namespace.partition("/")
        informer = self._known.get(resource)
        obj = informer.get(namespace, key.name) if informer is not None else None
        return Node(resource, obj) if obj is not None else None


def _graph_key(resource: str, key: Key) -> Key:
    return Key(f"{resource}/{key.namespace}", key.name)


def _owners(item: Item | None) -> list[Object]:
    """The owner references; objects that cannot have any are not parsed."""
    if item is None or b'"ownerReferences"' not in item.raw:
        return []
    owners: list[Object] = item.object["metadata"].get("ownerReferences", [])
    return owners


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    return GarbageCollector(client, informers, clock).controller
