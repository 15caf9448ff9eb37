"""How fast a real cluster is: `corral up` to API, node and first pod; pods from create to Running; idle memory and CPU.

Needs root, and makes a cluster of its own. Prints a line a figure beside its budget. Pods are measured in floors too, because
machines differ: a floor is the same sandbox and container asked of the same containerd in turn with the pods, no more.
Usage: python benchmarks/cluster.py
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

from corral.api.facts import catalog
from corral.api.objects import Object
from corral.client.client import Client
from corral.client.https import connect
from corral.node.cgroups import Cgroups
from corral.node.cri.channel import Channel
from corral.node.cri.runtime import Runtime

CORRAL = [sys.executable, "-m", "corral"]
IMAGE = "corral.local/busybox:1"
ROUNDS = 5
SETTLE_S, IDLE_S, REST_S = 10.0, 15.0, 3.0
#: What the design allows for a pod, beside the floor that it was measured with: seconds, alone and ten at once.
POD_S, FLOOR_S = {1: 0.15, 10: 0.8}, {1: 0.12, 10: 0.63}
FLOOR_CGROUP = "/corral-bench-floor"
TICKS_S = os.sysconf("SC_CLK_TCK")


def pod(name: str) -> Object:
    """A pod that sleeps."""
    container = {"name": "c", "image": IMAGE, "command": ["sleep", "3600"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


async def running_after(client: Client, names: list[str]) -> list[float]:
    """Create the pods at once; the seconds from each create to Running, as a watcher sees it."""
    listing = await client.list("pods", "default")
    began_s: dict[str, float] = {}
    took_s: dict[str, float] = {}

    async def watch() -> None:
        async for event in client.watch("pods", "default", revision=listing.revision):
            name = event.item.key.name
            if name in names and name not in took_s and event.item.object["status"].get("phase") == "Running":
                took_s[name] = time.monotonic() - began_s[name]
                if len(took_s) == len(names):
                    return

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.1)

    async def create(name: str) -> None:
        began_s[name] = time.monotonic()
        await client.create("pods", pod(name), "default")

    await asyncio.gather(*(create(name) for name in names))
    await asyncio.wait_for(watching, 60)
    for name in names:
        await client.delete("pods", name, "default", grace_period_s=0)
    while (await client.list("pods", "default")).items:
        await asyncio.sleep(0.2)
    await asyncio.sleep(REST_S)  # The API has forgotten them sooner than the disk.
    return [took_s[name] for name in names]


async def floor(runtime: Runtime, names: list[str]) -> list[float]:
    """The seconds that bare CRI calls take to bring up a sandbox and a container of each name, all at once."""
    made = []

    async def bring_up(name: str) -> float:
        began_s = time.monotonic()
        meta = {"name": name, "uid": name, "namespace": "floor", "attempt": 0}
        config = {"metadata": meta, "hostname": name, "log_directory": "", "linux": {"cgroup_parent": FLOOR_CGROUP}}
        sandbox = await runtime.run_sandbox(config)
        made.append(sandbox)
        asked = {"metadata": {"name": "c", "attempt": 0}, "image": {"image": IMAGE}, "command": ["sleep", "3600"], "linux": {}}
        await runtime.start_container(await runtime.create_container(sandbox, asked, config))
        return time.monotonic() - began_s

    took_s = await asyncio.gather(*map(bring_up, names))
    for sandbox in made:
        await runtime.stop_sandbox(sandbox)
        await runtime.remove_sandbox(sandbox)
    await asyncio.sleep(REST_S)
    return list(took_s)


async def pods(client: Client, runtime: Runtime, count: int, words: str) -> None:
    """Pods from create to Running, `count` at once, in turn with their floor."""
    took_s, floor_s = [], []
    for i in range(ROUNDS):
        floor_s.append(mean(await floor(runtime, [f"floor-{count}-{i}-{j}" for j in range(count)])))
        took_s.append(mean(await running_after(client, [f"pod-{count}-{i}-{j}" for j in range(count)])))
    tell(f"pod create to Running, {words}", median(took_s), "s", POD_S[count])
    ratio = median(took / least for took, least in zip(took_s, floor_s, strict=True))
    tell(f"the same in floors (of {median(floor_s):.2f} s here)", ratio, "floors", POD_S[count] / FLOOR_S[count])


def tell(what: str, value: float, unit: str, budget: float) -> None:
    """Print one figure."""
    print(f"{what:<52} {value:8.2f} {unit:<6} budget {budget:6.2f}   {value / budget:5.2f} of it", flush=True)


def usage(data_dir: Path, component: str) -> tuple[int, float, float]:
    """(pid, resident MiB, CPU seconds so far) of a component."""
    pid = json.loads((data_dir / f"run/{component}.pid").read_text())["pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return pid, resident, (int(fields[11]) + int(fields[12])) / TICKS_S


def up(data_dir: Path) -> dict[str, float]:
    """`corral up`; the seconds from typing it to each of its lines."""
    began_s = time.monotonic()
    command = [*CORRAL, "up", "--data-dir", str(data_dir), "--name", "bench", "--no-merge"]
    seen = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            for word in ("API server ready", "Ready ("):
                if word in line:
                    seen.setdefault(word, time.monotonic() - began_s)
    assert process.returncode == 0
    return seen | {"typed": began_s}


async def measure(data_dir: Path) -> None:
    """All figures."""
    seen = up(data_dir)
    images = [sys.executable, "examples/images.py", "--data-dir", str(data_dir), IMAGE]
    subprocess.run(images, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*CORRAL, "down", "--data-dir", str(data_dir)], check=True, stdout=subprocess.DEVNULL)
    seen = up(data_dir)
    client = connect(data_dir / "kubeconfig", "benchmark", catalog())
    try:
        since_typed_s = time.monotonic() - seen["typed"]
        first_s = since_typed_s + (await running_after(client, ["first"]))[0]
        await idle(data_dir, "fresh")
        tell("corral up: API ready", seen["API server ready"], "s", 1.0)
        tell("corral up: node Ready", seen["Ready ("], "s", 2.0)
        tell("corral up: first pod Running", first_s, "s", 3.0)
        channel = Channel(str(data_dir / "run/containerd/containerd.sock"))
        runtime = Runtime(channel)
        await pods(client, runtime, 1, "alone (median)")
        await pods(client, runtime, 10, "ten at once (mean, median)")
        await channel.close()
    finally:
        await client.close()
    await idle(data_dir, "after those pods")


async def idle(data_dir: Path, when: str) -> None:
    """Memory and CPU of the processes while nothing is asked of them."""
    await asyncio.sleep(SETTLE_S)
    before = {c: usage(data_dir, c) for c in ("server", "node")}
    await asyncio.sleep(IDLE_S)
    after = {c: usage(data_dir, c) for c in ("server", "node")}
    tell(f"idle memory of the server, {when}", after["server"][1], "MiB", 90)
    tell(f"idle memory of the agent, {when}", after["node"][1], "MiB", 70)
    cpu = sum(after[c][2] - before[c][2] for c in after) / IDLE_S * 100
    tell(f"idle CPU of both, {when}", cpu, "%", 1.0)


def main() -> None:
    """Make a cluster, measure, remove it."""
    with tempfile.TemporaryDirectory(prefix="corral-bench-") as folder:
        data_dir = Path(folder, "d")
        try:
            asyncio.run(measure(data_dir))
        finally:
            subprocess.run([*CORRAL, "down", "--data-dir", str(data_dir), "--purge"], check=False, stdout=subprocess.DEVNULL)
            Cgroups().clear(FLOOR_CGROUP)


if __name__ == "__main__":
    main()
