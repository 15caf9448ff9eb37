"""What a node has left of memory and disk."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from corral.node import hostinfo
from corral.node.pressure.thresholds import Threshold


class Reading(Struct, frozen=True):
    """What there is left of something, and how much of it there is."""

    available: int
    capacity: int


def read(node_folder: Path, image_folder: Path | None) -> dict[str, Reading]:
    """Signal → reading. Images that lie on the same filesystem as all else have no signals of their own. Raises OSError."""
    memory = hostinfo.memory()
    found = {"memory.available": Reading(memory.get("MemAvailable", memory["MemTotal"]), memory["MemTotal"])}
    found |= _of_filesystem("nodefs", node_folder)
    if image_folder is not None and image_folder.stat().st_dev != node_folder.stat().st_dev:
        found |= _of_filesystem("imagefs", image_folder)
    return found


def crossed(thresholds: Iterable[Threshold], readings: Mapping[str, Reading]) -> list[Threshold]:
    """The thresholds below which readings lie, in their order."""
    found = []
    for threshold in thresholds:
        reading = readings.get(threshold.signal)
        if reading is not None and reading.capacity and reading.available < threshold.amount(reading.capacity):
            found.append(threshold)
    return found


def _of_filesystem(name: str, folder: Path) -> dict[str, Reading]:
    disk = os.statvfs(folder)
    return {
        f"{name}.available": Reading(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize),
        f"{name}.inodesFree": Reading(disk.f_favail, disk.f_files),
    }
