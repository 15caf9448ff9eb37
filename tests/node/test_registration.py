"""The node in the API: what it says of itself, and when."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

from corral.base.clock import SystemClock
from corral.client.events import Recorder
from corral.node.config import NodeConfig
from corral.node.cri.types import Features, RuntimeInfo
from corral.node.pressure.thresholds import DISK, MEMORY
from corral.node.registration import Registration
from corral.testing.server import running_server

PATIENCE_S = 20.0


class Runtime:
    """A runtime that is ready, with features that a test sets."""

    def __init__(self):
        self.features = Features()

    async def info(self):
        return RuntimeInfo("containerd", "v2.1.0", True, True, "", self.features)

    async def images(self):
        return []


@asynccontextmanager
async def registered(folder, runtime, pressures):
    """A registration at work, and a client that sees it."""
    async with running_server(folder / "server") as server:
        client = server.client("kubelet")
        config = NodeConfig("x", "n1", "127.0.0.1", folder, "/none")
        clock = SystemClock()
        recorder = Recorder(client, "kubelet", clock, "n1")
        registration = Registration(config, client, clock, recorder, runtime.info, runtime, lambda: pressures)
        running = asyncio.create_task(registration.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await registration.registered.wait()
            yield registration, client
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def until(client, holds):
    async with asyncio.timeout(PATIENCE_S):
        while not holds(node := await client.get("nodes", "n1")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return node


def conditions(node):
    return {c["type"]: (c["status"], c["reason"]) for c in node["status"]["conditions"]}


async def test_pressure_is_told_at_once_and_taken_back(tmp_path):
    pressures = set()
    async with registered(tmp_path, Runtime(), pressures) as (registration, client):
        node = await client.get("nodes", "n1")
        assert conditions(node)[MEMORY] == ("False", "KubeletHasSufficientMemory")
        assert conditions(node)[DISK] == ("False", "KubeletHasNoDiskPressure")
        pressures |= {MEMORY, DISK}
        registration.look_now()
        node = await until(client, lambda n: conditions(n)[MEMORY][0] == "True")
        assert conditions(node)[MEMORY][1] == "KubeletHasInsufficientMemory"
        assert conditions(node)[DISK] == ("True", "KubeletHasDiskPressure")
        pressures.clear()
        registration.look_now()
        await until(client, lambda n: conditions(n)[DISK][0] == "False")


async def test_what_the_runtime_can_do(tmp_path):
    runtime = Runtime()
    async with registered(tmp_path, runtime, ()) as (registration, client):
        status = (await client.get("nodes", "n1"))["status"]
        assert "runtimeHandlers" not in status and not status.get("features")
        runtime.features = Features(True, frozenset({"", "runc"}), frozenset({"runc"}), ("", "runc"))
        registration.look_now()
        status = (await until(client, lambda n: n["status"].get("runtimeHandlers")))["status"]
        assert status["features"] == {"supplementalGroupsPolicy": True}
        features = {h.get("name", ""): h["features"] for h in status["runtimeHandlers"]}
        assert features["runc"] == {"recursiveReadOnlyMounts": True, "userNamespaces": True}
        assert features[""] == {"recursiveReadOnlyMounts": True, "userNamespaces": False}
