"""Goes through the folders below one that pods fill: however deep they are, with the same few open files, and never by a link.

A path has at most 4,096 bytes, folders nest without bound: so each is opened from the one it is in, and the way back up leads
by `..`, which must be the folder that we came from.
"""

import os
from collections.abc import Iterator
from pathlib import Path

#: How a folder is opened that may have become a link meanwhile.
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Of the folders on the way down to where we are, the last ones stay open, and the first.
OPEN_AT_ONCE = 64


class Folder:
    """An open folder. Names of folders in it that are put `below` are gone through next."""

    __slots__ = ("_identity", "below", "fd", "name")

    def __init__(self, name: str, fd: int) -> None:
        self.name = name
        self.fd = fd
        self.below: list[str] = []
        self._identity = _identity(fd)

    def open(self, name: str, within: int) -> bool:
        """Open it again, called `name` in an open folder; False where that is another one now."""
        try:
            fd = os.open(name, FOLDER, dir_fd=within)
        except OSError:
            return False
        if _identity(fd) != self._identity:
            os.close(fd)
            return False
        self.fd = fd
        return True

    def close(self) -> None:
        """Close it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def descend(top: Path) -> Iterator[Folder]:
    """`top`, and every folder that is put below one that was returned; each open until the next. Those that went are left out.

    Raises OSError where there is no such folder.
    """
    way = [Folder("", os.open(top, FOLDER))]
    try:
        yield way[0]
        while way:
            here = way[-1]
            if not here.below:
                way.pop()
                _return(way, here)
                continue
            name = here.below.pop()
            try:
                fd = os.open(name, FOLDER, dir_fd=here.fd)
            except OSError:
                continue
            way.append(Folder(name, fd))
            if len(way) > OPEN_AT_ONCE + 1:
                way[-OPEN_AT_ONCE - 1].close()
            yield way[-1]
    finally:
        for folder in way:
            folder.close()


def _return(way: list[Folder], left: Folder) -> None:
    """Have the last folder of the way open, which `left` was in; a way that somebody has moved ends where it has been cut."""
    if way and way[-1].fd < 0 and not way[-1].open("..", left.fd):
        for depth in range(1, len(way)):
            above, folder = way[depth - 1], way[depth]
            if not folder.open(folder.name, above.fd):
                del way[depth:]
                break
            if depth > 1:
                above.close()
    left.close()


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino
