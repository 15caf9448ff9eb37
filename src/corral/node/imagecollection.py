"""Images that nothing uses go when their disk fills, the longest unused first.

Only those go that this node has fetched itself, as it can fetch them again: an image that was built or loaded on the node may
be nowhere else. https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-lifecycle
"""

import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from msgspec import Struct

from corral.base.clock import Clock
from corral.node.config import NodeConfig
from corral.node.cri.errors import CriError
from corral.node.cri.images import Images
from corral.node.cri.runtime import Runtime
from corral.node.cri.types import Image
from corral.node.pullcredentials import default_tag, normalized
from corral.node.pullrecords import PullRecords

log = logging.getLogger(__name__)

LOOK_EVERY_S = 300.0


class Known(Struct):
    """An image, since when the node has known it, when it was last seen in use (0: never), and whether it is now."""

    image: Image
    seen_s: float
    used_s: float = 0.0
    is_used: bool = False


def excess_bytes(available: int, capacity: int, config: NodeConfig) -> int:
    """How much has to go: nothing below the high mark of use, and above it what is needed to come to the low one."""
    if capacity <= 0 or 100 - available * 100 // capacity < config.image_gc_high_percent:
        return 0
    return max(0, capacity * (100 - config.image_gc_low_percent) // 100 - available)


def chosen(known: Iterable[Known], need_bytes: int, unused_since_s: float) -> list[Image]:
    """Which of `known`, all unused, go to free `need_bytes`: none that came or was used after `unused_since_s`."""
    picked, freed = [], 0
    for entry in sorted(known, key=lambda entry: (entry.used_s, entry.seen_s)):
        if freed >= need_bytes:
            break
        if max(entry.seen_s, entry.used_s) <= unused_since_s:
            picked.append(entry.image)
            freed += entry.image.size_bytes
    return picked


class ImageCollector:
    """Removes images. `mounted()` names those that are volumes; `say(reason, message)` warns of the node."""

    def __init__(
        self,
        config: NodeConfig,
        images: Images,
        runtime: Runtime,
        records: PullRecords,
        clock: Clock,
        mounted: Callable[[], Collection[str]],
        say: Callable[[str, str], None],
    ) -> None:
        self._config = config
        self._images = images
        self._runtime = runtime
        self._records = records
        self._clock = clock
        self._mounted = mounted
        self._say = say
        self._known: dict[str, Known] = {}

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await self._tried(self.collect)
            await self._clock.sleep(LOOK_EVERY_S)

    async def collect(self) -> None:
        """Free what is too much. Raises CriError, OSError."""
        await self._look()
        need = excess_bytes(*filesystem(await self._images.folder()), self._config)
        if need:
            freed = await self._remove(need, self._clock.now() - self._config.image_gc_min_age_s)
            if freed < need:
                asked = f"Failed to garbage collect required amount of images. Attempted to free {need} bytes"
                self._say("FreeDiskSpaceFailed", f"{asked}, but only found {freed} bytes eligible to free.")

    async def free_all(self) -> None:
        """Remove all that is unused, however new."""

        async def free() -> None:
            await self._look()
            await self._remove(1 << 62, self._clock.now())

        await self._tried(free)

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (CriError, OSError) as error:
            log.debug("images are not collected: %s", error)

    async def _look(self) -> None:
        """Learn which images there are, and which are in use."""
        now_s = self._clock.now()
        remembered = self._records.known()
        present = {image.id: image for image in await self._images.images()}
        used = {name for container in await self._runtime.containers() for name in container.images}
        used |= {normalized(default_tag(reference)) for reference in self._mounted()}
        self._records.keep_only(present, remembered)
        known = {id: self._known.get(id) or Known(image, now_s) for id, image in present.items()}
        for id, entry in known.items():
            entry.image = image = present[id]
            entry.is_used = image.pinned or bool(used & {id, *image.tags, *image.digests})
            if entry.is_used:
                entry.used_s = now_s
        self._known = known

    async def _remove(self, need_bytes: int, unused_since_s: float) -> int:
        """Remove unused images; how many bytes that frees."""
        freed = 0
        idle = [k for k in self._known.values() if not k.is_used and self._records.is_fetched(k.image.id)]
        for image in chosen(idle, need_bytes, unused_since_s):
            log.info("image %s goes: nothing uses it, and its disk is full", (*image.tags, image.id)[0])
            await self._images.remove(image.id)
            self._known.pop(image.id, None)
            self._records.forget(image.id)
            freed += image.size_bytes
        return freed


def filesystem(folder: Path) -> tuple[int, int]:
    """Bytes available and in all. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
