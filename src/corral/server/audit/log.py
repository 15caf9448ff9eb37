"""The audit log's file: an event a line, 0600, rotated by size.

Lines are buffered and written together; a crash may lose the last second.
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

MAX_BYTES = 100 * 1024 * 1024
KEPT_FILES = 5
BUFFER_BYTES = 64 * 1024
FLUSH_AFTER_S = 1.0


class AuditLog:
    """Writes events to `path`, which is rotated to `path.1`, `path.2`, ... when it has grown to `max_bytes`."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept_files: int = KEPT_FILES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept_files = kept_files
        self._lines: list[bytes] = []
        self._pending_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._open()

    def write(self, event: bytes) -> None:
        """Keep an event; it is in the file within a second."""
        self._lines.append(event)
        self._pending_bytes += len(event) + 1
        if self._pending_bytes >= BUFFER_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        """Write what is buffered. A full disk costs the lines, not the request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines:
            return
        data, self._lines, self._pending_bytes = b"\n".join(self._lines) + b"\n", [], 0
        try:
            self._file.write(data)
            if self._file.tell() >= self._max_bytes:
                self._rotate()
        except OSError as error:
            log.error("cannot write the audit log %s: %s", self._path, error)

    def close(self) -> None:
        """Write what is buffered and close the file."""
        self.flush()
        self._file.close()

    def _open(self) -> BinaryIO:
        file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
        self._path.chmod(0o600)
        return file

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept_files - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
