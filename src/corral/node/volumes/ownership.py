"""fsGroup: the files of a volume belong to a group, which may read and write them, and so do the files made later.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

import os
import stat
from pathlib import Path


def give_to_group(folder: Path, group: int, *, on_root_mismatch: bool = False) -> None:
    """Hand `folder` and all below it to `group`; with `on_root_mismatch`, only where the top is not yet so. Raises OSError."""
    top = folder.stat()
    if on_root_mismatch and top.st_gid == group and top.st_mode & stat.S_ISGID:
        return
    for parent, _, names in os.walk(folder):
        _give(Path(parent), group, stat.S_ISGID | stat.S_IRWXG)
        for name in names:
            _give(Path(parent, name), group, stat.S_IRGRP | stat.S_IWGRP)


def _give(path: Path, group: int, bits: int) -> None:
    os.chown(path, -1, group, follow_symlinks=False)
    if not path.is_symlink():
        path.chmod(path.stat().st_mode & 0o7777 | bits)
