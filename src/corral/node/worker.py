"""One pod's worker: observes, plans, acts, reports, until the pod is gone.

The worker never waits for what it starts: a pull of minutes does not hold up a deletion. `podstate.plan` decides; this module
only does what it says.
"""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.node.cri.errors import CriError
from corral.node.cri.types import Container
from corral.node.facts import ConfigError
from corral.node.machine import Machine
from corral.node.observer import Observer
from corral.node.podstate.conditions import OWN
from corral.node.podstate.observed import (
    Halt,
    Observed,
    Room,
    init_containers,
    is_deleted,
    is_over,
    is_sidecar,
    main_containers,
    spec_of,
)
from corral.node.podstate.plan import Kill, Plan, plan
from corral.node.podstate.status import status as status_of
from corral.node.probes.prober import Asked, Prober
from corral.node.references import references
from corral.node.resizing import Resizer
from corral.node.resources import pod_cgroup
from corral.node.starting import Starter
from corral.node.statuswriter import StatusWriter
from corral.node.stopping import MIN_GRACE_S, Stopper, grace_of
from corral.node.volumes.content import VolumeError

log = logging.getLogger(__name__)

STOP_RETRY_S = 5.0
#: Volumes that were just made are looked at again after this long; then when a token of theirs is due.
FRESH_VOLUMES_S = 5.0
RUN_ERROR_SHOWN_S = 1.0
KEPT_DEAD_CONTAINERS = 1
#: While a pod comes up, what is on the way is not reported step by step: mostly it runs before that.
COMING_UP_S = 0.25
COMING_UP_REASONS = ("ContainerCreating", "PodInitializing")


class PodWorker:
    """Runs one pod. `update`, `gone` and `event` never wait."""

    def __init__(self, machine: Machine, pod: Object) -> None:
        self.pod = pod
        self.uid = str(pod["metadata"]["uid"])
        self._machine = machine
        meta = pod["metadata"]
        self._log_dir: Path = machine.config.pod_log_dir(meta["namespace"], meta["name"], self.uid)
        self._wake = asyncio.Event()
        self.observer = Observer(machine.runtime, self.uid, self._log_dir, self._wake.set)
        self._starter = Starter(machine, self.observer, self._say)
        self._stopper = Stopper(machine, self.observer, self._say)
        self._resizer = Resizer(machine, self.observer, pod, self._say, self._spawn)
        self._prober = Prober(machine.runtime, machine.clock, self._wake.set)
        self._writer = StatusWriter(machine.client, machine.recorder, pod)
        self._last: Object | None = None
        self._halt: Halt | None = None
        self._seen_s = machine.clock.now()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._killing: set[str] = set()
        self._told_waiting: set[tuple[str, float]] = set()
        self._gone = False
        #: the node has found room for it; one that an agent reported on before has it.
        self._taken = bool((pod.get("status") or {}).get("startTime"))
        self._over = asyncio.Event()
        #: nothing runs any more; and then: nothing is held any more.
        self._ended = False
        self._stopped = False
        self._releasing: asyncio.Task[None] | None = None

    def update(self, pod: Object) -> None:
        """The pod has changed in the API."""
        before, self.pod = self.pod, pod
        if is_deleted(pod) and is_deleted(before) and grace_of(pod) < grace_of(before):
            self._spawn(self._stopper.hurry(grace_of(pod)), "hurry")
        if before["metadata"].get("labels") != pod["metadata"].get("labels") or before["metadata"].get("annotations") != pod[
            "metadata"
        ].get("annotations"):
            self._starter.retry_now()  # What a variable takes from them may be right now.
            self.refresh_volumes()
        self._wake.set()

    def gone(self) -> None:
        """The pod is no longer in the API: stop what is left of it."""
        self._gone = True
        self._wake.set()

    def halt(self, halt: Halt) -> None:
        """End the pod for good, though nobody deleted it."""
        if self._halt is None and not self._ended:
            self._halt = halt
            self._say(halt.event_type, halt.reason, halt.message, "")
            self._wake.set()

    async def ended(self) -> None:
        """Return when nothing of the pod runs any more."""
        await self._over.wait()

    @property
    def granted(self) -> Object:
        """The pod with the resources that the node has granted it."""
        return self._resizer.view(self.pod)

    @property
    def asked(self) -> Mapping[Asked, int]:
        """How often each probe gave which answer."""
        return self._prober.asked

    @property
    def holds_resources(self) -> bool:
        """Whether what the pod was granted is still its own."""
        return self._taken and not self._ended and not self._gone and not is_over(self.pod)

    def room_changed(self) -> None:
        """The node may have room now for what it had none for."""
        if self._resizer.state.refused is not None:
            self._wake.set()

    def event(self, id: str, ended: bool) -> None:
        """The runtime tells of one of the pod's containers or sandboxes."""
        if ended:
            self._spawn(self.observer.ended(id), f"end of {id[:12]}")

    def waiting_reason(self, name: str) -> str:
        """Why the container called `name` waits; '' where it does not."""
        known: Object = self._last or self.pod.get("status") or {}
        for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
            for made in known.get(field) or ():
                if made["name"] == name:
                    return str((made["state"].get("waiting") or {}).get("reason", ""))
        return ""

    def waits(self, name: str) -> bool:
        """Whether the container called `name` waits to be started (again)."""
        return bool(self.waiting_reason(name))

    def references_changed(self) -> None:
        """A ConfigMap or Secret of the pod has changed."""
        self._starter.retry_now()
        self.refresh_volumes()
        self._wake.set()

    def refresh_volumes(self, after_s: float = 0.0) -> None:
        """Bring the contents of volumes up to date, now (or in a while) and whenever a token is due."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        self._refreshing = self._spawn(self._keep_volumes_fresh(after_s), "volumes")

    def restore(self) -> None:
        """Write the status again where somebody else has changed what is the node's to say."""
        known, said = self.pod.get("status") or {}, self._last
        if self._gone or said is None or self._writer.busy:
            return
        own, _ = _conditions(said)
        present, others = _conditions(known)
        if present != own or any(known.get(key) != said[key] for key in said if key != "conditions"):
            self._writer.set({**said, "conditions": own + others})

    async def relist(self) -> None:
        """Compare with the runtime, in case an event was lost."""
        before = (self.observer.sandboxes, self.observer.containers)
        with contextlib.suppress(CriError):
            await self.observer.relist()
        if before != (self.observer.sandboxes, self.observer.containers):
            self._wake.set()

    async def prepare(self) -> None:
        """Learn what the runtime holds of the pod already."""
        while True:
            try:
                await self.observer.relist()
                return
            except CriError as error:
                log.debug("pod %s: %s", self.pod["metadata"]["name"], error)
                await self._machine.clock.sleep(STOP_RETRY_S)

    async def run(self) -> None:
        """Work until the pod is gone from the API and from this node."""
        try:
            if self.observer.containers and not is_deleted(self.pod):
                self.refresh_volumes()
            if not self._taken:
                await self._machine.own.look(self.pod)
            while not (self._gone and self._stopped):
                self._wake.clear()
                look_again_s = self._step()
                await self._wait(look_again_s)
            await self._reap()
        finally:
            self.close()

    def close(self) -> None:
        """Do nothing any more; the pod's containers run on."""
        self._over.set()
        self._prober.close()
        self._writer.close()
        for task in self._tasks:
            task.cancel()

    def _step(self) -> float | None:
        if not self._gone:
            self._resizer.decide(self.pod)
        observed = self._observe()
        now_s = self._machine.clock.now()
        made = Plan(terminate=True) if self._gone else plan(self._view(), observed, now_s)
        self._taken = self._taken or not made.terminate
        if made.halt is not None and self._halt is None:
            self.halt(made.halt)
            observed = self._observe()
        if made.terminate or self._stopping is not None:
            if self._stopping is None:
                self._stopping = self._spawn(self._terminate(), "stop")
                observed = self._observe()
            elif self._stopped and is_deleted(self.pod) and self._releasing is None:
                self._releasing = self._spawn(self._release(), "release")
        else:
            self._act(made)
            observed = self._observe()
        self._watch_probes(observed)
        self._publish(observed)
        due_s = (made.look_again_s, self._starter.blocked_until_s, self._resizer.retry_at_s)
        times = [t for t in due_s if t is not None and t > now_s]
        if any(f.reason == "RunContainerError" for f in self._starter.failures.values()):
            times.append(now_s + RUN_ERROR_SHOWN_S)
        return min(times, default=None)

    def _act(self, made: Plan) -> None:
        for kill in made.kills:
            if kill.container_id not in self._killing:
                self._killing.add(kill.container_id)
                if kill.replaced:
                    self.observer.replace(kill.container_id)
                self._spawn(self._kill(kill), f"kill {kill.name}")
        for waiting in made.waiting:
            failure = self._starter.failures.get(waiting.name)
            if failure is not None and failure.reason == "RunContainerError":
                del self._starter.failures[waiting.name]
            if waiting.delay_s and (waiting.name, waiting.due_s) not in self._told_waiting:
                self._told_waiting = {told for told in self._told_waiting if told[0] != waiting.name}
                self._told_waiting.add((waiting.name, waiting.due_s))
                meta = self.pod["metadata"]
                who = f"{meta['name']}_{meta['namespace']}({self.uid})"
                text = f"Back-off restarting failed container {waiting.name} in pod {who}"
                self._say("Warning", "BackOff", text, waiting.name)
        if self._busy():
            return
        if made.sandbox_attempt is not None:
            self._starting = self._spawn(self._starter.sandbox(self.granted, made.sandbox_attempt), "sandbox")
        elif made.starts:
            self._starting = self._spawn(self._start(made), "start")
        else:
            self._resizer.enforce(self.pod, self._machine.clock.now(), self._killing)

    async def _start(self, made: Plan) -> None:
        await self._starter.containers(self.granted, made.starts, self._wake.set)
        if self._refreshing is None:
            self.refresh_volumes(FRESH_VOLUMES_S)
        await self._remove_old(made)

    async def _remove_old(self, made: Plan) -> None:
        """Keep only the last dead container of each name, as its log is what people ask for."""
        for start in made.starts:
            old = [c for c in self.observer.containers if c.name == start.name and c.state == "exited"]
            newest = next((c for c in self.observer.containers if c.name == start.name), None)
            for container in [c for c in old if c is not newest][KEPT_DEAD_CONTAINERS:]:
                with contextlib.suppress(CriError):
                    await self._machine.runtime.remove_container(container.id)
                    self.observer.forget([container.id])
                for file in self._log_dir.glob(f"{container.name}/{container.attempt}.log*"):
                    file.unlink(missing_ok=True)

    async def _kill(self, kill: Kill) -> None:
        found = next((c for c in self.observer.containers if c.id == kill.container_id), None)
        if found is not None:
            self._prober.forget(found.id)
            await self._stopper.container(self.pod, found, kill.message, self._grace_of(found, kill.probe))
        self._killing.discard(kill.container_id)

    def _grace_of(self, found: Container, probe: str) -> float:
        container = spec_of(self.pod, found.name) or {}
        own = (container.get(f"{probe}Probe") or {}).get("terminationGracePeriodSeconds") if probe else None
        return float(own) if own is not None else grace_of(self.pod)

    async def _terminate(self) -> None:
        """Stop everything, say how it ended, give back what it held, and let go of the pod if it was deleted."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        grace_s = grace_of(self.pod)
        if self._halt is not None and self._halt.grace_s is not None:
            grace_s = min(grace_s, self._halt.grace_s)
        if self._gone and not is_deleted(self.pod):
            grace_s = MIN_GRACE_S
        while True:
            try:
                await self._stopper.everything(self.pod, grace_s)
                break
            except CriError as error:
                log.warning("pod %s cannot be stopped: %s; again in %.0f s", self.pod["metadata"]["name"], error, STOP_RETRY_S)
                await self._machine.clock.sleep(STOP_RETRY_S)
        self._prober.close()
        self._ended = True
        self._over.set()
        if not self._gone:
            self._publish(self._observe())
            await self._writer.flush()
        await asyncio.to_thread(self._give_back)
        self._stopped = True

    def _give_back(self) -> None:
        self._machine.volumes.remove(self.uid)
        self._machine.cgroups.remove(pod_cgroup(self._machine.config.cgroup_root, self.pod))

    async def _release(self) -> None:
        """Let the API forget the pod."""
        meta = self.pod["metadata"]
        while not self._gone:
            try:
                await self._machine.client.delete("pods", meta["name"], meta["namespace"], uid=self.uid, grace_period_s=0)
                return
            except ApiError as error:
                if error.code in (404, 409):
                    return
                log.warning("pod %s cannot be deleted: %s", meta["name"], error)
            except Exception as error:  # The connection may fail in many ways; the pod must go nevertheless.
                log.debug("pod %s cannot be deleted: %r", meta["name"], error)
            await self._machine.clock.sleep(STOP_RETRY_S)

    async def _reap(self) -> None:
        """Remove the last traces: containers, sandboxes, logs."""
        for sandbox in self.observer.sandboxes:
            try:
                await self._machine.runtime.remove_sandbox(sandbox.id)
            except CriError as error:
                log.warning("sandbox %s cannot be removed: %s", sandbox.id[:12], error)
        self._machine.references.release(self.uid)
        self._machine.cgroups.remove(pod_cgroup(self._machine.config.cgroup_root, self.pod))
        await asyncio.to_thread(shutil.rmtree, self._log_dir, True)

    async def _keep_volumes_fresh(self, after_s: float) -> None:
        await self._machine.clock.sleep(after_s)
        while not self._ended:
            try:
                await self._machine.references.use(self.uid, references(self.pod))
                due_s = await self._machine.volumes.refresh(self.pod)
            except (ApiError, VolumeError, ConfigError, OSError, TimeoutError) as error:
                log.debug("volumes of %s: %r", self.pod["metadata"]["name"], error)
                due_s = self._machine.clock.now() + STOP_RETRY_S
            if due_s is None:
                return
            await self._machine.clock.sleep(max(1.0, due_s - self._machine.clock.now()))

    def _busy(self) -> bool:
        running = self._starting is not None and not self._starting.done()
        return running or self._machine.clock.now() < self._starter.blocked_until_s

    def _observe(self) -> Observed:
        return Observed(
            sandboxes=self.observer.sandboxes,
            containers=self.observer.containers,
            sandbox_of=self.observer.sandbox_of,
            probes=self._prober.results,
            hooks_running=frozenset(self._starter.hooks_running),
            failures=dict(self._starter.failures),
            resources=self._resizer.in_force,
            resize=self._resizer.state,
            busy=self._busy(),
            ending=self._stopping is not None,
            halt=self._halt,
            room=None if self._taken else self._room(),
            read_only_below=any(s.handler in self._machine.features().read_only_below for s in self.observer.sandboxes[:1]),
            seen_s=self._seen_s,
        )

    def _room(self) -> Room:
        machine = self._machine
        ports = machine.ports_of_others(self.uid)
        taken, groups = machine.granted_to_others(self.uid), machine.features().strict_groups
        return Room(machine.allocatable, taken, ports, machine.pressures(), groups, machine.own.get())

    def _view(self) -> Object:
        """The pod as granted, with the newest status there is: what this worker said last, and what others have added."""
        if self._last is None:
            return self.granted
        known: Object = self.pod.get("status") or {}
        (own, _), (_, others) = _conditions(self._last), _conditions(known)
        status = {**known, **self._last, "conditions": own + others}
        if known.get("phase") in ("Succeeded", "Failed"):
            status["phase"] = known["phase"]
        return {**self.granted, "status": status}

    def _publish(self, observed: Observed) -> None:
        if self._gone:
            return
        hosts = self._machine.node.host_ips
        made = status_of(self._view(), observed, self._machine.clock.now(), hosts, stopped=self._ended)
        known = self._last if self._last is not None else self.pod.get("status")
        self._last = made
        if made != known:
            self._writer.set(made, COMING_UP_S if _is_coming_up(made) else 0.0)

    def _watch_probes(self, observed: Observed) -> None:
        if self._ended:
            return
        sandbox = observed.sandbox
        ips = (sandbox.ips if sandbox is not None and sandbox.ips else ()) or tuple(self._machine.node.host_ips)
        known: dict[str, Object] = {}
        for field in ("containerStatuses", "initContainerStatuses"):
            for made in (self.pod.get("status") or {}).get(field) or ():
                known[str(made.get("containerID", "")).rpartition("/")[2]] = made
        alive: set[str] = set()
        probed = [*main_containers(self.pod), *(c for c in init_containers(self.pod) if is_sidecar(c))]
        for container in probed:
            found = observed.current(container["name"])
            if found is None or found.state != "running" or found.id in self._killing:
                continue
            alive.add(found.id)
            if found.id in observed.hooks_running:
                continue
            before = known.get(found.id, {})
            self._prober.watch(
                found.id,
                container,
                ips,
                found.started_s,
                lambda type, reason, message, name=found.name: self._say(type, reason, message, name),  # type: ignore[misc]
                was_ready=bool(before.get("ready")),
                was_started=bool(before.get("started")),
            )
        self._prober.keep_only(alive)

    def _say(self, type: str, reason: str, message: str, container: str = "") -> None:
        path = ""
        if container:
            inits = {c["name"] for c in init_containers(self.pod)}
            mains = {c["name"] for c in main_containers(self.pod)}
            field = "initContainers" if container in inits else "containers" if container in mains else "ephemeralContainers"
            path = f"spec.{field}{{{container}}}"
        about = {"kind": "Pod", "apiVersion": "v1", **self.pod}
        kind: Any = type
        self._machine.recorder.record(about, kind, reason, message, path)

    async def _wait(self, look_again_s: float | None) -> None:
        timeout_s = None if look_again_s is None else max(0.001, look_again_s - self._machine.clock.now())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self.pod['metadata']['name']}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("pod %s: %s", self.pod["metadata"]["name"], task.get_name(), exc_info=error)
            self._starter.blocked_until_s = self._machine.clock.now() + STOP_RETRY_S
        self._wake.set()


def _is_coming_up(status: Object) -> bool:
    states = [made["state"] for field in ("initContainerStatuses", "containerStatuses") for made in status.get(field) or ()]
    waiting = [state.get("waiting") for state in states]
    return all(entry is not None and entry.get("reason") in COMING_UP_REASONS for entry in waiting)


def _conditions(status: Object) -> tuple[list[Object], list[Object]]:
    """The conditions that are the node's to say, and those of others."""
    conditions = status.get("conditions") or ()
    return [c for c in conditions if c["type"] in OWN], [c for c in conditions if c["type"] not in OWN]
