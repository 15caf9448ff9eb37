"""The yardstick: requests a second of a bare aiohttp server (uvloop, TLS, a fixed 3,000-byte JSON answer) under `wrk -t1 -c32`.

`python benchmarks/yardstick.py` prints it; other benchmarks call `measure`: their ratios are of the same machine and hour.
"""

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import web

from corral.base.tls import server_tls
from corral.server import pki

BODY = b'{"kind":"Pod","filler":"' + b"x" * (3000 - 26) + b'"}'
CONNECTIONS = 32


def wrk(url: str, *, seconds: float, headers: dict[str, str] | None = None, script: str = "") -> float:
    """Requests a second that were answered with 2xx."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{int(seconds)}s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script:
            file.write(script)
            file.flush()
            command += ["-s", file.name]
        output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    total = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if failed:
        raise RuntimeError(f"{url}: {failed[1]} requests failed\n{output}")
    return total


def measure(seconds: float = 5) -> float:
    """The yardstick, in requests a second."""
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen([sys.executable, __file__, directory], stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().strip()
            wrk(url, seconds=1)
            return wrk(url, seconds=seconds)
        finally:
            server.kill()
            server.wait()


async def serve(directory: Path) -> None:
    keys = pki.ensure(directory, server_hosts=[], now=datetime.now(UTC))

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=BODY, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    tls = server_tls(keys.server_certificate, keys.server_key, keys.ca_certificate)
    await web.SockSite(runner, listener, ssl_context=tls).start()
    print(f"https://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        uvloop.run(serve(Path(sys.argv[1])))
    else:
        print(f"{measure():.0f} requests/s")
