"""Looks now and then at what the node has left, and at pods that limit what they use of its disk; ends pods where it must."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from corral.api.objects import Object
from corral.base.clock import Clock
from corral.node.config import NodeConfig
from corral.node.cri.errors import CriError
from corral.node.cri.types import ContainerStats
from corral.node.podstate.observed import Halt
from corral.node.pressure.eviction import evicted, has_limits, message, over_limit, ranked
from corral.node.pressure.signals import Reading, crossed, read
from corral.node.pressure.thresholds import DISK, Threshold
from corral.node.pressure.usage import Usage, measure

log = logging.getLogger(__name__)

#: How long the next pod is spared while the one before it ends.
END_TIMEOUT_S = 30.0
#: Measuring a pod's files takes at most this share of the time.
MEASURING_SHARE = 0.05


class Evictable(Protocol):
    """A pod's worker, as far as it is of interest here."""

    uid: str
    pod: Object

    def halt(self, halt: Halt) -> None:
        """End the pod."""

    async def ended(self) -> None:
        """Return when nothing of it runs any more."""


class PressureWatch:
    """Knows which conditions the node has. `active()` are the pods that could go, `free_images()` removes unused images.

    `changed()` is called when a condition comes or goes.
    """

    def __init__(
        self,
        config: NodeConfig,
        clock: Clock,
        stats: Callable[[], Awaitable[Sequence[ContainerStats]]],
        image_folder: Callable[[], Awaitable[Path]],
        active: Callable[[], Iterable[Evictable]],
        free_images: Callable[[], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._stats = stats
        self._find_image_folder = image_folder
        self._image_folder: Path | None = None
        self._active = active
        self._free_images = free_images
        self._changed = changed
        self._met_s: dict[str, float] = {}
        self._measure_at_s = 0.0
        self.conditions: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look every `pressure_look_s`, until cancelled; at once again after a pod was ended."""
        while True:
            try:
                ended = await self.look()
            except (CriError, OSError) as error:
                log.debug("what the node has left cannot be told: %s", error)
                ended = None
            if ended is None:
                await self._clock.sleep(self._config.pressure_look_s)
            else:
                await self._wait_for(ended)

    async def look(self) -> Evictable | None:
        """Look once; the pod that was ended because the node lacks something. Raises CriError, OSError."""
        readings = await self._read()
        met = crossed(self._config.eviction, readings)
        self._note(met)
        await self._end_those_over_their_limits()
        if not met:
            return None
        if met[0].condition == DISK:
            await self._free_images()
            readings = await self._read()
            met = crossed(self._config.eviction, readings)
            if not met:
                return None
        return await self._end_one(met[0], readings[met[0].signal])

    async def _read(self) -> dict[str, Reading]:
        if self._image_folder is None:
            self._image_folder = await self._find_image_folder()
        return read(self._config.data_dir, self._image_folder)

    def _note(self, met: Iterable[Threshold]) -> None:
        """A condition stays for a while after the last time that it held, so that it does not come and go."""
        now_s = self._clock.monotonic()
        self._met_s |= {threshold.condition: now_s for threshold in met}
        lasting_s = self._config.pressure_transition_s
        present = frozenset(c for c, met_s in self._met_s.items() if now_s - met_s < lasting_s or met_s == now_s)
        if present != self.conditions:
            self.conditions = present
            self._changed()

    async def _end_one(self, threshold: Threshold, reading: Reading) -> Evictable | None:
        workers = {worker.uid: worker for worker in self._active()}
        usages = await self._measured(workers.values())
        pods = [worker.pod for uid, worker in workers.items() if uid in usages]
        for pod in ranked(pods, usages, threshold.resource):
            uid = pod["metadata"]["uid"]
            text = message(pod, usages[uid], threshold, reading)
            log.warning("pod %s is ended: %s", pod["metadata"]["name"], text)
            workers[uid].halt(evicted(text))
            return workers[uid]
        return None

    async def _end_those_over_their_limits(self) -> None:
        now_s = self._clock.monotonic()
        limited = [worker for worker in self._active() if has_limits(worker.pod)]
        if not limited or now_s < self._measure_at_s:
            return
        usages = await self._measured(limited)
        self._measure_at_s = now_s + (self._clock.monotonic() - now_s) / MEASURING_SHARE
        for worker in limited:
            if worker.uid in usages and (text := over_limit(worker.pod, usages[worker.uid])):
                worker.halt(evicted(text))

    async def _measured(self, workers: Iterable[Evictable]) -> dict[str, Usage]:
        """What the pods of these use, by uid."""
        by_pod: dict[str, list[ContainerStats]] = {}
        for item in await self._stats():
            by_pod.setdefault(item.pod_uid, []).append(item)
        pods = {worker.uid: worker.pod for worker in workers}

        def work() -> dict[str, Usage]:
            return {uid: measure(self._config, pod, by_pod.get(uid, ())) for uid, pod in pods.items()}

        return await asyncio.to_thread(work)

    async def _wait_for(self, worker: Evictable) -> None:
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await worker.ended()
        except TimeoutError:
            log.debug("pod %s takes its time to end", worker.pod["metadata"]["name"])
