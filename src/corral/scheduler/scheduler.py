"""The scheduler: keeps the snapshot from informers, places what waits in batches, binds, and tells why a pod has to wait.

Nothing is polled: a pod without a place is tried again when something changes that one of its refusals is about.
"""

import asyncio
import itertools
import logging
from random import Random

from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Key, Object
from corral.base.backoff import Backoff
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informers
from corral.scheduler import explain
from corral.scheduler.filters.contract import Wake
from corral.scheduler.placement import Decision, Waiting, place_all
from corral.scheduler.preemption import Budgets, Outcome, Sacrifice, preempt
from corral.scheduler.shape import Shapes
from corral.scheduler.snapshot import Snapshot
from corral.scheduler.volumebinder import VolumeBinder, VolumesError

log = logging.getLogger(__name__)

DEFAULT_NAME = "default-scheduler"
#: Pods placed in one go, between two turns of the event loop.
BATCH_PODS = 256
BINDINGS_AT_ONCE = 64
FIRST_RETRY_S = 0.1
MAX_RETRY_S = 10.0


class Parked(Struct, frozen=True):
    """A pod that found no place, the changes that could help, and what was said of it."""

    pod: Waiting
    wakes: Wake


class Scheduler:
    """Schedules the pods whose `schedulerName` is `name`."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, random: Random, name: str = DEFAULT_NAME) -> None:
        self._client = client
        self._clock = clock
        self._random = random
        self._name = name
        self._recorder = Recorder(client, name, clock)
        self._pods = informers.get("pods")
        self._nodes = informers.get("nodes")
        self._namespaces = informers.get("namespaces")
        self._budgets = informers.get("poddisruptionbudgets.policy")
        self._shapes = Shapes()
        self._snapshot = Snapshot()
        self._binder = VolumeBinder(client, informers)
        self._snapshot.volumes = self._binder.known
        self._order = itertools.count()
        self._waiting: dict[Key, Waiting] = {}
        self._parked: dict[Key, Parked] = {}
        self._binding: dict[Key, Waiting] = {}
        #: What is being removed for a pod; it keeps its room on the node in the snapshot.
        self._sacrifices: dict[Key, Sacrifice] = {}
        self._retries = Backoff(clock, FIRST_RETRY_S, MAX_RETRY_S)
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(BINDINGS_AT_ONCE)
        self._nodes.listen(self._node_changed)
        self._namespaces.listen(self._namespace_changed)
        self._binder.listen(lambda _: self._awaken(Wake.VOLUME))
        self._pods.listen(self._pod_changed)

    async def run(self) -> None:
        """Schedule until cancelled."""
        for informer in (self._nodes, self._namespaces, self._budgets, self._pods, *self._binder.informers):
            await informer.synced.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run(), name="scheduler events")
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    for decision in self._place_batch():
                        group.create_task(self._follow(decision), name=f"bind {decision.pod.key}")
                    await asyncio.sleep(0)

    def _place_batch(self) -> list[Decision]:
        chosen = sorted(self._waiting.values(), key=lambda p: (-p.shape.priority, p.order))[:BATCH_PODS]
        for pod in chosen:
            del self._waiting[pod.key]
            if pod.key in self._sacrifices:
                self._snapshot.displace(pod.key)
        decisions = place_all(chosen, self._snapshot, self._random)
        for decision in decisions:
            if decision.node:
                self._binding[decision.pod.key] = decision.pod
                self._sacrifices.pop(decision.pod.key, None)
        if self._parked and self._binding:
            self._awaken(Wake.PLACED)
        for decision in decisions:
            if not decision.node:
                self._parked[decision.pod.key] = Parked(decision.pod, explain.wakes(decision.refusal))
        return decisions

    def _preempt(self, decision: Decision) -> Outcome:
        """Look for pods that have to go for this one; those it was given before are enough as long as they are going."""
        pod = decision.pod
        known = self._sacrifices.pop(pod.key, None)
        if known is not None and any(self._snapshot.place_of(victim) == known.node for victim in known.victims):
            outcome = Outcome(known, explain.UNDER_WAY)
        else:
            outcome = preempt(pod, self._snapshot, decision.refusal, Budgets(self._budgets.objects()))
        if outcome.sacrifice is not None:
            self._sacrifices[pod.key] = outcome.sacrifice
            self._snapshot.place(pod.key, pod.shape, outcome.sacrifice.node)
        return outcome

    async def _follow(self, decision: Decision) -> None:
        """Do what was decided; nothing that the API answers may end the scheduler."""
        try:
            if decision.node:
                await self._bind(decision.pod, decision.node)
            else:
                async with self._slots:
                    await self._tell_refusal(decision)
        except (ApiError, OSError) as error:
            level = logging.DEBUG if isinstance(error, ApiError) and error.code in (404, 409) else logging.WARNING
            log.log(level, "scheduling of %s: %s", decision.pod.key, error)
        except Exception:
            log.exception("scheduling of %s", decision.pod.key)

    async def _bind(self, pod: Waiting, node: str) -> None:
        key = pod.key
        obj = self._pods.get(*key)
        try:
            place = self._snapshot.node(node)
            if obj is None or place is None:
                return
            # Not in a slot: until a volume is made, it may take a while.
            await self._binder.bind(key, place, lambda: self._pods.get(*key) is not None)
            metadata = {"name": key.name, "namespace": key.namespace, "uid": obj["metadata"]["uid"]}
            binding = {"kind": "Binding", "apiVersion": "v1", "metadata": metadata, "target": {"kind": "Node", "name": node}}
            async with self._slots:
                await self._client.create("pods", binding, key.namespace, name=key.name, subresource="binding")
        except VolumesError as error:
            self._bind_failed(pod, error)
            text = f'running PreBind plugin "VolumeBinding": binding volumes: {error}'
            self._recorder.record(obj or {}, "Warning", "FailedScheduling", text)
            return
        except (ApiError, OSError) as error:
            self._bind_failed(pod, error)
            raise
        finally:
            self._binding.pop(key, None)
            self._binder.known.release(key)
            if self._pods.get(*key) is None:
                self._displaced(key)  # Deleted meanwhile.
        self._retries.forget(key)
        self._recorder.record(obj, "Normal", "Scheduled", f"Successfully assigned {key} to {node}")

    def _bind_failed(self, pod: Waiting, error: Exception) -> None:
        obj = self._pods.get(*pod.key)
        if obj is not None and obj["spec"].get("nodeName"):
            return  # Bound after all, by us or by another: the informer has placed it.
        self._displaced(pod.key)
        if isinstance(error, ApiError) and error.code == 404:
            return
        self._clock.call_later(self._retries.next(pod.key), lambda: self._try_again(pod.key))

    async def _tell_refusal(self, decision: Decision) -> None:
        key = decision.pod.key
        pod = self._pods.get(*key)
        if pod is None or self._parked.get(key) is None:
            return
        outcome = self._preempt(decision)
        text = explain.message(decision.refusal, outcome.text)
        self._recorder.record(pod, "Warning", "FailedScheduling", text)
        await self._set_condition(pod, text, outcome.sacrifice.node if outcome.sacrifice else "")
        if outcome.sacrifice is not None and not outcome.text:
            await asyncio.gather(*(self._remove(victim, pod, outcome.sacrifice.node) for victim in outcome.sacrifice.victims))

    async def _remove(self, key: Key, preemptor: Object, node: str) -> None:
        victim = self._pods.get(*key)
        if victim is None:
            return
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{self._name}: preempting to accommodate a higher priority pod",
            "lastTransitionTime": rfc3339(self._clock.now()),
        }
        patch = {"status": {"conditions": [condition]}}
        try:
            await self._client.patch("pods", key.name, patch, key.namespace, type="strategic", subresource="status")
            await self._client.delete("pods", key.name, key.namespace, uid=victim["metadata"]["uid"])
        except ApiError as error:
            if error.code not in (404, 409):
                raise
        uid = preemptor["metadata"]["uid"]
        self._recorder.record(victim, "Normal", "Preempted", f"Preempted by pod {uid} on node {node}")

    async def _set_condition(self, pod: Object, text: str, nominated: str) -> None:
        wanted = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
        conditions = pod.get("status", {}).get("conditions") or ()
        current: Object = next((c for c in conditions if c["type"] == "PodScheduled"), {})
        same_place = pod.get("status", {}).get("nominatedNodeName", "") == nominated
        if wanted.items() <= current.items() and same_place:
            return
        since = current["lastTransitionTime"] if current.get("status") == "False" else rfc3339(self._clock.now())
        generation = pod["metadata"].get("generation")
        seen = {"observedGeneration": generation} if generation else {}
        condition = {**wanted, **seen, "lastProbeTime": None, "lastTransitionTime": since}
        meta = pod["metadata"]
        patch: Object = {"status": {"conditions": [condition]}}
        if not same_place:
            patch["status"]["nominatedNodeName"] = nominated or None
        await self._client.patch("pods", meta["name"], patch, meta["namespace"], type="strategic", subresource="status")

    def _pod_changed(self, change: Change) -> None:
        key, pod = change.key, change.object
        status = pod.get("status", {})
        if change.new is None or status.get("phase") in ("Succeeded", "Failed"):
            self._forget(key)
            return
        node = pod["spec"].get("nodeName", "")
        if node:
            self._waiting.pop(key, None)
            self._parked.pop(key, None)
            if self._snapshot.place_of(key) != node or _labels_changed(change):
                self._awaken(Wake.PLACED)
            self._snapshot.place(key, self._shapes.of(pod), node)
        elif key not in self._binding:
            self._enqueue(key, pod)

    def _enqueue(self, key: Key, pod: Object) -> None:
        spec, meta = pod["spec"], pod["metadata"]
        ours = spec.get("schedulerName", DEFAULT_NAME) == self._name
        if not ours or spec.get("schedulingGates") or meta.get("deletionTimestamp"):
            self._forget(key)
            return
        shape = self._shapes.of(pod)
        parked = self._parked.get(key)
        if parked is not None and parked.pod.shape is shape:
            return  # Only its status has changed, by our own word.
        self._parked.pop(key, None)
        self._waiting[key] = Waiting(key, shape, (meta.get("creationTimestamp", ""), next(self._order)))
        self._wake.set()

    def _forget(self, key: Key) -> None:
        self._waiting.pop(key, None)
        self._parked.pop(key, None)
        self._sacrifices.pop(key, None)
        self._retries.forget(key)
        if key in self._binding:
            self._binder.look_again(key)
        else:
            self._displaced(key)

    def _displaced(self, key: Key) -> None:
        self._snapshot.volumes.release(key)
        if self._snapshot.displace(key):
            self._awaken(Wake.FREED)

    def _try_again(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is not None and not pod["spec"].get("nodeName") and key not in self._binding:
            self._enqueue(key, pod)

    def _awaken(self, change: Wake) -> None:
        """Let those wait again whom `change` may help; one that was tried just now has to pause first."""
        for key in [key for key, parked in self._parked.items() if parked.wakes & change]:
            parked = self._parked.pop(key)
            delay_s = self._retries.remaining(key)
            if delay_s > 0:
                self._parked[key] = Parked(parked.pod, Wake(0))
                self._clock.call_later(delay_s, lambda key=key: self._unpark(key))  # type: ignore[misc]
            else:
                self._retries.next(key)
                self._waiting[key] = parked.pod
                self._wake.set()

    def _unpark(self, key: Key) -> None:
        parked = self._parked.pop(key, None)
        if parked is not None:
            self._retries.next(key)
            self._waiting[key] = parked.pod
            self._wake.set()

    def _node_changed(self, change: Change) -> None:
        if change.new is None:
            self._snapshot.remove_node(change.key.name)
            return
        old = change.old.object if change.old is not None else None
        if old is None or _placement_facts(old) != _placement_facts(change.object):
            self._snapshot.set_node(change.object)
            if old is None or _placement_facts(old)[1:] != _placement_facts(change.object)[1:]:
                self._awaken(Wake.NODE)

    def _namespace_changed(self, change: Change) -> None:
        if change.new is None:
            self._snapshot.namespaces.pop(change.key.name, None)
        else:
            self._snapshot.namespaces[change.key.name] = change.object["metadata"].get("labels", {})


def _placement_facts(node: Object) -> tuple[object, ...]:
    """What placing depends on; the images, first, only make a node better or worse."""
    spec, status = node.get("spec", {}), node.get("status", {})
    labels, taints = node["metadata"].get("labels"), spec.get("taints")
    return status.get("images"), labels, taints, spec.get("unschedulable"), status.get("allocatable")


def _labels_changed(change: Change) -> bool:
    if change.old is None or change.new is None:
        return False
    return bool(change.old.object["metadata"].get("labels") != change.new.object["metadata"].get("labels"))
