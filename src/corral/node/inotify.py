"""Changes of files as they happen (inotify(7)), for asyncio."""

import asyncio
import ctypes
import os
from pathlib import Path
from types import TracebackType

MODIFY = 0x2
CLOSE_WRITE = 0x8
MOVED_TO = 0x80
CREATE = 0x100
_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000
_BUFFER_BYTES = 4096

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """`with Watch(paths, mask) as watch: await watch.wait(timeout_s)`. Raises OSError where a path cannot be watched."""

    def __init__(self, path: Path, mask: int) -> None:
        self._fd = _libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self._fd < 0 or _libc.inotify_add_watch(self._fd, os.fsencode(path), mask) < 0:
            number = ctypes.get_errno()
            self.close()
            raise OSError(number, os.strerror(number), str(path))
        self._happened = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    async def wait(self, timeout_s: float) -> bool:
        """Whether something happened since the last call, or happens within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._happened.wait()
        except TimeoutError:
            return False
        self._happened.clear()
        return True

    def close(self) -> None:
        """Watch nothing any more."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> None:
        try:
            while os.read(self._fd, _BUFFER_BYTES):
                self._happened.set()
        except BlockingIOError:
            pass
