"""The folders of PersistentVolumes that this node has made for the cluster; they outlive pods, agents and `corral down`.

The API server asks for them (`server.nodefolders`); pods get them as local volumes.
"""

import errno
import re
from pathlib import Path

from corral.node import mounts, removal

#: As wide open as an empty volume: what runs in pods is rarely root, and the folder above lets nobody else in.
MODE = 0o777
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def make(root: Path, name: str) -> Path:
    """The folder of the volume `name`; one that is there stays as it is. Raises ValueError for a wrong name, OSError."""
    folder = _folder(root, name)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.exists():
        folder.mkdir()
        folder.chmod(MODE)
    return folder


def remove(root: Path, name: str) -> Path:
    """Remove the folder and all that is in it; one that is not there will do.

    Raises ValueError for a wrong name, OSError; also where something is mounted in it, which is not the volume's.
    """
    folder = _folder(root, name)
    if mounted := mounts.points_below(folder):
        raise OSError(errno.EBUSY, "something is mounted in the volume", mounted[0])
    removal.remove(folder)
    return folder


def _folder(root: Path, name: str) -> Path:
    if not _NAME.fullmatch(name) or ".." in name:
        raise ValueError(f'"{name}" is no name of a volume')
    return root / name
