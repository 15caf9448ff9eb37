"""Watchers: memory of idle ones, and how soon each of a crowd hears of every write to one busy resource.

`python benchmarks/watchers.py [watchers] [writes per second] [seconds]` (1000, 200, 10). The server and the crowd are a process
each; every watcher has a TLS connection of its own, and every event of each is counted, ordered and timed. Writes come at their
times, whether earlier ones are answered or not, and carry the time they were sent; a latency counts from there until a watcher
has read it.

The crowd must not be what is measured: it is one loop over plain sockets, and as most watchers are sent the same pieces, each
piece is read for its revisions once and after that found by its bytes. What every watcher was told is put together afterwards.
"""

import asyncio
import os
import re
import resource
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from array import array
from contextlib import suppress
from pathlib import Path

import uvloop

from corral.testing.server import running_server

PATH = "/api/v1/namespaces/default/configmaps"
OBJECTS = 50
P99_BUDGET_S = 0.1
#: Connections that write: more than writes that wait for their answers.
WRITERS = 64
#: The largest TLS record, and with it all that one read gives.
RECORD_BYTES = 16 * 1024
#: So many connections are read from before the next write is looked after.
AT_A_TIME = 32
#: Without anything to read for so long after the last write, nothing more comes.
PATIENCE_S = 2.0
_REVISION = re.compile(rb'"resourceVersion":"(\d+)"')
_SENT = re.compile(rb'"sent":"([0-9.]+)"')


def memory_kb(pid: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def serve(directory: Path) -> None:
    async with running_server(directory) as server:
        for i in range(OBJECTS):
            await server.client().create("configmaps", {"metadata": {"name": f"busy-{i}"}, "data": {"sent": "0"}}, "default")
        print(server.url, server.token, server.api.core.cache.revision, flush=True)
        await asyncio.Event().wait()


class Piece:
    """Some whole events, as they were sent."""

    def __init__(self, data: bytes) -> None:
        self.revisions = [int(found) for found in _REVISION.findall(data)]
        self.sent_s = [float(found) for found in _SENT.findall(data)]
        assert len(self.revisions) == len(self.sent_s), data


class Pieces(dict[bytes, Piece]):
    """Every different one."""

    def __missing__(self, data: bytes) -> Piece:
        piece = self[data] = Piece(data)
        return piece


class Watcher:
    """One connection: what was read from it, and when."""

    def __init__(self, connection: ssl.SSLSocket, pieces: Pieces) -> None:
        self._receive = connection.recv
        self._known = pieces
        self._begun = b""
        self.told: list[Piece] = []
        self.times_s = array("d")

    def readable(self) -> None:
        data = self._begun + self._receive(RECORD_BYTES) if self._begun else self._receive(RECORD_BYTES)
        if data.endswith(b"}\n\r\n"):
            self._begun = b""
            self.told.append(self._known[data])
            self.times_s.append(time.monotonic())
        else:
            self._begun = data

    def revisions(self) -> list[int]:
        return [revision for piece in self.told for revision in piece.revisions]

    def latencies_s(self) -> list[float]:
        return [time_s - sent for piece, time_s in zip(self.told, self.times_s, strict=True) for sent in piece.sent_s]


class Writer:
    """One connection that patches an object and waits for the answer."""

    def __init__(self, connection: ssl.SSLSocket, token: str, idle: list["Writer"], revisions: list[int]) -> None:
        self._connection = connection
        self._head = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/merge-patch+json\r\n"
        self._idle = idle
        self._revisions = revisions
        idle.append(self)

    def write(self, name: str) -> None:
        body = f'{{"data":{{"sent":"{time.monotonic():.6f}"}}}}'
        request = f"PATCH {PATH}/{name} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n{body}"
        self._connection.send(request.encode())

    def readable(self) -> None:
        answer = self._connection.recv(RECORD_BYTES)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        self._revisions.append(int(_REVISION.search(answer)[1]))  # type: ignore[index]
        self._idle.append(self)


class Crowd:
    """All connections to the server, and one loop that reads what comes."""

    def __init__(self, url: str, token: str, revision: str) -> None:
        self._url = url
        self._token = token
        self._revision = revision
        self._tls = ssl._create_unverified_context()
        self._poll = select.epoll()
        self._by_fd: dict[int, Watcher | Writer] = {}
        self._sockets: list[ssl.SSLSocket] = []
        self._pieces = Pieces()
        self._idle: list[Writer] = []
        self.watchers: list[Watcher] = []
        #: Of every write, in the order of the answers.
        self.revisions: list[int] = []

    def _connect(self) -> ssl.SSLSocket:
        host, port = self._url.removeprefix("https://").split(":")
        connection = self._tls.wrap_socket(socket.create_connection((host, int(port))))
        self._sockets.append(connection)
        return connection

    def watch(self) -> None:
        """One more watcher, whose watch has begun."""
        connection = self._connect()
        path = f"{PATH}?watch=1&resourceVersion={self._revision}"
        connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode())
        head = connection.recv(RECORD_BYTES)
        assert head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n"), head
        watcher = Watcher(connection, self._pieces)
        self.watchers.append(watcher)
        self._follow(connection, watcher)

    def write_from(self, connections: int) -> None:
        """Connections for so many writes at once."""
        for _ in range(connections):
            connection = self._connect()
            self._follow(connection, Writer(connection, self._token, self._idle, self.revisions))

    def _follow(self, connection: ssl.SSLSocket, reader: Watcher | Writer) -> None:
        connection.setblocking(False)
        self._by_fd[connection.fileno()] = reader
        self._poll.register(connection.fileno(), select.EPOLLIN)

    def run(self, writes: int, per_second: int) -> None:
        """Write at the times, and read until nothing comes."""
        began_s = time.monotonic()
        done = 0
        while True:
            if done < writes:
                wait_s = began_s + done / per_second - time.monotonic()
                if wait_s <= 0 and self._idle:
                    self._idle.pop(0).write(f"busy-{done % OBJECTS}")
                    done += 1
                    continue
                wait_s = max(wait_s, 0.001)
            else:
                wait_s = PATIENCE_S
            found = self._poll.poll(wait_s, AT_A_TIME)
            for fd, _ in found:
                with suppress(ssl.SSLWantReadError):  # It was the rest of a handshake.
                    self._by_fd[fd].readable()
            if not found and done == writes:
                return


def measure(url: str, token: str, revision: str, watchers: int, per_second: int, seconds: int, pid: int) -> None:
    before_kb = memory_kb(pid)
    crowd = Crowd(url, token, revision)
    for _ in range(watchers):
        crowd.watch()
    grown_kb = memory_kb(pid) - before_kb
    began_cpu_s = cpu_s(pid)
    time.sleep(2)
    idle = (cpu_s(pid) - began_cpu_s) / 2
    print(f"{watchers} idle watchers    {grown_kb / watchers:6.1f} kB each, {100 * idle:.1f} % of a core")
    crowd.write_from(WRITERS)
    began_cpu_s, began_own_s = cpu_s(pid), time.process_time()
    crowd.run(per_second * seconds, per_second)
    used_s, own_s = cpu_s(pid) - began_cpu_s, time.process_time() - began_own_s
    expected = sorted(crowd.revisions)
    wrong = sum(watcher.revisions() != expected for watcher in crowd.watchers)
    found = sorted(latency for watcher in crowd.watchers for latency in watcher.latencies_s())
    pieces = sum(len(watcher.told) for watcher in crowd.watchers)
    print(f"{len(expected)} writes, {len(found)} events told in {pieces} pieces")
    print(
        f"server             {100 * used_s / seconds:.0f} % of a core, {used_s / pieces * 1e6:.1f} µs a piece, writes included"
    )
    print(f"crowd              {100 * own_s / seconds:.0f} % of a core, {own_s / pieces * 1e6:.1f} µs a piece")
    print(f"{wrong} watchers were not told every revision once and in order")
    p99 = found[int(len(found) * 0.99)]
    print(f"latency            p50 {found[len(found) // 2] * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, max {found[-1] * 1e3:.1f} ms")
    print(f"{'within' if p99 <= P99_BUDGET_S and not wrong else 'NOT within'} {P99_BUDGET_S * 1e3:.0f} ms at p99")


def main(watchers: int = 1000, per_second: int = 200, seconds: int = 10) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, __file__, "serve", directory]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url, token, revision = server.stdout.readline().split()  # type: ignore[union-attr]
            measure(url, token, revision, watchers, per_second, seconds, server.pid)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
