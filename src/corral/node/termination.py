"""A container's last words: its termination message file, or the end of its log.

https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

from pathlib import Path

from corral.node.logs.format import parse_line

MESSAGE_LIMIT_BYTES = 4096
LOG_LIMIT_BYTES = 2048
LOG_LIMIT_LINES = 80


def termination_message(file: Path, log: Path, *, from_log: bool) -> str:
    """The end of `file`; where that is empty and `from_log`, the end of `log` (CRI format); '' where there is neither."""
    text = _end_of(file, MESSAGE_LIMIT_BYTES).decode("utf-8", "replace")
    if text or not from_log:
        return text
    lines = _end_of(log, LOG_LIMIT_BYTES * 4).splitlines()[-LOG_LIMIT_LINES:]
    said = b"".join(line.content for raw in lines if (line := parse_line(raw)) is not None)
    return said[-LOG_LIMIT_BYTES:].decode("utf-8", "replace")


def _end_of(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit_bytes))
            return file.read()
    except OSError:
        return b""
