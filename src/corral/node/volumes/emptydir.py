"""emptyDir: a folder that lives as long as its pod, on disk or in memory.

https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
"""

from pathlib import Path

from corral.api.objects import Object
from corral.node import mounts
from corral.node.resources import whole

MODE = 0o777


def prepare(folder: Path, source: Object, memory_limit_bytes: int) -> None:
    """Make the folder; in memory it holds at most its sizeLimit and the pod's memory limit (0: none). Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if source.get("medium") == "Memory":
        if not mounts.is_mounted(folder):
            asked = whole(source["sizeLimit"]) if source.get("sizeLimit") else 0
            sizes = [size for size in (asked, memory_limit_bytes) if size]
            mounts.mount_tmpfs(folder, min(sizes) if sizes else 0, MODE)
        return
    folder.chmod(MODE)
