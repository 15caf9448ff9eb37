"""What the runtime says of one pod, kept up to date by its events and by what the agent itself does."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from corral.node.cri.errors import CriError
from corral.node.cri.runtime import Runtime
from corral.node.cri.types import Container, Sandbox
from corral.node.spec.container import TERMINATION_FILE_ANNOTATION, TERMINATION_POLICY_ANNOTATION
from corral.node.termination import termination_message

log = logging.getLogger(__name__)

#: containerd tells of an end before its own CRI service has taken note of it.
SETTLE_DELAYS_S = (0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)


class Observer:
    """Sandboxes and containers of one pod; `changed()` is called when something has changed."""

    def __init__(self, runtime: Runtime, pod_uid: str, log_dir: Path, changed: Callable[[], None]) -> None:
        self._runtime = runtime
        self._pod_uid = pod_uid
        self._log_dir = log_dir
        self._changed = changed
        self._sandboxes: dict[str, Sandbox] = {}
        self._containers: dict[str, Container] = {}
        self._replaced: set[str] = set()
        self.sandbox_of: dict[str, str] = {}

    @property
    def sandboxes(self) -> tuple[Sandbox, ...]:
        """Newest first."""
        return tuple(sorted(self._sandboxes.values(), key=lambda s: (s.attempt, s.created_s), reverse=True))

    @property
    def containers(self) -> tuple[Container, ...]:
        """Newest first."""
        return tuple(sorted(self._containers.values(), key=lambda c: (c.attempt, c.created_s), reverse=True))

    def ids(self) -> set[str]:
        """The ids of all sandboxes and containers."""
        return self._sandboxes.keys() | self._containers.keys() | self.sandbox_of.keys()

    async def relist(self) -> None:
        """Learn everything anew from the runtime. Raises CriError."""
        sandboxes, listed = await asyncio.gather(
            self._runtime.sandboxes(self._pod_uid), self._runtime.containers(self._pod_uid)
        )
        full = await asyncio.gather(*(self._runtime.sandbox(s.id) for s in sandboxes))
        self._sandboxes = {s.id: s for s in full if s is not None}
        for gone in self._containers.keys() - {c.id for c in listed}:
            del self._containers[gone]
            self.sandbox_of.pop(gone, None)
        await asyncio.gather(*(self.refresh(c.id, c.sandbox_id) for c in listed))

    async def refresh(self, id: str, sandbox_id: str) -> Container | None:
        """Learn one container anew. Raises CriError."""
        found = await self._runtime.container(id)
        if found is None:
            self.forget([id])
            return None
        if found.state == "exited":
            found = await asyncio.to_thread(self._with_message, found)
        if id in self._replaced:
            found = replace(found, replaced=True)
        known = self._containers.get(id)
        if known is not None and known.state == "exited" and found.state != "exited":
            return known  # An answer that was overtaken by a newer one.
        self._containers[id] = found
        self.sandbox_of[id] = sandbox_id
        return found

    async def refresh_sandbox(self, id: str) -> Sandbox | None:
        """Learn one sandbox anew. Raises CriError."""
        found = await self._runtime.sandbox(id)
        if found is None:
            self._sandboxes.pop(id, None)
        else:
            self._sandboxes[id] = found
        return found

    def replace(self, id: str) -> None:
        """The container is about to be ended so that another takes its place, whatever its restart policy says of ends."""
        self._replaced.add(id)
        if id in self._containers:
            self._containers[id] = replace(self._containers[id], replaced=True)

    def forget(self, ids: Iterable[str]) -> None:
        """These were removed."""
        for id in ids:
            self._containers.pop(id, None)
            self._sandboxes.pop(id, None)
            self._replaced.discard(id)
            self.sandbox_of.pop(id, None)

    async def ended(self, id: str) -> None:
        """The first process of a container or sandbox has ended: learn how, as soon as the runtime itself knows."""
        for delay_s in SETTLE_DELAYS_S:
            await asyncio.sleep(delay_s)
            try:
                if await self._is_noted(id):
                    break
            except CriError as error:
                log.debug("after the end of %s: %s", id, error)
        self._changed()

    async def _is_noted(self, id: str) -> bool:
        if id in self._sandboxes:
            sandbox = await self.refresh_sandbox(id)
            return sandbox is None or not sandbox.ready
        container = await self.refresh(id, self.sandbox_of.get(id, ""))
        return container is None or container.state == "exited"

    def _with_message(self, found: Container) -> Container:
        text = termination_message(
            Path(found.annotations.get(TERMINATION_FILE_ANNOTATION) or "/nonexistent"),
            self._log_dir / found.name / f"{found.attempt}.log",
            from_log=found.annotations.get(TERMINATION_POLICY_ANNOTATION) == "FallbackToLogsOnError" and found.exit_code != 0,
        )
        return replace(found, message=text) if text else found
