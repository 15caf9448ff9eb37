"""subPath: one file or folder of a volume, bound where no symbolic link in the volume can lead a container out of it.

https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath
"""

import os
import stat
from pathlib import Path

from corral.node import mounts
from corral.node.volumes.content import VolumeError

FOLDER_MODE = 0o750


def bind(volume: Path, below: str, target: Path) -> Path:
    """Bind `below` of `volume` at `target` (a folder is made where there is nothing); `target`. Raises VolumeError."""
    if os.path.isabs(below):  # noqa: PTH117 (a string from outside, not a path of ours)
        raise VolumeError(f"error SubPath `{below}` must not be an absolute path")
    if ".." in Path(below).parts:
        raise VolumeError(f"unable to provision SubPath `{below}`: must not contain '..'")
    try:
        fd = _open(volume, below)
    except OSError as error:
        raise VolumeError(f"failed to prepare subPath {below}: {error.strerror}") from None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mounts.unmount(target)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        mounts.bind(Path(f"/proc/self/fd/{fd}"), target)
    except OSError as error:
        raise VolumeError(f"failed to bind subPath {below}: {error.strerror}") from None
    finally:
        os.close(fd)
    return target


def _open(volume: Path, below: str) -> int:
    try:
        return mounts.open_beneath(volume, below)
    except FileNotFoundError:
        _make(volume, Path(below))
        return mounts.open_beneath(volume, below)


def _make(volume: Path, below: Path) -> None:
    """Make the missing folders one by one, each below a parent that was opened safely."""
    made = Path()
    mode = volume.stat().st_mode & 0o7777
    for part in below.parts:
        try:
            os.close(mounts.open_beneath(volume, str(made / part)))
        except FileNotFoundError:
            parent = mounts.open_beneath(volume, str(made) if made.parts else ".")
            try:
                os.mkdir(part, mode=FOLDER_MODE, dir_fd=parent)
                # By now a container may have put a link in its place.
                folder = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
                try:
                    os.fchmod(folder, mode | FOLDER_MODE)
                finally:
                    os.close(folder)
            finally:
                os.close(parent)
        made /= part
