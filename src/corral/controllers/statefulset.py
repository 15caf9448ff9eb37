"""Runs pods with names, volumes and an order of their own.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from corral.api.objects import Key, Object, key_of
from corral.api.selectors import matches
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers, by_namespace
from corral.controllers import history, statefulclaims
from corral.controllers import pods as podfacts
from corral.controllers.actions import Actor, Update
from corral.controllers.claims import by_controller, claimants
from corral.controllers.podcontrol import PodControl
from corral.loop.controller import Controller

STATEFUL_SETS = "statefulsets.apps"
NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


class Plan(Struct):
    """What to do: claims to make, then pods to make (by ordinal) and to delete; and the status."""

    status: Object
    create: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


def plan(owner: Object, pods: Sequence[Object], found: history.History, current: Object, now_s: float) -> Plan:
    """One look. `current`: the revision that the rollout comes from (the present one, where there is none)."""
    spec = owner["spec"]
    wanted = ordinals(owner)
    by_ordinal = {number: pod for pod in pods if (number := ordinal(owner, pod)) >= 0}
    result = Plan(_status(owner, list(by_ordinal.values()), found.present, current, now_s))
    if owner["metadata"].get("deletionTimestamp"):
        return result
    ordered = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    min_ready_s = spec.get("minReadySeconds", 0)
    for number in wanted:
        pod = by_ordinal.get(number)
        if pod is None:
            revision = found.present if number >= _partition(owner) else current
            result.create.append(pod_of(owner, number, revision))
        elif podfacts.is_finished(pod) and not pod["metadata"].get("deletionTimestamp"):
            result.delete.append(pod)
        elif not ordered or _is_well(pod, min_ready_s, now_s):
            continue
        if ordered:
            return result
    condemned = sorted((number for number in by_ordinal if number not in wanted), reverse=True)
    if condemned and ordered:
        result.delete = _next_to_go([by_ordinal[number] for number in condemned], min_ready_s, now_s)
        return result
    result.delete += [by_ordinal[n] for n in condemned if not by_ordinal[n]["metadata"].get("deletionTimestamp")]
    if not result.create and not result.delete and not condemned:
        result.delete = _outdated(owner, by_ordinal, wanted, found.present, now_s)
    return result


def _next_to_go(condemned: Sequence[Object], min_ready_s: float, now_s: float) -> list[Object]:
    """The last pod, once those above it are gone; while any but the first of the unwell ones is in its place, nobody goes."""
    last = condemned[0]
    unwell = [pod for pod in condemned if not _is_well(pod, min_ready_s, now_s)]
    waits = last["metadata"].get("deletionTimestamp") or (last in unwell and last is not unwell[-1])
    return [] if waits else [last]


def _is_well(pod: Object, min_ready_s: float, now_s: float) -> bool:
    return podfacts.is_active(pod) and podfacts.is_available(pod, min_ready_s, now_s)


def ordinals(owner: Object) -> range:
    """The numbers of the pods that the set is to have."""
    start = (owner["spec"].get("ordinals") or {}).get("start", 0)
    return range(start, start + owner["spec"].get("replicas", 1))


def ordinal(owner: Object, pod: Object) -> int:
    """The number at the end of the pod's name; -1 where the name is not of this owner."""
    prefix, _, number = pod["metadata"]["name"].rpartition("-")
    return int(number) if prefix == owner["metadata"]["name"] and number.isdecimal() else -1


def pod_of(owner: Object, number: int, revision: Object) -> Object:
    """The pod of an ordinal, by the template of a revision."""
    meta, spec = owner["metadata"], owner["spec"]
    name = f"{meta['name']}-{number}"
    pod = podfacts.from_template(history.template_of(revision), podfacts.owner_reference(owner), meta["namespace"], "")
    del pod["metadata"]["generateName"]
    identity = {NAME_LABEL: name, INDEX_LABEL: str(number), history.HASH_LABEL: revision["metadata"]["name"]}
    pod["metadata"] = {"name": name, **pod["metadata"], "labels": {**pod["metadata"].get("labels", {}), **identity}}
    claims = statefulclaims.names_of(owner, number)
    others = [volume for volume in pod["spec"].get("volumes") or () if volume["name"] not in claims]
    mine = [{"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()]
    pod["spec"] = {**pod["spec"], "hostname": name, "volumes": [*mine, *others]}
    if spec.get("serviceName"):
        pod["spec"]["subdomain"] = spec["serviceName"]
    return pod


def _partition(owner: Object) -> int:
    return int(((owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0))


def _outdated(
    owner: Object, by_ordinal: Mapping[int, Object], wanted: Sequence[int], present: Object, now_s: float
) -> list[Object]:
    """The next pod to be replaced by one of the present revision: from the last down, each when those above are well."""
    if (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") != "RollingUpdate":
        return []
    for number in reversed(wanted):
        pod = by_ordinal[number]
        if number < _partition(owner):
            break
        if _revision(pod) != present["metadata"]["name"]:
            return [] if pod["metadata"].get("deletionTimestamp") else [pod]
        if not _is_well(pod, owner["spec"].get("minReadySeconds", 0), now_s):
            break
    return []


def _revision(pod: Object) -> str:
    return str(pod["metadata"].get("labels", {}).get(history.HASH_LABEL, ""))


def _status(owner: Object, pods: Sequence[Object], present: Object, current: Object, now_s: float) -> Object:
    old = owner.get("status", {})
    min_ready_s = owner["spec"].get("minReadySeconds", 0)
    active = [pod for pod in pods if podfacts.is_active(pod)]
    new_name, old_name = present["metadata"]["name"], current["metadata"]["name"]
    updated = sum(_revision(pod) == new_name for pod in active)
    available = sum(podfacts.is_available(pod, min_ready_s, now_s) for pod in active)
    done = updated == len(active) == owner["spec"].get("replicas", 1) == available
    counts = {
        "readyReplicas": sum(map(podfacts.is_ready, active)),
        "currentReplicas": sum(_revision(pod) == (new_name if done else old_name) for pod in active),
        "updatedReplicas": updated,
    }
    return {
        **{k: v for k, v in old.items() if k == "conditions"},
        "observedGeneration": owner["metadata"].get("generation", 0),
        "replicas": len(pods),
        **{name: count for name, count in counts.items() if count},
        "availableReplicas": available,
        "currentRevision": new_name if done else old_name,
        "updateRevision": new_name,
        "collisionCount": old.get("collisionCount", 0),
    }


class StatefulSetController:
    """Its keys are StatefulSets."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder) -> None:
        self._clock = clock
        self._actor = Actor(client, recorder)
        self._owners = informers.get(STATEFUL_SETS, {"namespace": by_namespace})
        self._claims = informers.get(statefulclaims.CLAIMS)
        self._revisions = informers.get(history.REVISIONS, {"controller": by_controller})
        self.control = PodControl(client, informers, recorder, STATEFUL_SETS)

    async def reconcile(self, key: Key) -> float | None:
        """One look."""
        owner = self._owners.get(*key)
        if owner is None:
            return None
        uid, now_s = owner["metadata"]["uid"], self._clock.now()
        pods = await self.control.claim(owner, lambda labels: matches(owner["spec"]["selector"], labels))
        found = history.plan(owner, self._revisions.indexed("controller", uid))
        await self._actor.act(found.actions)
        wanted = owner.get("status", {}).get("currentRevision", "")
        every = [*found.others, found.present]
        current = next((r for r in every if r["metadata"]["name"] == wanted), found.present)
        todo = plan(owner, pods, found, current, now_s)
        if todo.status != owner.get("status"):
            await self._actor.act([Update(STATEFUL_SETS, {**owner, "status": todo.status}, "status")])
        await self._keep_claims(owner, pods)
        if self.control.caught_up(uid):
            await self._carry_out(owner, todo)
            used = [current["metadata"]["name"], *map(_revision, pods)]
            await self._actor.act(history.surplus(owner, found.others, used))
        return podfacts.available_in_s(pods, owner["spec"].get("minReadySeconds", 0), now_s)

    async def _keep_claims(self, owner: Object, pods: Sequence[Object]) -> None:
        """Have the claims of pods belong to whom they are to go with, and those of pods that wait be there."""
        if not owner["spec"].get("volumeClaimTemplates") or owner["metadata"].get("deletionTimestamp"):
            return
        find = self._claims_in(owner)
        for pod in pods:
            number = ordinal(owner, pod)
            if number < 0:
                continue
            condemned = number not in ordinals(owner)
            await self._actor.act(statefulclaims.plan_owners(owner, pod, number, condemned=condemned, find=find))
            if not condemned and not pod["spec"].get("nodeName"):
                await self._actor.act(statefulclaims.plan_missing(owner, number, find))

    def _claims_in(self, owner: Object) -> statefulclaims.Find:
        namespace = owner["metadata"]["namespace"]
        return lambda name: self._claims.get(namespace, name)

    async def _carry_out(self, owner: Object, todo: Plan) -> None:
        for pod in todo.create:
            number = ordinal(owner, pod)
            await self._actor.act(statefulclaims.plan_missing(owner, number, self._claims_in(owner)))
        failure = await self.control.delete(owner, todo.delete) or await self.control.create(owner, todo.create)
        if failure is not None:
            raise failure.error

    def keys_of_pod(self, pod: Object) -> list[Key]:
        """The owner of a pod, or those that might adopt it."""
        return claimants(pod, "StatefulSet", self._owners)

    def keys_of_claim(self, claim: Object) -> list[Key]:
        """The sets whose pods mount a claim of this name."""
        meta = claim["metadata"]
        owners = self._owners.indexed("namespace", meta["namespace"])
        return [key_of(owner) for owner in owners if statefulclaims.is_of(owner, meta["name"])]


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    recorder = Recorder(client, "statefulset-controller", clock)
    this = StatefulSetController(client, informers, clock, recorder)
    controller = Controller("statefulset-controller", this.reconcile, clock=clock, companions=(recorder.run,))
    owners = informers.get(STATEFUL_SETS)
    controller.watch(owners)
    controller.watch(informers.get("pods"), this.keys_of_pod)
    controller.watch(informers.get(statefulclaims.CLAIMS), this.keys_of_claim)
    owners.listen(lambda change: this.control.forget(change.object["metadata"]["uid"]) if change.new is None else None)
    return controller
