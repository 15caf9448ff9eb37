"""The API server's speed in yardsticks: GET of a pod, LIST of 500 pods, durable POST of pods; start, memory.

`python benchmarks/api.py [get|list|post|start]`
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from yardstick import measure, wrk

from corral.client.client import Client
from corral.testing.server import running_server

SECONDS = 5
PODS = 500
BUDGETS = {"get": 0.42, "list": 0.014, "post": 0.08}

POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"b-","labels":{"app":"bench"}},"spec":{"containers":[
{"name":"web","image":"nginx:1.27","ports":[{"containerPort":80}],"env":[{"name":"A","value":"1"}],
"resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"128Mi"}},
"readinessProbe":{"httpGet":{"path":"/","port":80}}}]}}]]
"""


def pod(name: str) -> dict:
    """A pod of about 2.8 kB as the server shows it."""
    env = [{"name": f"VARIABLE_{i}", "value": f"some value of the variable {i}"} for i in range(4)]
    container = {"name": "web", "image": "registry.example.com/team/web:1.27.3", "ports": [{"containerPort": 80}], "env": env}
    container["resources"] = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    container["readinessProbe"] = {"httpGet": {"path": "/healthz", "port": 80}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web", "tier": "front"}},
        "spec": {"containers": [container]},
    }


async def fill(client: Client) -> None:
    for name in ("full", "posts"):
        await client.create("namespaces", {"metadata": {"name": name}})
        await client.create("serviceaccounts", {"metadata": {"name": "default"}}, name)
    for i in range(0, PODS, 50):
        await asyncio.gather(*(client.create("pods", pod(f"web-{j:04}"), "full") for j in range(i, i + 50)))


async def serve(directory: Path) -> None:
    async with running_server(directory) as server:
        await fill(server.client())
        print(server.url, server.token, flush=True)
        await asyncio.Event().wait()


async def start(directory: Path) -> tuple[float, float]:
    """Seconds from here to an answer of /readyz, and of the process until here."""
    began_s = time.perf_counter()
    async with running_server(directory) as server:
        await server.client().raw("GET", "/readyz")
        return time.perf_counter() - began_s, time.process_time()


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def main(only: list[str]) -> None:
    yardstick = measure(SECONDS)
    print(f"yardstick           {yardstick:8.0f} requests/s")
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen([sys.executable, __file__, "--serve", directory], stdout=subprocess.PIPE, text=True)
        try:
            url, token = server.stdout.readline().split()
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            runs = {
                "get": (f"{url}/api/v1/namespaces/full/pods/web-0007", ""),
                "list": (f"{url}/api/v1/namespaces/full/pods", ""),
                "post": (f"{url}/api/v1/namespaces/posts/pods", POST),
            }
            for name, (target, script) in runs.items():
                if only and name not in only:
                    continue
                rate = wrk(target, seconds=SECONDS, headers=headers, script=script)
                ratio = rate / yardstick
                verdict = "" if ratio >= BUDGETS[name] else "  BELOW"
                print(f"{name:5} {rate:8.0f}/s  {ratio:7.4f} yardsticks (budget {BUDGETS[name]}){verdict}")
            print(f"memory {memory_mb(server.pid):.0f} MB with what was written")
        finally:
            server.kill()
            server.wait()
    if not only or "start" in only:
        began_s = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--start"], check=True)
        print(f"start, whole process: {time.perf_counter() - began_s:.2f} s")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        uvloop.run(serve(Path(sys.argv[-1])))
    elif "--start" in sys.argv:
        with tempfile.TemporaryDirectory() as empty:
            took_s, _ = uvloop.run(start(Path(empty)))
            print(f"start of an empty cluster to /readyz: {took_s:.2f} s; memory {memory_mb(os.getpid()):.0f} MB")
    else:
        main([a for a in sys.argv[1:] if not a.startswith("-")])
