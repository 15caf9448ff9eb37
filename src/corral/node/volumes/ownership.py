"""fsGroup: the files of a volume belong to a group, which may read and write them, and so do the files made later.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

import os
import stat
from pathlib import Path

from corral.api.objects import Object
from corral.node.descent import descend


def apply(pod: Object, folder: Path) -> None:
    """Hand a volume to the group that the pod's fsGroup names, if any. Raises OSError."""
    security = pod["spec"].get("securityContext") or {}
    if security.get("fsGroup") is not None:
        mismatch = security.get("fsGroupChangePolicy") == "OnRootMismatch"
        give_to_group(folder, security["fsGroup"], on_root_mismatch=mismatch)


def give_to_group(folder: Path, group: int, *, on_root_mismatch: bool = False) -> None:
    """Hand `folder` and all below it to `group`; with `on_root_mismatch`, only where the top is not yet so. Raises OSError."""
    top = folder.stat()
    if on_root_mismatch and top.st_gid == group and top.st_mode & stat.S_ISGID:
        return
    for found in descend(folder):
        _give(".", found.fd, group, stat.S_ISGID | stat.S_IRWXG)
        with os.scandir(found.fd) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found.below.append(entry.name)
                else:
                    _give(entry.name, found.fd, group, stat.S_IRGRP | stat.S_IWGRP)


def _give(name: str, parent: int, group: int, bits: int) -> None:
    """Hand what is called `name` in the open folder `parent` to `group`, never what a link put in its place leads to."""
    os.chown(name, -1, group, dir_fd=parent, follow_symlinks=False)
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISLNK(mode):
            os.chmod(f"/proc/self/fd/{fd}", mode & 0o7777 | bits)  # noqa: PTH101 (of an open file)
    finally:
        os.close(fd)
