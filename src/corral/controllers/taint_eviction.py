"""Evicts pods from nodes with NoExecute taints that they do not tolerate, or no longer.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from corral.api.objects import Key, Object, key_of
from corral.api.tolerations import tolerates
from corral.base.clock import Clock, parse_rfc3339, rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers, by_node
from corral.controllers.actions import Action, Actor, Again, Delete, Note, Patch
from corral.loop.controller import Controller


class Taint(NamedTuple):
    """What makes a taint this one and no other."""

    key: str
    value: str
    effect: str


#: When a pod was first seen with each of its node's taints (seconds since the epoch). Not every taint says when it was put on.
Sightings = Mapping[Taint, float]


def sightings(before: Sightings, taints: Sequence[Object], now_s: float) -> Sightings:
    """The sightings of these taints; those that went are forgotten, so that one that comes back counts anew."""
    present = [Taint(t["key"], t.get("value", ""), t["effect"]) for t in taints if t["effect"] == "NoExecute"]
    return {taint: before.get(taint, now_s) for taint in present}


def plan(taints: Sequence[Object], pod: Object, now_s: float, seen: Sightings | None = None) -> list[Action]:
    """What to do with one pod of a node with these taints; a taint that was not `seen` yet was put on now."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp"):
        return []
    own = [t for t in taints if t["effect"] == "NoExecute"]
    due_s = evicted_at_s(own, pod["spec"].get("tolerations") or (), now_s, seen or {})
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


def evicted_at_s(taints: Sequence[Object], tolerations: Sequence[Object], now_s: float, seen: Sightings) -> float | None:
    """When a pod has to go (seconds since the epoch); None: never."""
    if not taints:
        return None
    due = []
    for taint in taints:
        covering = [toleration for toleration in tolerations if tolerates(toleration, taint)]
        if not covering:
            return now_s
        first_s = seen.get(Taint(taint["key"], taint.get("value", ""), taint["effect"]), now_s)
        since_s = parse_rfc3339(taint["timeAdded"]) if taint.get("timeAdded") else first_s
        due += [since_s + max(0, t["tolerationSeconds"]) for t in covering if t.get("tolerationSeconds") is not None]
    return min(due, default=None)


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are pods."""
    pods, nodes = informers.get("pods", {"node": by_node}), informers.get("nodes")
    recorder = Recorder(client, "taint-eviction-controller", clock)
    actor = Actor(client, recorder)

    #: pods on nodes with taints that evict: uid, and what was seen of them.
    seen: dict[Key, tuple[str, Sightings]] = {}

    async def reconcile(key: Key) -> float | None:
        pod = pods.get(*key)
        node = nodes.get("", pod["spec"].get("nodeName", "")) if pod is not None else None
        taints = node["spec"].get("taints") or () if node is not None else ()
        uid, before = seen.pop(key, ("", {}))
        if pod is None or not taints:
            return None
        sighted = sightings(before if uid == pod["metadata"]["uid"] else {}, taints, clock.now())
        if sighted:
            seen[key] = pod["metadata"]["uid"], sighted
        return await actor.act(plan(taints, pod, clock.now(), sighted))

    def executing(node: Object | None) -> bool:
        return node is not None and any(t["effect"] == "NoExecute" for t in node["spec"].get("taints") or ())

    controller = Controller("taint-eviction-controller", reconcile, clock=clock, companions=(recorder.run,))
    controller.watch(nodes, lambda node: map(key_of, pods.indexed("node", node["metadata"]["name"])) if executing(node) else [])
    controller.watch(pods, lambda pod: [key_of(pod)] if executing(nodes.get("", pod["spec"].get("nodeName", ""))) else [])
    return controller
