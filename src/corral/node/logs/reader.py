"""Reads a container's log as `kubectl logs` asks for it: the end of it, since a time, with times, and on and on.

Options are those of https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#podlogoptions-v1-core.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import Struct

from corral.base.clock import parse_rfc3339
from corral.node.inotify import CLOSE_WRITE, CREATE, MODIFY, MOVED_TO, Watch
from corral.node.logs.format import Line, fixed, parse_line
from corral.node.logs.rotation import COMPRESSED, rotated

BLOCK_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
#: How long a follower waits for a change before it asks whether the container still runs; shorter once that is in doubt.
LOOK_S, LOOK_SOON_S = 2.0, 0.05
_SECONDS_DIGITS = 19


class LogOptions(Struct, frozen=True):
    """What to show. `since_s` is seconds since the epoch; -1 means no bound."""

    follow: bool = False
    timestamps: bool = False
    since_s: float = 0.0
    tail_lines: int = -1
    limit_bytes: int = -1
    stream: str = "All"

    @classmethod
    def of_query(cls, query: Mapping[str, str], now_s: float) -> "LogOptions":
        """The options of a request. Raises ValueError for a number or time that is none."""
        since_s = 0.0
        if query.get("sinceSeconds"):
            since_s = now_s - int(query["sinceSeconds"])
        elif query.get("sinceTime"):
            since_s = parse_rfc3339(query["sinceTime"])
        return cls(
            follow=_true(query.get("follow")),
            timestamps=_true(query.get("timestamps")),
            since_s=since_s,
            tail_lines=int(query.get("tailLines") or -1) if query.get("tailLines") != "0" else 0,
            limit_bytes=int(query.get("limitBytes") or -1),
            stream=query.get("stream") or "All",
        )


async def read(path: Path, options: LogOptions, running: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The log in pieces; with `follow`, until `running()` is false and all was read. Raises OSError."""
    show = _Show(options)
    file: BinaryIO = path.open("rb")
    try:
        file.seek(_tail_start(file, options.tail_lines))
        for piece in _pieces(file, show):
            yield piece
        if not options.follow or show.full:
            return
        with Watch(path.parent, MODIFY | CLOSE_WRITE | CREATE | MOVED_TO) as watch:
            look_s = LOOK_S
            while not show.full:
                alive = running()
                for piece in _pieces(file, show):
                    yield piece
                if (fresh := _successor(path, file)) is not None:
                    for piece in _pieces(file, show):
                        yield piece
                    file.close()
                    file = fresh
                    continue
                if not alive and not _is_replaced(path, file):
                    return
                look_s = LOOK_SOON_S if await watch.wait(look_s) else LOOK_S
    finally:
        file.close()


class _Show:
    """Turns lines of the file into what is shown."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._wanted = options.stream.lower().encode()
        self._left_bytes = options.limit_bytes
        self._line_begins = True
        self.full = options.limit_bytes == 0

    def line(self, raw: bytes) -> bytes:
        line = parse_line(raw)
        if line is None or self._wanted not in (b"all", line.stream):
            return b""
        if self._options.since_s and _time_of(line) < self._options.since_s:
            return b""
        shown = line.content
        if self._options.timestamps and self._line_begins:
            shown = fixed(line.timestamp) + b" " + shown
        self._line_begins = shown.endswith(b"\n")
        if self._options.limit_bytes >= 0:
            shown = shown[: self._left_bytes]
            self._left_bytes -= len(shown)
            self.full = self._left_bytes <= 0
        return shown


def _pieces(file: BinaryIO, show: _Show) -> Iterator[bytes]:
    """What has been written since the last call, whole lines only, in pieces of a size good for sending."""
    pending: list[bytes] = []
    size = 0
    while not show.full:
        position = file.tell()
        raw = file.readline()
        if not raw.endswith(b"\n"):
            file.seek(position)
            break
        shown = show.line(raw)
        if shown:
            pending.append(shown)
            size += len(shown)
        if size >= CHUNK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


def _tail_start(file: BinaryIO, lines: int) -> int:
    """The position from which `lines` lines are left; 0 for a negative number."""
    if lines < 0:
        return 0
    end = file.seek(0, 2)
    position, wanted = end, lines + 1  # The last newline ends the last whole line.
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        count = block.count(b"\n")
        if count < wanted:
            wanted -= count
            continue
        at = len(block)
        for _ in range(wanted):
            at = block.rfind(b"\n", 0, at)
        return position + at + 1
    return 0


def _successor(path: Path, file: BinaryIO) -> BinaryIO | None:
    """The log after the one that is open; None where that is the newest, or not complete yet."""
    if not _is_replaced(path, file) or _has_writer(file):
        return None
    name = _stem(Path(f"/proc/self/fd/{file.fileno()}").readlink().name.removesuffix(" (deleted)"))
    # A slow reader may be more than one rotation behind.
    later = [old for old in rotated(path) if _stem(old.name) > name] if name != path.name else []
    try:
        return _open([*later, path][0])
    except OSError:
        return None  # Just renamed, compressed or removed; the next look finds it.


def _stem(name: str) -> str:
    """The file's name as it was before it was compressed."""
    return name.removesuffix(COMPRESSED)


def _open(path: Path) -> BinaryIO:
    if path.suffix != COMPRESSED:
        return path.open("rb")
    import gzip  # Seldom needed, and not small.

    return cast(BinaryIO, gzip.open(path, "rb"))


def _is_replaced(path: Path, file: BinaryIO) -> bool:
    """Whether `path` is now another file than the one that is open."""
    try:
        return path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except OSError:
        return False


def _has_writer(file: BinaryIO) -> bool:
    """Whether any process may still write to the file: the kernel leases it to a reader only where none may (fcntl(2)).

    The runtime opens the new log before it lets go of the old one, to which it may write its last lines even then.
    """
    try:
        fcntl.fcntl(file.fileno(), fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file.fileno(), fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        pass  # A filesystem without leases: trust that it was quick.
    return False


def _time_of(line: Line) -> float:
    try:
        text = line.timestamp.decode()
        whole = parse_rfc3339(text[:_SECONDS_DIGITS] + "Z")
        fraction = text[_SECONDS_DIGITS:].rstrip("Z").partition("+")[0]
        return whole + (float(fraction) if fraction.startswith(".") else 0.0)
    except ValueError:
        return 0.0


def _true(value: str | None) -> bool:
    return (value or "").lower() in ("1", "t", "true")
