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

LOOK_EVERY_S = 10.0


async def rotate_forever(
    config: NodeConfig, runtime: Runtime, clock: Clock, files: Callable[[], Iterable[tuple[str, str]]]
) -> None:
    """Look at the logs (container id, path) of `files()` from time to time, until cancelled."""
    while True:
        await clock.sleep(LOOK_EVERY_S)
        for id, path in files():
            try:
                if path and Path(path).stat().st_size > config.log_max_bytes:
                    await rotate(runtime, id, Path(path), config.log_max_files, clock.now())
            except OSError:
                continue
            except CriError as error:
                log.warning("log %s cannot be rotated: %s", path, error)


async def rotate(runtime: Runtime, id: str, path: Path, max_files: int, now_s: float) -> None:
    """Rename the log of container `id`, have the runtime open a new one, and keep `max_files` in all. Raises CriError."""
    await asyncio.to_thread(_make_room, path, max_files)
    renamed = path.with_name(f"{path.name}.{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}")
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
        if old.suffix != ".gz":
            with old.open("rb") as source, gzip.open(f"{old}.gz", "wb") as target:
                shutil.copyfileobj(source, target)
            old.unlink()
    for old in rotated(path)[: -(max_files - 2) or None]:
        old.unlink(missing_ok=True)
