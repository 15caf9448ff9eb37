"""Container logs stay within bounds: a log that has grown too large is renamed, older ones are compressed, the oldest removed.

The names are the reference's: `0.log`, `0.log.20260102-030405`, `0.log.20260101-020304.gz`.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from corral.base.clock import Clock
from corral.node.config import NodeConfig
from corral.node.cri.errors import CriError
from corral.node.cri.runtime import Runtime

log = logging.getLogger(__name__)

COMPRESSED = ".gz"


async def rotate_forever(
    config: NodeConfig, runtime: Runtime, clock: Clock, files: Callable[[], Iterable[tuple[str, str]]]
) -> None:
    """Look at the logs (container id, path) of `files()` from time to time, until cancelled."""
    while True:
        await clock.sleep(config.log_look_s)
        for id, path in files():
            try:
                await look(config, runtime, id, Path(path), clock.now())
            except (CriError, OSError) as error:
                log.warning("log %s cannot be rotated: %s", path, error)


async def look(config: NodeConfig, runtime: Runtime, id: str, path: Path, now_s: float) -> None:
    """Rotate the log of container `id` if it is too large. Raises CriError, OSError."""
    try:
        size_bytes = path.stat().st_size
    except FileNotFoundError:
        await runtime.reopen_log(id)  # An agent was killed between the two steps of a rotation; this is the second.
        return
    if size_bytes > config.log_max_bytes:
        await rotate(runtime, id, path, config.log_max_files, now_s)


async def rotate(runtime: Runtime, id: str, path: Path, max_files: int, now_s: float) -> None:
    """Rename the log of container `id`, have the runtime open a new one, and keep `max_files` in all. Raises CriError."""
    renamed = path.with_name(f"{path.name}.{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}")
    if renamed.exists() or renamed.with_name(renamed.name + COMPRESSED).exists():
        return  # Twice in a second: it would take the place of the first; the next look comes soon.
    await asyncio.to_thread(_make_room, path, max_files)
    path.rename(renamed)
    try:
        await runtime.reopen_log(id)
    except CriError:
        renamed.rename(path)
        raise


def rotated(path: Path) -> list[Path]:
    """The earlier logs of `path`, oldest first."""
    return sorted(path.parent.glob(f"{path.name}.*"))


def _make_room(path: Path, max_files: int) -> None:
    """Compress what was rotated before, and remove the oldest so that two more fit: the present log and the next."""
    import gzip  # Seldom needed, and not small.

    for old in rotated(path):
        if old.suffix != COMPRESSED:
            with old.open("rb") as source, gzip.open(f"{old}{COMPRESSED}", "wb") as target:
                shutil.copyfileobj(source, target)
            old.unlink()
    for old in rotated(path)[: -(max_files - 2) or None]:
        old.unlink(missing_ok=True)
