"""Evicts pods from nodes with NoExecute taints that they do not tolerate, or no longer.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from collections.abc import Sequence

from corral.api.objects import Key, Object, key_of
from corral.api.tolerations import tolerates
from corral.base.clock import Clock, parse_rfc3339, rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers, by_node
from corral.controllers.actions import Action, Actor, Again, Delete, Note, Patch
from corral.loop.controller import Controller


def plan(taints: Sequence[Object], pod: Object, now_s: float) -> list[Action]:
    """What to do with one pod of a node with these taints."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp"):
        return []
    due_s = evicted_at_s([t for t in taints if t["effect"] == "NoExecute"], pod["spec"].get("tolerations") or (), now_s)
    if due_s is None:
        return []
    if due_s > now_s:
        return [Again(due_s - now_s)]
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastTransitionTime": rfc3339(now_s),
    }
    return [
        Note(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key_of(pod)}"),
        Patch("pods", key_of(pod), {"status": {"conditions": [condition]}}, "strategic", "status"),
        Delete("pods", key_of(pod), meta["uid"]),
    ]


def evicted_at_s(taints: Sequence[Object], tolerations: Sequence[Object], now_s: float) -> float | None:
    """When a pod has to go (seconds since the epoch); None: never."""
    if not taints:
        return None
    due = []
    for taint in taints:
        covering = [toleration for toleration in tolerations if tolerates(toleration, taint)]
        if not covering:
            return now_s
        since_s = parse_rfc3339(taint["timeAdded"]) if taint.get("timeAdded") else now_s
        due += [since_s + max(0, t["tolerationSeconds"]) for t in covering if t.get("tolerationSeconds") is not None]
    return min(due, default=None)


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are pods."""
    pods, nodes = informers.get("pods", {"node": by_node}), informers.get("nodes")
    recorder = Recorder(client, "taint-eviction-controller", clock)
    actor = Actor(client, recorder)

    async def reconcile(key: Key) -> float | None:
        pod = pods.get(*key)
        node = nodes.get("", pod["spec"].get("nodeName", "")) if pod is not None else None
        if pod is None or node is None:
            return None
        return await actor.act(plan(node["spec"].get("taints") or (), pod, clock.now()))

    def executing(node: Object | None) -> bool:
        return node is not None and any(t["effect"] == "NoExecute" for t in node["spec"].get("taints") or ())

    controller = Controller("taint-eviction-controller", reconcile, clock=clock, companions=(recorder.run,))
    controller.watch(nodes, lambda node: map(key_of, pods.indexed("node", node["metadata"]["name"])) if executing(node) else [])
    controller.watch(pods, lambda pod: [key_of(pod)] if executing(nodes.get("", pod["spec"].get("nodeName", ""))) else [])
    return controller
