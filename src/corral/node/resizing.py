"""Changes the requests and limits of a pod's running containers: grants what the node has room for, and puts it in force.

`podstate.resize` decides; the runtime and the pod's cgroup do it (KEP-1287).
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from corral.api.objects import Object
from corral.node.cri.errors import CriError
from corral.node.machine import Machine
from corral.node.observer import Observer
from corral.node.podstate.observed import spec_of
from corral.node.podstate.resize import (
    IN_PROGRESS,
    Refused,
    ResizeState,
    as_granted,
    asked,
    event,
    granted_before,
    judge,
    same_amounts,
)
from corral.node.podstate.restarts import comes_again, policy_of
from corral.node.resources import Amounts, container_resources, pod_amounts, pod_cgroup, pod_cgroup_values, wider

#: A resize that failed is tried again.
RETRY_S = 10.0

#: Tells of the pod: type, reason, message.
Say = Callable[[str, str, str], None]
Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]


class Resizer:
    """What one pod has been granted, and what of it is in force. `decide` and `enforce` never wait."""

    def __init__(self, machine: Machine, observer: Observer, pod: Object, say: Say, spawn: Spawn) -> None:
        self._machine = machine
        self._observer = observer
        self._say = say
        self._spawn = spawn
        self._granted = granted_before(pod)
        self._refused: Refused | None = None
        self._refused_of: dict[str, Object] = {}
        conditions = (pod.get("status") or {}).get("conditions") or ()
        begun = next((c for c in conditions if c["type"] == IN_PROGRESS), None)
        #: The generation that is being put in force.
        self._generation: int | None = begun.get("observedGeneration", 0) if begun is not None else None
        #: An agent that was restarted cannot know how far the one before it came.
        self._unsure = begun is not None
        self._error = ""
        self._busy = False
        self._retry_at_s = 0.0
        #: Container id → the runtime's LinuxContainerResources, and the `resources` they are made of, once in force.
        self._applied: dict[str, dict[str, Any]] = {}
        self._in_force: dict[str, Object] = {}
        self._amounts: Amounts = pod_amounts(self.view(pod))

    @property
    def state(self) -> ResizeState:
        """How far the pod's resize has come."""
        return ResizeState(self._refused, self._generation, self._error)

    @property
    def in_force(self) -> dict[str, Object]:
        """Container id → the resources that it runs under."""
        return self._in_force

    @property
    def retry_at_s(self) -> float | None:
        """When something that failed is tried again (seconds since the epoch)."""
        return self._retry_at_s if self._error else None

    def view(self, pod: Object) -> Object:
        """The pod as the node has granted it."""
        return as_granted(pod, self._granted)

    def decide(self, pod: Object) -> None:
        """Grant what the pod asks for, if there is room."""
        wanted = asked(pod)
        if wanted == self._granted:
            self._refused = None
            return
        machine = self._machine
        refused = judge(pod, self.view(pod), machine.allocatable, machine.granted_to_others(pod["metadata"]["uid"]))
        if refused is not None:
            if self._refused is None or self._refused.reason != refused.reason or self._refused_of != wanted:
                self._say("Warning", f"Resize{refused.reason}", event(refused.reason, pod, wanted, refused.message))
            self._refused, self._refused_of = refused, wanted
            return
        self._refused = None
        self._granted = wanted
        self._generation = pod["metadata"].get("generation", 0)
        self._error, self._retry_at_s = "", 0.0  # What failed was another resize.
        self._say("Normal", "ResizeStarted", event("started", pod, wanted))

    def enforce(self, pod: Object, now_s: float, leave: Collection[str]) -> None:
        """Bring running containers to what is granted, those with an id in `leave` excepted: they are about to end."""
        view, machine = self.view(pod), self._machine
        self._forget_gone()
        changed: dict[str, dict[str, Any]] = {}
        wanted: dict[str, Object] = {}
        for found in self._observer.containers:
            container = spec_of(view, found.name)
            if container is None or found.state != "running" or found.id in leave:
                continue
            linux = container_resources(view, container, machine.node.memory_bytes, cgroup_v2=machine.cgroups.v2)
            wanted[found.id] = container.get("resources") or {}
            if self._applied.setdefault(found.id, {} if self._unsure else linux) != linux:
                changed[found.id] = linux
            elif not self._busy:
                self._in_force[found.id] = wanted[found.id]
        if changed and not self._busy and now_s >= self._retry_at_s:
            self._busy = True
            self._spawn(self._apply(view, changed, wanted), "resize")
        elif not changed:
            self._unsure = False
        if self._generation is not None and self._is_settled(view):
            self._generation, self._error = None, ""
            self._say("Normal", "ResizeCompleted", event("completed", pod, self._granted))

    def _forget_gone(self) -> None:
        known = self._observer.ids()
        for facts in (self._applied, self._in_force):
            for id in facts.keys() - known:
                del facts[id]

    def _is_settled(self, view: Object) -> bool:
        """Whether every container that runs, or will run again, runs under what is granted."""
        for name, resources in self._granted.items():
            container = spec_of(view, name)
            found = next((c for c in self._observer.containers if c.name == name), None)
            if container is None or found is None:
                continue
            if found.state == "running":
                if found.id not in self._in_force or not same_amounts(self._in_force[found.id], resources):
                    return False
            elif comes_again(policy_of(view, container), container, found):
                return False
        return True

    async def _apply(self, pod: Object, changed: dict[str, dict[str, Any]], wanted: dict[str, Object]) -> None:
        """Change containers' cgroups (id → LinuxContainerResources); meanwhile the pod's has room for before and after."""
        machine, before, after = self._machine, self._amounts, pod_amounts(pod)
        path, v2 = pod_cgroup(machine.config.cgroup_root, pod), machine.cgroups.v2
        try:
            await self._check_usage(changed)
            machine.cgroups.make(path, pod_cgroup_values(wider(before, after), v2=v2))
            for id, linux in changed.items():
                await machine.runtime.update_resources(id, linux)
                self._applied[id] = linux
                self._in_force[id] = wanted[id]
            machine.cgroups.make(path, pod_cgroup_values(after, v2=v2))
            self._amounts, self._error = after, ""
        except (CriError, OSError, _InUseError) as error:
            if not self._error:
                self._say("Warning", "ResizeError", event("error", pod, self._granted, str(error)))
            self._error = str(error)
            self._retry_at_s = machine.clock.now() + RETRY_S
        finally:
            self._busy = False

    async def _check_usage(self, changed: dict[str, dict[str, Any]]) -> None:
        """No memory limit falls below what is in use: the kernel would kill the container. Raises _InUseError, CriError."""
        lowered = {}
        for id, linux in changed.items():
            limit, before = (each.get("memory_limit_in_bytes", 0) for each in (linux, self._applied.get(id, {})))
            if limit and (not before or limit < before):
                lowered[id] = limit
        if not lowered:
            return
        for stats in await self._machine.runtime.stats():
            limit = lowered.get(stats.id, 0)
            if limit and stats.working_set_bytes > limit:
                used = stats.working_set_bytes
                raise _InUseError(
                    f"attempting to set container {stats.name} memory limit ({limit}) below current usage ({used})"
                )


class _InUseError(Exception):
    """More memory is in use than would be allowed."""
