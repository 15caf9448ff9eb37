"""A node that looks at what it has left."""

from types import SimpleNamespace

import pytest

from corral.node.config import NodeConfig
from corral.node.pressure import watch
from corral.node.pressure.signals import Reading
from corral.node.pressure.thresholds import DISK, MEMORY
from corral.node.pressure.usage import Usage
from corral.node.pressure.watch import PressureWatch
from corral.testing.clock import VirtualClock
from corral.testing.podstate import new_pod


class Node:
    """A node whose readings and usages a test sets."""

    def __init__(self, folder, monkeypatch):
        self.memory, self.disk = Reading(50, 100), Reading(50, 100)
        self.clock, self.workers, self.halted, self.changes, self.freed = VirtualClock(), [], [], 0, 0
        self.usages = {}
        monkeypatch.setattr(watch, "read", lambda *folders: {"memory.available": self.memory, "nodefs.available": self.disk})
        monkeypatch.setattr(watch, "measure", lambda config, pod, stats: self.usages[pod["metadata"]["uid"]])
        monkeypatch.setattr(
            watch,
            "crossed",
            lambda thresholds, readings: [t for t in thresholds if t.signal in readings and readings[t.signal].available < 10],
        )
        config = NodeConfig("x", "n1", "127.0.0.1", folder, "/none")

        async def none():
            return []

        async def where():
            return folder

        async def free():
            self.freed += 1
            self.disk = self.after_freeing or self.disk

        self.after_freeing = None
        self.watch = PressureWatch(config, self.clock, none, where, lambda: self.workers, free, self.changed)

    def changed(self):
        self.changes += 1

    def add(self, name, memory=0, **spec):
        pod = new_pod(**spec)
        pod = {**pod, "metadata": {**pod["metadata"], "name": name, "uid": name}}
        self.usages[name] = Usage(memory={"c": memory})
        self.workers.append(SimpleNamespace(uid=name, pod=pod, halt=lambda halt: self.halted.append((name, halt))))


@pytest.fixture
def node(tmp_path, monkeypatch):
    return Node(tmp_path, monkeypatch)


async def test_with_enough_of_all_nothing_happens(node):
    node.add("p", 1000)
    assert await node.watch.look() is None
    assert (node.watch.conditions, node.halted, node.freed, node.changes) == (frozenset(), [], 0, 0)


async def test_short_of_memory_one_pod_goes_at_a_time(node):
    node.memory = Reading(5, 100)
    node.add("small", 1)
    node.add("large", 1000)
    assert (await node.watch.look()).uid == "large"
    ((name, halt),) = node.halted
    assert name == "large" and halt.reason == "Evicted" and "low on resource: memory" in halt.message
    assert (node.watch.conditions, node.changes, node.freed) == ({MEMORY}, 1, 0)


async def test_short_of_disk_images_go_first(node):
    node.disk, node.after_freeing = Reading(5, 100), Reading(40, 100)
    node.add("p")
    assert await node.watch.look() is None
    assert (node.freed, node.halted, node.watch.conditions) == (1, [], {DISK})


async def test_then_pods(node):
    node.disk = Reading(5, 100)
    node.add("p")
    assert (await node.watch.look()).uid == "p"
    assert "low on resource: ephemeral-storage" in node.halted[0][1].message


async def test_a_condition_stays_for_a_while(node):
    node.memory = Reading(5, 100)
    await node.watch.look()
    node.memory = Reading(50, 100)
    await node.clock.advance(299)
    await node.watch.look()
    assert node.watch.conditions == {MEMORY}
    await node.clock.advance(1)
    await node.watch.look()
    assert (node.watch.conditions, node.changes) == (frozenset(), 2)


async def test_who_is_over_its_own_limit_goes_without_any_pressure(node):
    node.add("p", volumes=[{"name": "e", "emptyDir": {"sizeLimit": "1"}}])
    node.usages["p"] = Usage(volumes={"e": 2})
    assert await node.watch.look() is None
    assert [(name, halt.message) for name, halt in node.halted] == [
        ("p", 'Usage of EmptyDir volume "e" exceeds the limit "1". ')
    ]
