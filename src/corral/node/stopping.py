"""Ends containers and pods: preStop hook, stop signal, grace, sidecars after the others.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

import asyncio
import logging
from collections.abc import Callable

from corral.api.objects import Object
from corral.node import hooks
from corral.node.cri.errors import CriError
from corral.node.cri.types import Container
from corral.node.machine import Machine
from corral.node.observer import Observer
from corral.node.podstate.observed import is_sidecar, spec_of

log = logging.getLogger(__name__)

MIN_GRACE_S = 2.0
DEFAULT_GRACE_S = 30.0
DRAIN_TIMEOUT_S = 1.0

Say = Callable[[str, str, str, str], None]


class Stopper:
    """Stops containers of one pod."""

    def __init__(self, machine: Machine, observer: Observer, say: Say) -> None:
        self._machine = machine
        self._observer = observer
        self._say = say
        self._deadlines: dict[str, float] = {}

    async def container(self, pod: Object, found: Container, message: str, grace_s: float) -> None:
        """Stop one container within `grace_s` seconds (its preStop hook counts), and learn how it ended."""
        runtime, clock = self._machine.runtime, self._machine.clock
        self._say("Normal", "Killing", message, found.name)
        began_s = clock.monotonic()
        self._deadlines[found.id] = began_s + max(grace_s, MIN_GRACE_S)
        container = spec_of(pod, found.name)
        hook = ((container or {}).get("lifecycle") or {}).get("preStop")
        if container is not None and hook and found.state == "running" and grace_s > 0:
            await self._pre_stop(container, found, hook, grace_s)
        left_s = max(MIN_GRACE_S, self._deadlines[found.id] - clock.monotonic())
        try:
            await runtime.stop_container(found.id, left_s if grace_s > 0 else 0)
        except CriError as error:
            log.warning("container %s of %s cannot be stopped: %s", found.name, pod["metadata"]["name"], error)
        await self._observer.refresh(found.id, self._observer.sandbox_of.get(found.id, ""))

    async def hurry(self, grace_s: float) -> None:
        """Those that are being stopped get at most `grace_s` from now on."""
        now_s = self._machine.clock.monotonic()
        late = [id for id, deadline_s in self._deadlines.items() if deadline_s > now_s + grace_s]
        running = {c.id for c in self._observer.containers if c.state == "running"}
        for id in late:
            self._deadlines[id] = now_s + grace_s
        await asyncio.gather(
            *(self._machine.runtime.stop_container(id, grace_s) for id in late if id in running), return_exceptions=True
        )

    async def everything(self, pod: Object, grace_s: float) -> None:
        """Stop all containers, sidecars after the others and in reverse order, then the sandboxes. Raises CriError."""
        clock = self._machine.clock
        end_s = clock.monotonic() + grace_s
        if grace_s > 0:
            await self._drain()
        await self._observer.relist()
        running = [c for c in self._observer.containers if c.state in ("running", "unknown")]
        sidecars = [c["name"] for c in pod["spec"].get("initContainers") or () if is_sidecar(c)]
        others = [c for c in running if c.name not in sidecars]
        await asyncio.gather(*(self.container(pod, c, f"Stopping container {c.name}", grace_s) for c in others))
        for name in reversed(sidecars):
            for found in [c for c in running if c.name == name]:
                left_s = max(MIN_GRACE_S, end_s - clock.monotonic()) if grace_s > 0 else 0
                await self.container(pod, found, f"Stopping container {name}", left_s)
        for sandbox in self._observer.sandboxes:
            if sandbox.ready:
                await self._machine.runtime.stop_sandbox(sandbox.id)
                await self._observer.refresh_sandbox(sandbox.id)

    async def _drain(self) -> None:
        """Let Services send new connections elsewhere, before the containers begin to refuse them."""
        addresses = [ip for sandbox in self._observer.sandboxes if sandbox.ready for ip in sandbox.ips]
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await self._machine.drained(addresses)
        except TimeoutError:
            log.debug("%s may still get new connections", ", ".join(addresses))

    async def _pre_stop(self, container: Object, found: Container, hook: Object, grace_s: float) -> None:
        sandbox = self._observer.sandboxes[0] if self._observer.sandboxes else None
        ips = sandbox.ips if sandbox is not None and sandbox.ips else tuple(self._machine.node.host_ips)
        try:
            async with asyncio.timeout(grace_s):
                await hooks.run(self._machine.runtime, found.id, container, hook, ips)
        except TimeoutError:
            log.debug("preStop of %s took longer than its grace", found.name)
        except (hooks.HookError, OSError) as error:
            log.debug("preStop of %s: %s", found.name, error)
            self._say("Warning", "FailedPreStopHook", "PreStopHook failed", found.name)


def grace_of(pod: Object) -> float:
    """The seconds that the pod's containers get to end."""
    given = pod["metadata"].get("deletionGracePeriodSeconds")
    if given is None:
        given = pod["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE_S if given is None else float(given)
