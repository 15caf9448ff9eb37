"""Runs one pod of a DaemonSet on every node that it fits.

https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from corral.api.objects import Key, Object, key_of
from corral.api.selectors import matches, matches_node
from corral.api.tolerations import tolerates
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informers, by_namespace
from corral.controllers import history
from corral.controllers import pods as podfacts
from corral.controllers.actions import Actor, Note, Update
from corral.controllers.claims import by_controller, claimants
from corral.controllers.percent import scaled
from corral.controllers.podcontrol import PodControl
from corral.loop.controller import Controller

DAEMON_SETS = "daemonsets.apps"
GENERATION_LABEL = "pod-template-generation"
_ALWAYS_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


class Plan(Struct):
    """What to do: nodes that get a pod, pods that go; and the status."""

    status: Object
    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def plan(owner: Object, nodes: Sequence[Object], pods: Iterable[Object], hash: str, now_s: float) -> Plan:
    """One look. `hash`: the label of pods of the present template."""
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        by_node.setdefault(node_of(pod), []).append(pod)
    result = Plan({})
    kept: dict[str, Object] = {}
    wanted, misscheduled = [], 0
    for node in nodes:
        name = node["metadata"]["name"]
        here = sorted(by_node.pop(name, ()), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        runs, stays = fits(owner, node)
        failed = [
            pod for pod in here if pod["status"].get("phase") == "Failed" and not pod["metadata"].get("deletionTimestamp")
        ]
        for pod in failed:
            text = f"Found failed daemon pod {key_of(pod)} on node {name}, will try to kill it"
            result.notes.append(Note(owner, "Warning", "FailedDaemonPod", text))
        alive = [pod for pod in here if podfacts.is_active(pod)]
        if runs:
            wanted.append(name)
            result.delete += [*failed, *alive[1:]]
            if alive:
                kept[name] = alive[0]
            if not alive and not failed and not any(map(podfacts.is_terminating, here)):
                result.create.append(name)
        else:
            misscheduled += bool(alive)
            result.delete += [] if stays else [*failed, *alive]
    if owner["metadata"].get("deletionTimestamp"):
        result.create, result.delete = [], []
    result.status = _status(owner, wanted, kept, misscheduled, hash, now_s)
    if not owner["metadata"].get("deletionTimestamp"):
        result.delete += _outdated(owner, wanted, kept, hash, now_s)
    return result


def fits(owner: Object, node: Object) -> tuple[bool, bool]:
    """(whether a pod is to run on the node, whether one that is there may stay)."""
    spec = owner["spec"]["template"]["spec"]
    if spec.get("nodeName", node["metadata"]["name"]) != node["metadata"]["name"] or not matches_node(spec, node):
        return False, False
    tolerations = [*(spec.get("tolerations") or ()), *_own_tolerations(spec)]
    taints = [t for t in node["spec"].get("taints") or () if not any(tolerates(toleration, t) for toleration in tolerations)]
    runs = not any(taint["effect"] in ("NoSchedule", "NoExecute") for taint in taints)
    return runs, not any(taint["effect"] == "NoExecute" for taint in taints)


def node_of(pod: Object) -> str:
    """The node of a pod: where it is, or where alone it may go."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for requirement in term.get("matchFields") or ():
            if requirement["key"] == "metadata.name" and requirement.get("values"):
                return str(requirement["values"][0])
    return ""


def pod_of(owner: Object, node: str, hash: str) -> Object:
    """A pod for a node: the scheduler binds it, and can bind it to no other."""
    meta = owner["metadata"]
    template = owner["spec"]["template"]
    pod = podfacts.from_template(template, podfacts.owner_reference(owner), meta["namespace"], f"{meta['name']}-")
    labels = {history.HASH_LABEL: hash, GENERATION_LABEL: str(meta.get("generation", 1))}
    pod["metadata"]["labels"] = {**pod["metadata"].get("labels", {}), **labels}
    requirement = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = {"nodeSelectorTerms": [{"matchFields": [requirement]}]}
    affinity = template["spec"].get("affinity") or {}
    node_affinity = {**(affinity.get("nodeAffinity") or {}), "requiredDuringSchedulingIgnoredDuringExecution": terms}
    tolerations = [*(template["spec"].get("tolerations") or ()), *_own_tolerations(template["spec"])]
    pod["spec"] = {**template["spec"], "affinity": {**affinity, "nodeAffinity": node_affinity}, "tolerations": tolerations}
    return pod


def _own_tolerations(spec: Object) -> list[Object]:
    keys = list(_ALWAYS_TOLERATED)
    if spec.get("hostNetwork"):
        keys.append(("node.kubernetes.io/network-unavailable", "NoSchedule"))
    return [{"key": key, "operator": "Exists", "effect": effect} for key, effect in keys]


def _outdated(owner: Object, wanted: Sequence[str], kept: Mapping[str, Object], hash: str, now_s: float) -> list[Object]:
    """The pods of older templates that may go now: those that do not serve anyway, and others as availability allows."""
    strategy = owner["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return []
    limit = scaled((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(wanted), up=True)
    min_ready_s = owner["spec"].get("minReadySeconds", 0)
    available = {name for name, pod in kept.items() if podfacts.is_available(pod, min_ready_s, now_s)}
    old = {name: pod for name, pod in kept.items() if pod["metadata"].get("labels", {}).get(history.HASH_LABEL) != hash}
    idle = [pod for name, pod in old.items() if name not in available]
    room = max(0, limit - (len(wanted) - len(available)))
    return [*idle, *[pod for name, pod in sorted(old.items()) if name in available][:room]]


def _status(
    owner: Object, wanted: Sequence[str], kept: Mapping[str, Object], misscheduled: int, hash: str, now_s: float
) -> Object:
    min_ready_s = owner["spec"].get("minReadySeconds", 0)
    available = sum(podfacts.is_available(pod, min_ready_s, now_s) for pod in kept.values())
    updated = sum(pod["metadata"].get("labels", {}).get(history.HASH_LABEL) == hash for pod in kept.values())
    status = {
        **{k: v for k, v in owner.get("status", {}).items() if k in ("conditions", "collisionCount")},
        "currentNumberScheduled": len(kept),
        "numberMisscheduled": misscheduled,
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(map(podfacts.is_ready, kept.values())),
        "observedGeneration": owner["metadata"].get("generation", 0),
    }
    counts = {"updatedNumberScheduled": updated, "numberAvailable": available, "numberUnavailable": len(wanted) - available}
    return {**status, **{name: count for name, count in counts.items() if count}}


class DaemonSetController:
    """Its keys are DaemonSets."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder) -> None:
        self._clock = clock
        self._actor = Actor(client, recorder)
        self._owners = informers.get(DAEMON_SETS, {"namespace": by_namespace})
        self._nodes = informers.get("nodes")
        self._revisions = informers.get(history.REVISIONS, {"controller": by_controller})
        self.control = PodControl(client, informers, recorder, DAEMON_SETS)

    async def reconcile(self, key: Key) -> float | None:
        """One look."""
        owner = self._owners.get(*key)
        if owner is None:
            return None
        uid, now_s = owner["metadata"]["uid"], self._clock.now()
        pods = await self.control.claim(owner, lambda labels: matches(owner["spec"]["selector"], labels))
        found = history.plan(owner, self._revisions.indexed("controller", uid))
        await self._actor.act(found.actions)
        hash = found.present["metadata"]["labels"][history.HASH_LABEL]
        todo = plan(owner, self._nodes.objects(), pods, hash, now_s)
        if todo.status != owner.get("status"):
            await self._actor.act([Update(DAEMON_SETS, {**owner, "status": todo.status}, "status")])
        if self.control.caught_up(uid):
            await self._actor.act(todo.notes)
            made = [pod_of(owner, node, hash) for node in todo.create]
            failure = await self.control.delete(owner, todo.delete) or await self.control.create(owner, made)
            if failure is not None:
                raise failure.error
            used = {pod["metadata"].get("labels", {}).get(history.HASH_LABEL) for pod in pods}
            names = [
                r["metadata"]["name"] for r in found.others if r["metadata"].get("labels", {}).get(history.HASH_LABEL) in used
            ]
            await self._actor.act(history.surplus(owner, found.others, names))
        return podfacts.available_in_s(pods, owner["spec"].get("minReadySeconds", 0), now_s)

    def keys_of_pod(self, pod: Object) -> list[Key]:
        """The owner of a pod, or those that might adopt it."""
        return claimants(pod, "DaemonSet", self._owners)

    def all_keys(self) -> list[Key]:
        """All DaemonSets: a node came, went, or is another now."""
        return [item.key for item in self._owners.items()]


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    recorder = Recorder(client, "daemonset-controller", clock)
    this = DaemonSetController(client, informers, clock, recorder)
    controller = Controller("daemonset-controller", this.reconcile, clock=clock, companions=(recorder.run,))
    owners, nodes = informers.get(DAEMON_SETS), informers.get("nodes")
    controller.watch(owners)
    controller.watch(nodes, lambda node: [])
    controller.watch(informers.get("pods"), this.keys_of_pod)
    owners.listen(lambda change: this.control.forget(change.object["metadata"]["uid"]) if change.new is None else None)

    def facts(node: Object) -> tuple[object, ...]:
        return node["metadata"].get("labels"), node["spec"].get("taints")

    def node_changed(change: Change) -> None:
        if change.old is None or change.new is None or facts(change.old.object) != facts(change.new.object):
            for key in this.all_keys():
                controller.queue.add(key)

    nodes.listen(node_changed)
    return controller
