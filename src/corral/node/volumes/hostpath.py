"""hostPath: a file or folder of the host.

https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
"""

import stat
from collections.abc import Callable
from pathlib import Path

from corral.api.objects import Object
from corral.node.volumes.content import VolumeError

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "is not a directory"),
    "File": (stat.S_ISREG, "is not a file"),
    "Socket": (stat.S_ISSOCK, "is not a socket"),
    "CharDevice": (stat.S_ISCHR, "is not a character device"),
    "BlockDevice": (stat.S_ISBLK, "is not a block device"),
}


def prepare(source: Object) -> Path:
    """The path on the host, made or checked as its type asks. Raises VolumeError."""
    path, kind = Path(source["path"]), source.get("type") or ""
    if kind == "":
        if not path.exists():
            path.mkdir(parents=True, exist_ok=True)
        return path
    if kind == "DirectoryOrCreate":
        if not path.exists():
            path.mkdir(mode=0o755, parents=True)
        kind = "Directory"
    elif kind == "FileOrCreate":
        if not path.exists():
            try:
                path.touch(mode=0o644)
            except OSError as error:
                raise VolumeError(f"hostPath type check failed: {path} cannot be made: {error.strerror}") from None
        kind = "File"
    matches, complaint = _CHECKS[kind]
    try:
        mode = path.stat().st_mode
    except OSError:
        mode = 0
    if not matches(mode):
        raise VolumeError(f"hostPath type check failed: {path} {complaint}")
    return path
