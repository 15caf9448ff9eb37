"""Counts what is used of every ResourceQuota: `status.hard` and `status.used`, which admission enforces and charges.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from collections.abc import Iterable, Mapping

from corral.api import quota as quotas
from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.api.podresources import Amounts, add, amounts
from corral.api.quantity import ZERO
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Change, Informer, Informers, by_namespace
from corral.controllers.actions import Action, Actor, Again, Update
from corral.loop.controller import Controller

RESYNC_S = 300.0
#: A new object was charged before it was written: counting it can wait, and be done once for many.
SETTLE_S = 1.0
COUNT = "count/"


def plan(quota: Object, used: Amounts) -> list[Action]:
    """Write the status, where it is not so already. `used`: what all objects of the namespace use."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    counted = {name: str(used.get(name, ZERO)) for name in hard}
    status = quota.get("status") or {}
    if amounts(status.get("hard")) == amounts(hard) and amounts(status.get("used")) == amounts(counted):
        return [Again(RESYNC_S)]
    return [Update("resourcequotas", {**quota, "status": {"hard": dict(hard), "used": counted}}, "status"), Again(RESYNC_S)]


def used_of(quota: Object, objects: Mapping[str, Iterable[Object]]) -> Amounts:
    """What the objects of a namespace (resource → objects) use of a quota."""
    total: Amounts = {}
    for resource, found in objects.items():
        for obj in found:
            if quotas.matches(quota, resource, obj):
                add(total, quotas.usage(resource, obj))
    return total


def counted_resources(hard: Iterable[str]) -> set[str]:
    """The resources whose objects count for a quota of these names: `pods`, `deployments.apps`."""
    found = set()
    for name in hard:
        if name.startswith(COUNT):
            found.add(name.removeprefix(COUNT))
        elif name in quotas.PLAIN:
            found.add(name)
        elif name.endswith(quotas.DEVICE_CLASS):
            found.add(quotas.CLAIMS)
        elif name.startswith("services."):
            found.add("services")
        elif name == "requests.storage" or quotas.STORAGE_CLASS in name:
            found.add("persistentvolumeclaims")
        else:
            found.add("pods")
    return found


class QuotaCounter:
    """Its keys are quotas."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._client = client
        self._actor = Actor(client)
        self._informers = informers
        self._quotas = informers.get("resourcequotas", {"namespace": by_namespace})
        self._objects: dict[str, Informer] = {}
        self.controller = Controller("resourcequota-controller", self.reconcile, clock=clock)
        for name in sorted(quotas.PLAIN):
            self.controller.watch(self._followed(name), _no_keys)
        self.controller.watch(self._quotas, _unsettled)

    async def reconcile(self, key: Key) -> float | None:
        """Count for one quota."""
        quota = self._quotas.get(*key)
        if quota is None:
            return None
        names = counted_resources((quota.get("spec") or {}).get("hard") or {})
        objects = {name: await self._of(name, key.namespace) for name in names}
        return await self._actor.act(plan(quota, used_of(quota, objects)))

    async def _of(self, resource: str, namespace: str) -> list[Object]:
        try:
            self._client.resource(resource)
            informer = self._followed(resource)
            if informer.synced.is_set():
                return informer.indexed("namespace", namespace)
            return [item.object for item in (await self._client.list(resource, namespace)).items]
        except (KeyError, ApiError):
            return []  # no such resource: nothing is used

    def _followed(self, resource: str) -> Informer:
        """The informer of a resource that some quota limits: what goes makes room at once. One that was dropped is replaced."""
        informer = self._informers.get(resource, {"namespace": by_namespace})
        if self._objects.get(resource) is not informer:
            self._objects[resource] = informer
            informer.listen(lambda change: self._changed(resource, change))
        return informer

    def _changed(self, resource: str, change: Change) -> None:
        if not len(self._quotas) or resource == "resourcequotas":
            return
        for quota in self._quotas.indexed("namespace", change.key.namespace):
            key = Key(change.key.namespace, quota["metadata"]["name"])
            if change.new is None or _has_ended(resource, change):
                self.controller.queue.add(key)
            else:
                self.controller.queue.add_after(key, SETTLE_S)


def _has_ended(resource: str, change: Change) -> bool:
    return resource == "pods" and change.new is not None and not quotas.is_counted(change.new.object)


def _unsettled(quota: Object) -> list[Key]:
    """The quota, if it is new or limits something else now. A charge is no reason to count: what it is for is not there yet."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    return [] if amounts((quota.get("status") or {}).get("hard")) == amounts(hard) else [key_of(quota)]


def _no_keys(_: Object) -> list[Key]:
    return []


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    return QuotaCounter(client, informers, clock).controller
