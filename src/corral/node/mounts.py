"""Mounts of the host: the few system calls, without a `mount` command."""

import ctypes
import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from corral.node import removal

MS_BIND = 4096
MS_REC = 16384
MNT_DETACH = 2
_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_IN_ROOT = 0x10
_ESCAPED = re.compile(rb"\\([0-7]{3})")

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(path: Path, size_bytes: int = 0, mode: int = 0o777) -> None:
    """Mount memory at `path`; at most `size_bytes`, or the kernel's default of half the memory. Raises OSError."""
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    _mount(b"tmpfs", path, b"tmpfs", 0, options.encode())


def bind(source: Path, target: Path) -> None:
    """Have `target` show what `source` is. Raises OSError."""
    _mount(os.fsencode(source), target, None, MS_BIND | MS_REC, None)


def is_mounted(path: Path) -> bool:
    """Whether something is mounted at `path`."""
    return str(path) in mount_points()


def is_own_filesystem(path: Path) -> bool:
    """Whether `path` lies on another filesystem than the folder above it: cheaper than to read all mounts."""
    return path.stat().st_dev != path.parent.stat().st_dev


def mount_points() -> list[str]:
    """All mount points of this process's namespace, in the order they were made."""
    points = []
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        named = line.split(b" ", 5)[4]
        points.append(os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), named)))
    return points


def unmount(path: Path) -> None:
    """Unmount `path`, at once for new users of it; no error where nothing is mounted."""
    while _libc.umount2(os.fsencode(path), MNT_DETACH) == 0:
        pass


def points_below(top: Path) -> list[str]:
    """The mount points at or below `top`, in the order they were made."""
    return [point for point in mount_points() if point == str(top) or point.startswith(f"{top}/")]


def unmount_below(top: Path) -> None:
    """Unmount everything at or below `top`, the newest first."""
    for point in reversed(points_below(top)):
        unmount(Path(point))


def remove_tree(top: Path) -> None:
    """Unmount everything at or below `top`, then remove it with all that is in it; no error where there is nothing.

    Raises OSError (EBUSY) where something stays mounted: what is seen through a mount belongs to somebody else.
    """
    unmount_below(top)
    left = points_below(top)
    if left:
        raise OSError(errno.EBUSY, "still mounted", left[0])
    with suppress(OSError):
        removal.remove(top)


def filesystem_magic(path: Path) -> int:
    """The number of the filesystem that holds `path` (statfs(2)); 0 where it cannot be told."""
    buffer = (ctypes.c_long * 32)()
    while not path.exists() and path != path.parent:
        path = path.parent
    return int(buffer[0]) if _libc.statfs(os.fsencode(path), buffer) == 0 else 0


def open_beneath(root: Path, below: str) -> int:
    """A file descriptor (O_PATH) of `below`, where symbolic links cannot lead out of `root`.

    Raises OSError. openat2(2), Linux 5.6.
    """
    how = (ctypes.c_uint64 * 3)(os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    root_fd = os.open(root, os.O_PATH | os.O_CLOEXEC)
    try:
        fd = _libc.syscall(_OPENAT2, root_fd, os.fsencode(below), ctypes.byref(how), ctypes.sizeof(how))
    finally:
        os.close(root_fd)
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), below)
    return int(fd)


def _mount(source: bytes, target: Path, kind: bytes | None, flags: int, data: bytes | None) -> None:
    if _libc.mount(source, os.fsencode(target), kind, flags, data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))
