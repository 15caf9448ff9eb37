"""Counts what each ResourceQuota's namespace uses. The API server charges new objects; this takes back what has gone.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from collections.abc import Iterable, Mapping, Sequence

from corral.api import quota
from corral.api.objects import Key, Object, key_of
from corral.api.podresources import Amounts, add
from corral.api.quantity import ZERO
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Change, Informers, by_namespace
from corral.controllers.actions import Action, Actor, Update
from corral.loop.controller import Controller

QUOTAS = "resourcequotas"
#: What is watched for things that go; other kinds (`count/...`) are counted again after a while.
WATCHED = sorted(quota.PLAIN - {QUOTAS})
RECOUNT_S = 60.0


def plan(owner: Object, objects: Mapping[str, Iterable[Object]]) -> list[Action]:
    """The status of a quota. `objects`: those of its namespace, by resource."""
    hard: Mapping[str, str] = owner["spec"].get("hard") or {}
    used: Amounts = {}
    for resource, found in objects.items():
        for obj in found:
            if quota.matches(owner, resource, obj):
                add(used, quota.usage(resource, obj))
    status = {"hard": dict(hard), "used": {name: str(used.get(name, ZERO)) for name in hard}}
    return [] if owner.get("status") == status else [Update(QUOTAS, {**owner, "status": status}, "status")]


def resources_of(hard: Iterable[str]) -> list[str]:
    """The resources whose objects count for these names."""
    found = set()
    for name in hard:
        if name.startswith("count/"):
            found.add(name.removeprefix("count/"))
        elif name in quota.PLAIN:
            found.add(name)
        elif name.startswith("services."):
            found.add("services")
        elif name == "requests.storage" or quota.STORAGE_CLASS in name:
            found.add("persistentvolumeclaims")
        else:
            found.add("pods")
    return sorted(found)


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are quotas."""
    quotas, actor = informers.get(QUOTAS, {"namespace": by_namespace}), Actor(client)

    async def present(resource: str, namespace: str) -> Sequence[Object]:
        if resource in WATCHED or resource == QUOTAS:
            return informers.get(resource, {"namespace": by_namespace}).indexed("namespace", namespace)
        try:
            return [item.object for item in (await client.list(resource, namespace)).items]
        except KeyError:
            return []  # No such resource: nothing counts for it.

    async def reconcile(key: Key) -> float | None:
        owner = quotas.get(*key)
        if owner is None:
            return None
        names = resources_of(owner["spec"].get("hard") or ())
        await actor.act(plan(owner, {name: await present(name, key.namespace) for name in names}))
        return RECOUNT_S if any(name not in WATCHED for name in names) else None

    controller = Controller("resourcequota-controller", reconcile, clock=clock)

    def of_quota(owner: Object) -> list[Key]:
        settled = (owner.get("status") or {}).get("hard") == owner["spec"].get("hard")
        return [] if settled else [key_of(owner)]

    def changed(change: Change) -> None:
        if change.old is not None:  # What is new was charged already.
            for owner in quotas.indexed("namespace", change.key.namespace):
                controller.queue.add(key_of(owner))

    controller.watch(quotas, of_quota)
    for resource in WATCHED:
        informer = informers.get(resource, {"namespace": by_namespace})
        controller.watch(informer, lambda obj: [])
        informer.listen(changed)
    return controller
