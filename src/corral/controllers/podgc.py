"""Removes pods that nobody else will: of nodes that are gone, deleted before they had a node, or too many finished ones.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from collections.abc import Sequence

from corral.api.objects import Key, Object, key_of
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client
from corral.client.informer import Change, Informers, by_node
from corral.controllers.actions import Action, Actor, Again, Delete, Patch
from corral.controllers.pods import is_finished
from corral.loop.controller import Controller

#: A node may be away this long (deleted and registered again) before its pods go.
QUARANTINE_S = 40.0
FINISHED_PODS_KEPT = 12_500
_FINISHED_KEY = Key("", "")


def plan(pod: Object, node_exists: bool, missing_s: float, now_s: float) -> list[Action]:
    """What to do with one pod. `missing_s`: for how long its node has been missing."""
    meta, node = pod["metadata"], pod["spec"].get("nodeName", "")
    if not node:
        return [_removal(pod)] if meta.get("deletionTimestamp") else []
    if node_exists:
        return []
    if missing_s < QUARANTINE_S:
        return [Again(QUARANTINE_S - missing_s)]
    return [_removal(pod)] if is_finished(pod) else [_failure(pod, now_s), _removal(pod)]


def surplus(finished: Sequence[Object], kept: int) -> list[Action]:
    """The removal of the oldest finished pods beyond `kept`."""
    oldest_first = sorted(finished, key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]))
    return [_removal(pod) for pod in oldest_first[: max(0, len(finished) - kept)]]


def _removal(pod: Object) -> Delete:
    return Delete("pods", key_of(pod), pod["metadata"]["uid"], grace_period_s=0)


def _failure(pod: Object, now_s: float) -> Patch:
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists",
        "lastTransitionTime": rfc3339(now_s),
    }
    return Patch("pods", key_of(pod), {"status": {"phase": "Failed", "conditions": [condition]}}, "strategic", "status")


class PodCollector:
    """Its keys are pods."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, kept: int) -> None:
        self._client = client
        self._clock = clock
        self._kept = kept
        self._actor = Actor(client)
        self._pods = informers.get("pods", {"node": by_node})
        self._nodes = informers.get("nodes")
        self._missing: dict[str, float] = {}
        self._finished: set[Key] = set()
        self.controller = Controller("pod-garbage-collector", self.reconcile, clock=clock)
        self.controller.watch(self._nodes, self._keys_of_node)
        self.controller.watch(self._pods, self._keys_of_pod)
        self._pods.listen(self._count)

    async def reconcile(self, key: Key) -> float | None:
        """One look at a pod; or at the number of finished ones."""
        if key == _FINISHED_KEY:
            finished = [pod for pod in (self._pods.get(*k) for k in self._finished) if pod is not None]
            return await self._actor.act(surplus(finished, self._kept))
        pod = self._pods.get(*key)
        if pod is None:
            return None
        node = pod["spec"].get("nodeName", "")
        exists = self._nodes.get("", node) is not None
        if exists or not node:
            self._missing.pop(node, None)
            return await self._actor.act(plan(pod, True, 0.0, self._clock.now()))
        since_s = self._missing.setdefault(node, self._clock.monotonic())
        return await self._actor.act(plan(pod, False, self._clock.monotonic() - since_s, self._clock.now()))

    def _keys_of_node(self, node: Object) -> list[Key]:
        name = node["metadata"]["name"]
        return [] if self._nodes.get("", name) is not None else [key_of(pod) for pod in self._pods.indexed("node", name)]

    def _keys_of_pod(self, pod: Object) -> list[Key]:
        node = pod["spec"].get("nodeName", "")
        unbound = not node and pod["metadata"].get("deletionTimestamp")
        return [key_of(pod)] if unbound or (node and self._nodes.get("", node) is None) else []

    def _count(self, change: Change) -> None:
        if change.new is not None and is_finished(change.object):
            self._finished.add(change.key)
            if len(self._finished) > self._kept:
                self.controller.queue.add(_FINISHED_KEY)
        else:
            self._finished.discard(change.key)


def build(client: Client, informers: Informers, clock: Clock, finished_pods_kept: int = FINISHED_PODS_KEPT) -> Controller:
    """The controller."""
    return PodCollector(client, informers, clock, finished_pods_kept).controller
