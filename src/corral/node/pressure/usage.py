"""What a pod uses of its node: memory as the runtime counts it, disk as its files take it.

Disk is what its containers have written, their logs, and its emptyDirs that are not in memory.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from corral.api.objects import Object
from corral.node.config import EMPTY_DIR, NodeConfig
from corral.node.cri.types import ContainerStats
from corral.node.descent import descend

BLOCK_BYTES = 512


class Usage(Struct, frozen=True):
    """Bytes. Container name → memory, and disk (with logs); emptyDir name → disk."""

    memory: Mapping[str, int] = field(default_factory=dict)
    disk: Mapping[str, int] = field(default_factory=dict)
    volumes: Mapping[str, int] = field(default_factory=dict)

    def total(self, resource: str) -> int:
        """All of one resource."""
        if resource == "memory":
            return sum(self.memory.values())
        return sum(self.disk.values()) + sum(self.volumes.values())

    def of_container(self, name: str, resource: str) -> int:
        """One container's part."""
        return (self.memory if resource == "memory" else self.disk).get(name, 0)


def measure(config: NodeConfig, pod: Object, stats: Iterable[ContainerStats]) -> Usage:
    """What `pod` uses; `stats` are those of its containers. Reads its folders, which may take long."""
    meta = pod["metadata"]
    logs = config.pod_log_dir(meta["namespace"], meta["name"], meta["uid"])
    memory: dict[str, int] = {}
    disk: dict[str, int] = {}
    for item in stats:
        memory[item.name] = memory.get(item.name, 0) + item.working_set_bytes
        disk[item.name] = disk.get(item.name, 0) + item.layer_bytes
    for container in pod["spec"]["containers"]:
        name = container["name"]
        disk[name] = disk.get(name, 0) + bytes_below(logs / name)
    folders = {name: config.pod_volume_dir(meta["uid"], EMPTY_DIR, name) for name in on_disk(pod)}
    return Usage(memory, disk, {name: bytes_below(folder) for name, folder in folders.items()})


def on_disk(pod: Object) -> list[str]:
    """The pod's emptyDirs that are not in memory."""
    volumes = pod["spec"].get("volumes") or ()
    return [v["name"] for v in volumes if "emptyDir" in v and (v["emptyDir"] or {}).get("medium", "") != "Memory"]


def bytes_below(top: Path) -> int:
    """What the files below a folder take on its filesystem; files with several names count once."""
    used, seen, device = 0, set(), -1
    with suppress(OSError):
        for folder in descend(top):
            if device < 0:
                device = os.fstat(folder.fd).st_dev
            with suppress(OSError), os.scandir(folder.fd) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue  # It went meanwhile; what comes after it counts.
                    if found.st_dev != device:
                        continue
                    if stat.S_ISDIR(found.st_mode):
                        folder.below.append(entry.name)
                    elif found.st_nlink > 1:
                        if found.st_ino in seen:
                            continue
                        seen.add(found.st_ino)
                    used += found.st_blocks * BLOCK_BYTES
    return used
