"""Keeps the number of pods of a ReplicaSet, and of a ReplicationController, which differs only in names and in its selector.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from corral.api.errors import ApiError
from corral.api.objects import Key, Object, controller_of, key_of
from corral.api.selectors import matches
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers, by_namespace
from corral.controllers import pods as podfacts
from corral.controllers.actions import Actor, namespace_terminating
from corral.controllers.claims import by_controller, orphans_of, plan_claims
from corral.controllers.conditions import with_condition, without_condition
from corral.loop.controller import Controller

#: At most so many pods are made or deleted in one go.
BURST = 500


@dataclass(frozen=True, slots=True)
class Flavor:
    """What distinguishes the two kinds."""

    resource: str
    kind: str
    component: str
    matches: Callable[[Object, Mapping[str, str]], bool]
    has_terminating: bool


REPLICA_SET = Flavor(
    "replicasets.apps",
    "ReplicaSet",
    "replicaset-controller",
    lambda owner, labels: matches(owner["spec"].get("selector"), labels),
    True,
)
REPLICATION_CONTROLLER = Flavor(
    "replicationcontrollers",
    "ReplicationController",
    "replication-controller",
    lambda owner, labels: (selector := owner["spec"].get("selector") or {}).items() <= labels.items() and bool(selector),
    False,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many pods to make and which to delete."""

    create: int = 0
    delete: list[Object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """A create or delete of a pod that was refused."""

    reason: Literal["FailedCreate", "FailedDelete"]
    error: Exception


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


@dataclass(slots=True)
class _Expected:
    """What this process did and its informer has not shown yet: acting again before would do it twice."""

    revision: int = 0
    deleted: dict[Key, str] = field(default_factory=dict)


class ReplicaSetController:
    """Its keys are those of the flavor's resource."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder, flavor: Flavor) -> None:
        self._client = client
        self._clock = clock
        self._recorder = recorder
        self._flavor = flavor
        self._owners = informers.get(flavor.resource, {"namespace": by_namespace, "controller": by_controller})
        self._pods = informers.get("pods", {"controller": by_controller})
        self._actor = Actor(client)
        self._expected: dict[str, _Expected] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One look: claim pods, make or delete some, write the status."""
        owner = self._owners.get(*key)
        if owner is None:
            return None
        now_s = self._clock.now()
        pods = await self._claim(owner)
        failure = None
        if self._caught_up(owner["metadata"]["uid"]):
            todo = plan(owner, pods, self._family(owner), now_s)
            failure = await self._create(owner, todo.create) or await self._delete(owner, todo.delete)
        status = plan_status(owner, pods, failure, now_s, self._flavor.has_terminating)
        if status != owner.get("status"):
            await self._client.update(self._flavor.resource, {**owner, "status": status}, subresource="status")
        if failure is not None:
            raise failure.error
        return podfacts.available_in_s(pods, owner["spec"].get("minReadySeconds", 0), now_s)

    def forget(self, uid: str) -> None:
        """The owner is gone."""
        self._expected.pop(uid, None)

    def keys_of_pod(self, pod: Object) -> list[Key]:
        """The owner of a pod, or those that might adopt it."""
        namespace = pod["metadata"]["namespace"]
        controller = controller_of(pod)
        if controller is not None:
            return [Key(namespace, controller["name"])] if controller["kind"] == self._flavor.kind else []
        labels = pod["metadata"].get("labels", {})
        owners = self._owners.indexed("namespace", namespace)
        return [key_of(owner) for owner in owners if self._flavor.matches(owner, labels)]

    async def _claim(self, owner: Object) -> list[Object]:
        meta = owner["metadata"]
        candidates = [
            *self._pods.indexed("controller", meta["uid"]),
            *self._pods.indexed("controller", orphans_of(meta["namespace"])),
        ]
        claims = plan_claims(owner, "pods", candidates, lambda labels: self._flavor.matches(owner, labels))
        if claims.adopted:
            # The informer may lag: adopting for an owner that is being deleted would undo the garbage collector's work.
            live = await self._client.get(self._flavor.resource, meta["name"], meta["namespace"])
            if live["metadata"]["uid"] != meta["uid"] or live["metadata"].get("deletionTimestamp"):
                return claims.owned
        await self._actor.act(claims.actions)
        return claims.owned + claims.adopted

    def _family(self, owner: Object) -> list[Object]:
        controller = controller_of(owner)
        if controller is None:
            return self._pods.indexed("controller", owner["metadata"]["uid"])
        siblings = self._owners.indexed("controller", controller["uid"])
        return [pod for sibling in siblings for pod in self._pods.indexed("controller", sibling["metadata"]["uid"])]

    def _caught_up(self, uid: str) -> bool:
        expected = self._expected.get(uid)
        if expected is None:
            return True
        for key, pod_uid in list(expected.deleted.items()):
            pod = self._pods.get(*key)
            if pod is None or pod["metadata"]["uid"] != pod_uid or pod["metadata"].get("deletionTimestamp"):
                del expected.deleted[key]
        if expected.deleted or self._pods.revision < expected.revision:
            return False
        del self._expected[uid]
        return True

    async def _create(self, owner: Object, count: int) -> Failure | None:
        """Make pods in batches of 1, 2, 4, ...: what refuses them all is found out by one request."""
        meta = owner["metadata"]
        template = owner["spec"].get("template", {})
        pod = podfacts.from_template(template, podfacts.owner_reference(owner), meta["namespace"], f"{meta['name']}-")
        batch = 1
        while count > 0:
            batch = min(batch, count)
            results = await asyncio.gather(*(self._client.create("pods", pod) for _ in range(batch)), return_exceptions=True)
            errors = [result for result in results if isinstance(result, BaseException)]
            for made in results:
                if not isinstance(made, BaseException):
                    self._expect(meta["uid"], revision=int(made["metadata"]["resourceVersion"]))
                    self._note(owner, "Normal", "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
            if errors:
                return self._failed(owner, "FailedCreate", "creating", errors)
            count -= batch
            batch *= 2
        return None

    async def _delete(self, owner: Object, pods: Sequence[Object]) -> Failure | None:
        async def delete(pod: Object) -> None:
            meta = pod["metadata"]
            try:
                await self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
            except ApiError as error:
                if error.code in (404, 409):
                    return
                raise
            self._expect(owner["metadata"]["uid"], deleted=pod)
            self._note(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {meta['name']}")

        results = await asyncio.gather(*map(delete, pods), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        return self._failed(owner, "FailedDelete", "deleting", errors) if errors else None

    def _failed(
        self, owner: Object, reason: Literal["FailedCreate", "FailedDelete"], doing: str, errors: Sequence[BaseException]
    ) -> Failure | None:
        error = errors[0]
        if not isinstance(error, Exception):
            raise error
        if isinstance(error, ApiError) and namespace_terminating(error):
            return None
        self._note(owner, "Warning", reason, f"Error {doing}: {error}")
        return Failure(reason, error)

    def _expect(self, uid: str, *, revision: int = 0, deleted: Object | None = None) -> None:
        expected = self._expected.setdefault(uid, _Expected())
        expected.revision = max(expected.revision, revision)
        if deleted is not None:
            expected.deleted[key_of(deleted)] = deleted["metadata"]["uid"]

    def _note(self, owner: Object, type: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        self._recorder.record(owner, type, reason, message)


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
    owners.listen(lambda change: this.forget(change.object["metadata"]["uid"]) if change.new is None else None)
    return controller
