"""Watchers: memory of idle ones, and how soon each of a crowd hears of every write to one busy resource.

`python benchmarks/watchers.py [watchers] [writes per second] [seconds]` (1000, 200, 10). The server and the crowd are a process
each; every watcher has a TLS connection of its own. Writes come at their times, whether earlier ones are answered or not, and
carry the time they were sent; a latency counts from there to the watcher's buffer. All watchers count their events, every tenth
one measures them: the crowd has one core.
"""

import asyncio
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import uvloop

from corral.testing.server import running_server

PATH = "/api/v1/namespaces/default/configmaps"
OBJECTS = 50
P99_BUDGET_S = 0.1
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


class Watcher(asyncio.Protocol):
    """One connection: asks for a watch and notes when each event came."""

    def __init__(self, request: bytes, *, measures: bool) -> None:
        self.request = request
        self.measures = measures
        self.count = 0
        self.latencies: list[float] = []
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.count += data.count(b"\n{")
        if not self.measures:
            return
        now_s = time.time()
        data = self.tail + data
        whole = data.rfind(b"\n") + 1
        self.tail = data[whole:]
        self.latencies += [now_s - float(sent) for sent in _SENT.findall(data, 0, whole)]


async def measure(url: str, token: str, revision: str, watchers: int, per_second: int, seconds: int, pid: int) -> None:
    host, port = url.removeprefix("https://").split(":")
    context = ssl._create_unverified_context()
    path = f"{PATH}?watch=1&resourceVersion={revision}"
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    before_kb = memory_kb(pid)
    crowd: list[Watcher] = []
    for start in range(0, watchers, 50):
        some = [Watcher(request, measures=i % 10 == 0) for i in range(start, min(start + 50, watchers))]
        await asyncio.gather(*(loop.create_connection(lambda w=one: w, host, int(port), ssl=context) for one in some))
        crowd += some
    await asyncio.sleep(2)
    grown_kb = memory_kb(pid) - before_kb
    began_cpu_s = cpu_s(pid)
    await asyncio.sleep(2)
    idle = (cpu_s(pid) - began_cpu_s) / 2
    print(f"{watchers} idle watchers    {grown_kb / watchers:6.1f} kB each, {100 * idle:.1f} % of a core")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
    async with aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(ssl=context)) as http:

        async def write(i: int) -> None:
            body = f'{{"data":{{"sent":"{time.time():.6f}"}}}}'
            async with http.patch(f"{PATH}/busy-{i % OBJECTS}", data=body) as response:
                assert response.status == 200, await response.text()
                await response.read()

        began_s, began_cpu_s = loop.time(), cpu_s(pid)
        tasks = []
        for i in range(per_second * seconds):
            await asyncio.sleep(max(0.0, began_s + i / per_second - loop.time()))
            tasks.append(asyncio.create_task(write(i)))
        await asyncio.gather(*tasks)
        took_s, used = loop.time() - began_s, cpu_s(pid) - began_cpu_s
    await asyncio.sleep(1)
    expected = per_second * seconds
    short = [watcher.count for watcher in crowd if watcher.count != expected]
    found = sorted(latency for watcher in crowd for latency in watcher.latencies)
    print(f"{expected} writes in {took_s:.1f} s; server {100 * used / took_s:.0f} % of a core")
    print(f"{len(short)} watchers missed some")
    p99 = found[int(len(found) * 0.99)]
    print(f"latency            p50 {found[len(found) // 2] * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, max {found[-1] * 1e3:.1f} ms")
    print(f"{'within' if p99 <= P99_BUDGET_S and not short else 'NOT within'} {P99_BUDGET_S * 1e3:.0f} ms at p99")


def main(watchers: int = 1000, per_second: int = 200, seconds: int = 10) -> None:
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, __file__, "serve", directory]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url, token, revision = server.stdout.readline().split()  # type: ignore[union-attr]
            uvloop.run(measure(url, token, revision, watchers, per_second, seconds, server.pid))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
