"""Resident memory of a server with controllers and scheduler: idle, and with many pods stored, bound to nodes and running.

`python benchmarks/memory.py [pods]` (25,000). Budget: 500 MB.
"""

import asyncio
import gc
import sys
import tempfile
from pathlib import Path

import uvloop

from api import pod
from corral.testing.control import running_control
from corral.testing.server import running_server

BUDGET_MB = 500
AT_ONCE = 200
PODS_PER_NODE = 100


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


async def measure(directory: Path, pods: int) -> None:
    async with running_server(directory) as server, running_control(server) as control:
        client = server.client()
        gc.collect()
        idle_mb = resident_mb()
        print(f"idle                {idle_mb:6.0f} MB")
        nodes = [f"node-{i:04}" for i in range(pods // PODS_PER_NODE + 1)]
        for name in nodes:
            await control.nodes.add(name)
        await client.create("namespaces", {"metadata": {"name": "full"}})
        await client.create("serviceaccounts", {"metadata": {"name": "default"}}, "full")
        for start in range(0, pods, AT_ONCE):
            some = [pod(f"web-{i:06}") for i in range(start, min(start + AT_ONCE, pods))]
            for i, one in enumerate(some, start):
                one["spec"]["nodeName"] = nodes[i // PODS_PER_NODE]
            await asyncio.gather(*(client.create("pods", one, "full") for one in some))
        cached = server.api.core.cache.collection("pods").items
        # Bytes are looked at: to parse them all again and again would be most of the work.
        while sum(b'"phase":"Running"' in item.raw for item in cached.values()) < pods:
            await asyncio.sleep(1)
        gc.collect()
        full_mb = resident_mb()
        size_mb = sum(len(item.raw) for item in cached.values()) / 2**20
        print(f"{pods} pods running   {full_mb:6.0f} MB; the objects' bytes are {size_mb:.0f} MB")
        each_kb = (full_mb - idle_mb) * 1024 / pods
        print(f"each pod            {each_kb:6.1f} kB resident, {size_mb * 1024 / pods:.1f} kB of JSON")
        print("within the budget" if full_mb <= BUDGET_MB else f"ABOVE the budget of {BUDGET_MB} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        uvloop.run(measure(Path(directory), int(sys.argv[1]) if len(sys.argv) > 1 else 25_000))
