"""Processes that outlive the command that starts them: start, remember, recognize, stop; and the word that one is ready.

A process is remembered by pid and start time, so that a recycled pid is never taken for it; one whose starter was killed before
it could remember it is found by its command line. Readiness goes over a pipe: the child inherits its writing end, named by an
environment variable, and writes one line, that it is ready or why it will never be; a child that dies closes it.
"""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from corral.base.annotations import TYPE_CHECKING, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:  # for those that only look at processes
    import socket

READY_FD_VARIABLE = "CORRAL_READY_FD"
READY = b"READY"
WORD_BYTES = 1 << 16
WORD_CHARS = 1000


class Process(NamedTuple):
    """A process: `started_ticks` is field 22 of /proc/PID/stat."""

    pid: int
    started_ticks: int

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        stat = _stat(self.pid)
        return stat is not None and stat == self.started_ticks

    def save(self, path: Path) -> None:
        """Remember it in `path`."""
        path.write_text(json.dumps(self._asdict()))

    @classmethod
    def load(cls, path: Path) -> "Process | None":
        """The process remembered in `path`, if it is still alive."""
        try:
            process = cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return process if process.alive() else None

    @classmethod
    def find(cls, words: Sequence[str]) -> "Process | None":
        """A process whose command line ends in `words`."""
        ending = b"".join(b"\0" + word.encode() for word in words) + b"\0"
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    found = (entry / "cmdline").read_bytes().endswith(ending)
                except OSError:
                    continue
                pid = int(entry.name)
                if found and (ticks := _stat(pid)) is not None:
                    return cls(pid, ticks)
        return None

    def stop(self, grace_s: float) -> bool:
        """SIGTERM, and SIGKILL after `grace_s` seconds; whether it went by itself."""
        if not self._signal(signal.SIGTERM) or self._wait(grace_s):
            return True
        self._signal(signal.SIGKILL)
        self._wait(5.0)
        return False

    def _signal(self, number: signal.Signals) -> bool:
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def _wait(self, timeout_s: float) -> bool:
        try:
            fd = os.pidfd_open(self.pid)
        except OSError:
            return not self.alive()
        try:
            import selectors

            with selectors.DefaultSelector() as selector:
                selector.register(fd, selectors.EVENT_READ)
                deadline_s = time.monotonic() + timeout_s
                while self.alive():
                    left_s = deadline_s - time.monotonic()
                    if left_s <= 0:
                        return False
                    selector.select(left_s)
                    _reap(self.pid)
        finally:
            os.close(fd)
        return True


class Starting:
    """A process that was started and has not yet said that it is ready."""

    def __init__(self, process: Process, ready_fd: int) -> None:
        self.process = process
        #: Why it will never be ready: [message, remedy], where it said so itself.
        self.failure: list[str] = []
        self._ready_fd = ready_fd

    def wait_ready(self, timeout_s: float) -> bool:
        """Whether it said so within the time; False at once when it dies instead."""
        import selectors

        with selectors.DefaultSelector() as selector:
            selector.register(self._ready_fd, selectors.EVENT_READ)
            said = os.read(self._ready_fd, WORD_BYTES) if selector.select(timeout_s) else b""
        os.close(self._ready_fd)
        if said and said != READY:
            self.failure = json.loads(said)
        return said == READY


def start(
    argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None, listener: "socket.socket | None" = None
) -> Starting:
    """Start `argv` in a session of its own, its output appended to `log` (mode 0600); `listener` is for it to listen on."""
    import subprocess

    reading, writing = os.pipe()
    log_fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    inherits, env = [writing], {**os.environ, **(env or {}), READY_FD_VARIABLE: str(writing)}
    if listener is not None:
        from corral.base.listening import FD_VARIABLE

        inherits.append(listener.fileno())
        env[FD_VARIABLE] = str(listener.fileno())
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log_fd,
            stderr=log_fd,
            env=env,
            pass_fds=inherits,
            start_new_session=True,
        )
    finally:
        os.close(writing)
        os.close(log_fd)
    child.returncode = 0  # It outlives us: keep subprocess from warning that nobody waited for it.
    return Starting(Process(child.pid, _stat(child.pid) or 0), reading)


def say_ready() -> None:
    """Tell whoever started this process that it is ready; nothing where nobody asked."""
    _say(READY)


def say_failed(message: str, remedy: str) -> None:
    """Tell whoever started this process why it cannot be ready."""
    _say(json.dumps([message[:WORD_CHARS], remedy[:WORD_CHARS]]).encode())


def _say(word: bytes) -> None:
    fd = os.environ.pop(READY_FD_VARIABLE, "")
    if fd:
        with contextlib.suppress(OSError):  # The starter may have gone.
            os.write(int(fd), word)
            os.close(int(fd))


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _stat(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
