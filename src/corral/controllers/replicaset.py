"""Keeps the number of pods of a ReplicaSet, and of a ReplicationController, which differs only in names and in its selector.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from collections.abc import Sequence

from msgspec import Struct, field

from corral.api.objects import Key, Object, controller_of
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers, by_namespace
from corral.controllers import pods as podfacts
from corral.controllers.claims import Fits, by_controller, claimants, selects
from corral.controllers.conditions import with_condition, without_condition
from corral.controllers.podcontrol import Failure, PodControl
from corral.loop.controller import Controller

#: At most so many pods are made or deleted in one go.
BURST = 500


class Flavor(Struct, frozen=True):
    """What distinguishes the two kinds."""

    resource: str
    kind: str
    component: str
    matches: Fits
    has_terminating: bool


REPLICA_SET = Flavor(
    "replicasets.apps",
    "ReplicaSet",
    "replicaset-controller",
    selects,
    True,
)
REPLICATION_CONTROLLER = Flavor(
    "replicationcontrollers",
    "ReplicationController",
    "replication-controller",
    lambda owner, labels: (selector := owner["spec"].get("selector") or {}).items() <= labels.items() and bool(selector),
    False,
)


class Plan(Struct, frozen=True):
    """How many pods to make and which to delete."""

    create: int = 0
    delete: list[Object] = field(default_factory=list)


def plan(owner: Object, pods: Sequence[Object], related: Sequence[Object], now_s: float) -> Plan:
    """From the claimed pods to what is missing or too much. `related`: all pods of the owner's family (see deletion order)."""
    if owner["metadata"].get("deletionTimestamp"):
        return Plan()
    active = [pod for pod in pods if podfacts.is_active(pod)]
    missing = _replicas(owner) - len(active)
    if missing >= 0:
        return Plan(create=min(missing, BURST))
    crowd: dict[str, int] = {}
    for pod in related:
        if podfacts.is_active(pod) and (node := pod["spec"].get("nodeName")):
            crowd[node] = crowd.get(node, 0) + 1
    surplus = min(-missing, BURST)
    if surplus >= len(active):
        return Plan(delete=active[:surplus])
    return Plan(delete=podfacts.deletion_order(active, crowd, now_s)[:surplus])


def plan_status(owner: Object, pods: Sequence[Object], failure: Failure | None, now_s: float, has_terminating: bool) -> Object:
    """The status as the claimed pods show it. `failure` is a create or delete that was refused."""
    spec, status = owner["spec"], owner.get("status", {})
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {}).items()
    min_ready_s = spec.get("minReadySeconds", 0)
    active = [pod for pod in pods if podfacts.is_active(pod)]
    new: Object = {"replicas": len(active)}
    counts = {
        "fullyLabeledReplicas": sum(labels <= pod["metadata"].get("labels", {}).items() for pod in active),
        "readyReplicas": sum(map(podfacts.is_ready, active)),
        "availableReplicas": sum(podfacts.is_available(pod, min_ready_s, now_s) for pod in active),
    }
    new.update({name: count for name, count in counts.items() if count})
    if has_terminating:
        new["terminatingReplicas"] = sum(map(podfacts.is_terminating, pods))
    new["observedGeneration"] = owner["metadata"].get("generation", 0)
    conditions = list(status.get("conditions", ()))
    if failure is not None:
        conditions = with_condition(conditions, "ReplicaFailure", "True", failure.reason, str(failure.error), now_s)
    else:
        conditions = without_condition(conditions, "ReplicaFailure")
    if conditions:
        new["conditions"] = conditions
    return new


class ReplicaSetController:
    """Its keys are those of the flavor's resource."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder, flavor: Flavor) -> None:
        self._client = client
        self._clock = clock
        self._flavor = flavor
        self._owners = informers.get(flavor.resource, {"namespace": by_namespace, "controller": by_controller})
        self.control = PodControl(client, informers, recorder, flavor.resource)

    async def reconcile(self, key: Key) -> float | None:
        """One look: claim pods, make or delete some, write the status."""
        owner = self._owners.get(*key)
        if owner is None:
            return None
        now_s = self._clock.now()
        pods = await self.control.claim(owner, lambda labels: self._flavor.matches(owner, labels))
        failure = None
        if self.control.caught_up(owner["metadata"]["uid"]):
            todo = plan(owner, pods, self._family(owner), now_s)
            failure = await self._make(owner, todo.create) or await self.control.delete(owner, todo.delete)
        status = plan_status(owner, pods, failure, now_s, self._flavor.has_terminating)
        if status != owner.get("status"):
            await self._client.update(self._flavor.resource, {**owner, "status": status}, subresource="status")
        if failure is not None:
            raise failure.error
        return podfacts.available_in_s(pods, owner["spec"].get("minReadySeconds", 0), now_s)

    def keys_of_pod(self, pod: Object) -> list[Key]:
        """The owner of a pod, or those that might adopt it."""
        return claimants(pod, self._flavor.kind, self._owners, self._flavor.matches)

    def _family(self, owner: Object) -> list[Object]:
        controller, pods = controller_of(owner), self.control.pods
        if controller is None:
            return pods.indexed("controller", owner["metadata"]["uid"])
        siblings = self._owners.indexed("controller", controller["uid"])
        return [pod for sibling in siblings for pod in pods.indexed("controller", sibling["metadata"]["uid"])]

    async def _make(self, owner: Object, count: int) -> Failure | None:
        meta, template = owner["metadata"], owner["spec"].get("template", {})
        if not count:
            return None
        pod = podfacts.from_template(template, podfacts.owner_reference(owner), meta["namespace"], f"{meta['name']}-")
        return await self.control.create(owner, [pod] * count)


def _replicas(owner: Object) -> int:
    replicas: int | None = owner["spec"].get("replicas")
    return 1 if replicas is None else replicas


def build(client: Client, informers: Informers, clock: Clock, flavor: Flavor = REPLICA_SET) -> Controller:
    """The controller of one flavor."""
    recorder = Recorder(client, flavor.component, clock)
    this = ReplicaSetController(client, informers, clock, recorder, flavor)
    controller = Controller(flavor.component, this.reconcile, clock=clock, companions=(recorder.run,))
    owners = informers.get(flavor.resource)
    controller.watch(owners)
    controller.watch(informers.get("pods"), this.keys_of_pod)
    owners.listen(lambda change: this.control.forget(change.object["metadata"]["uid"]) if change.new is None else None)
    return controller
