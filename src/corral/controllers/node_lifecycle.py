"""Watches the health of nodes: a silent node's conditions become Unknown, conditions become taints, its pods not ready.

https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller and KEP-589 (leases).
"""

from collections.abc import Sequence

from corral.api.objects import Key, Object, key_of
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informers, by_node
from corral.controllers.actions import Action, Actor, Again, Note, Patch
from corral.controllers.conditions import condition, is_true
from corral.controllers.pods import is_ready
from corral.loop.controller import Controller

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"
#: A node that has been silent for so long is taken for lost.
GRACE_S = 50.0
STARTUP_GRACE_S = 60.0
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"

_TYPES = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
#: condition → status → the key of its taint
_TAINTS = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
}
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_OURS = frozenset([*_TAINTS.values(), _UNSCHEDULABLE])


def plan(node: Object, silent_s: float, may_evict: bool, pods: Sequence[Object], now_s: float) -> list[Action]:
    """What to do about one node. `silent_s`: since its last sign of life; `may_evict`: whether NoExecute taints are wise."""
    key = Key("", node["metadata"]["name"])
    actions: list[Action] = []
    conditions = list(node.get("status", {}).get("conditions") or ())
    lost = _lost_conditions(conditions, silent_s, now_s)
    if lost:
        actions.append(Patch("nodes", key, {"status": {"conditions": lost}}, "strategic", "status"))
        conditions = [*(c for c in conditions if all(c["type"] != new["type"] for new in lost)), *lost]
    elif silent_s < GRACE_S:
        actions.append(Again(GRACE_S - silent_s))
    taints = wanted_taints(node, conditions, may_evict, now_s)
    if taints != (node["spec"].get("taints") or []):
        patch = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "spec": {"taints": taints or None}}
        # A status that was just written has another resourceVersion: the taints follow with the next look.
        actions += [] if lost else [Patch("nodes", key, patch)]
    ready = condition(conditions, "Ready")
    if ready is not None and ready["status"] != "True":
        if lost:
            actions.append(_note(node, "NodeNotReady", f"Node {key.name} status is now: NodeNotReady"))
        actions += [action for pod in pods if is_ready(pod) for action in _not_ready(pod, now_s)]
    return actions


def wanted_taints(node: Object, conditions: Sequence[Object], may_evict: bool, now_s: float) -> list[Object]:
    """All taints of the node as they should be: those of others, and those that its conditions ask for."""
    present: list[Object] = node["spec"].get("taints") or []
    keys = [key for (type, status), key in _TAINTS.items() if (c := condition(conditions, type)) and c["status"] == status]
    if node["spec"].get("unschedulable"):
        keys.append(_UNSCHEDULABLE)
    wanted = [(key, "NoSchedule") for key in keys]
    if may_evict:
        wanted += [(key, "NoExecute") for key in keys if key in (NOT_READY, UNREACHABLE)]
    kept = [t for t in present if t["key"] not in _OURS or (t["key"], t["effect"]) in wanted]
    have = {(taint["key"], taint["effect"]) for taint in kept}
    return kept + [{"key": k, "effect": e, "timeAdded": rfc3339(now_s)} for k, e in wanted if (k, e) not in have]


def may_evict(nodes: int, unready: int) -> bool:
    """Whether pods may be moved off nodes that are not ready: not if so many are that the fault is more likely elsewhere."""
    return unready < nodes and (unready <= 2 or unready / nodes < 0.55)


def is_node_ready(node: Object) -> bool:
    """Whether its condition Ready is True."""
    return is_true(node, "Ready")


def _lost_conditions(conditions: Sequence[Object], silent_s: float, now_s: float) -> list[Object]:
    ready = condition(conditions, "Ready")
    if silent_s < (GRACE_S if ready is not None else STARTUP_GRACE_S):
        return []
    now = rfc3339(now_s)
    lost = []
    for type in _TYPES:
        current = condition(conditions, type)
        if current is None:
            reason, message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
        elif current["status"] != "Unknown":
            reason, message = "NodeStatusUnknown", "Kubelet stopped posting node status."
        else:
            continue
        heartbeat = (current or {}).get("lastHeartbeatTime") or now
        lost.append(
            {
                "type": type,
                "status": "Unknown",
                "lastHeartbeatTime": heartbeat,
                "lastTransitionTime": now,
                "reason": reason,
                "message": message,
            }
        )
    return lost


def _not_ready(pod: Object, now_s: float) -> list[Action]:
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": rfc3339(now_s)}
    return [
        Patch("pods", key_of(pod), {"status": {"conditions": [ready]}}, "strategic", "status"),
        Note(pod, "Warning", "NodeNotReady", "Node is not ready"),
    ]


def _note(node: Object, reason: str, message: str) -> Note:
    # Events about nodes carry the name as uid, which is how kubectl finds them.
    meta = {"name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}
    return Note({"kind": "Node", "apiVersion": "v1", "metadata": meta}, "Normal", reason, message)


class NodeLifecycle:
    """Its keys are nodes."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._clock = clock
        recorder = Recorder(client, "node-controller", clock)
        self._actor = Actor(client, recorder)
        self._nodes = informers.get("nodes")
        self._pods = informers.get("pods", {"node": by_node})
        #: The last sign of life by our own clock: the node's may be wrong.
        self._alive_s: dict[str, float] = {}
        self._unready: set[str] = set()
        self.controller = Controller("node-lifecycle-controller", self.reconcile, clock=clock, companions=(recorder.run,))
        self._nodes.listen(self._node_changed)
        self.controller.watch(self._nodes)
        leases = informers.get(LEASES)
        leases.listen(self._lease_changed)

    async def reconcile(self, key: Key) -> float | None:
        """One look."""
        node = self._nodes.get(*key)
        if node is None:
            return None
        since_s = self._alive_s.setdefault(key.name, self._clock.monotonic())
        silent_s = self._clock.monotonic() - since_s
        pods = self._pods.indexed("node", key.name) if not is_node_ready(node) or silent_s >= GRACE_S else []
        evicts = may_evict(len(self._nodes), len(self._unready))
        return await self._actor.act(plan(node, silent_s, evicts, pods, self._clock.now()))

    def _lease_changed(self, change: Change) -> None:
        if change.new is not None and change.key.namespace == LEASE_NAMESPACE:
            self._alive_s[change.key.name] = self._clock.monotonic()

    def _node_changed(self, change: Change) -> None:
        name = change.key.name
        if change.new is None:
            self._alive_s.pop(name, None)
            self._unready.discard(name)
            self._tell(change.object, "RemovingNode", f"Node {name} event: Removing Node {name} from Controller")
            return
        old = change.old.object if change.old is not None else None
        if is_node_ready(change.object):
            self._unready.discard(name)
        else:
            self._unready.add(name)
        if old is None:
            self._tell(change.object, "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller")
        if old is None or _heartbeat(old) != _heartbeat(change.object):
            self._alive_s[name] = self._clock.monotonic()

    def _tell(self, node: Object, reason: str, message: str) -> None:
        note = _note(node, reason, message)
        if self._actor.recorder is not None:
            self._actor.recorder.record(note.about, note.type, note.reason, note.message)


def _heartbeat(node: Object) -> str:
    ready = condition(node.get("status", {}).get("conditions") or (), "Ready")
    return (ready or {}).get("lastHeartbeatTime") or ""


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    return NodeLifecycle(client, informers, clock).controller
