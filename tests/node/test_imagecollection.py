"""Which images go when their disk is full."""

import os

import pytest

from corral.node import imagecollection
from corral.node.config import NodeConfig
from corral.node.cri.types import Image, ListedContainer
from corral.node.imagecollection import ImageCollector, Known, chosen, excess_bytes
from corral.node.pullrecords import PullRecords
from corral.testing.clock import VirtualClock


def image(name, size=10, *, pinned=False):
    return Image(f"sha256:{name}", (f"docker.io/library/{name}:1",), (), size, None, "", pinned=pinned)


@pytest.fixture
def config(tmp_path):
    return NodeConfig("x", "n1", "127.0.0.1", tmp_path, "/none")


def test_nothing_goes_below_the_high_mark(config):
    assert excess_bytes(16, 100, config) == 0
    assert excess_bytes(15, 100, config) == 5
    assert excess_bytes(2, 100, config) == 18


def test_the_longest_unused_goes_first_and_no_more_than_need_be():
    known = [Known(image("a"), 0, 50), Known(image("b"), 0, 20), Known(image("c"), 10), Known(image("new"), 95)]
    assert [i.id[7:] for i in chosen(known, 15, 90)] == ["c", "b"]
    assert [i.id[7:] for i in chosen(known, 1000, 90)] == ["c", "b", "a"]


class Store:
    """An image service and a runtime whose containers use `used`."""

    def __init__(self, *images, used=()):
        self.present = {i.id: i for i in images}
        self.used = used

    async def images(self):
        return list(self.present.values())

    async def folder(self):
        return "/"

    async def remove(self, reference):
        del self.present[reference]

    async def containers(self):
        return [ListedContainer("c", "s", "u", "c", 0, "running", (name,)) for name in self.used]


class TestCollector:
    @pytest.fixture(autouse=True)
    def _disk(self, monkeypatch):
        # 100 bytes of which 5 are left: 15 have to go.
        self.disk = (5, 100)
        monkeypatch.setattr(imagecollection, "filesystem", lambda folder: self.disk)

    @pytest.fixture
    def collector(self, config, tmp_path):
        self.clock, self.said = VirtualClock(), []
        self.store = Store(
            *(image(n) for n in ("used", "volume", "loaded", "old", "older", "oldest")),
            image("pause", pinned=True),
            used=["sha256:used"],
        )
        records = self.records = PullRecords(tmp_path / "pulls")
        for id, found in self.store.present.items():
            if "loaded" not in id:
                records.begin(found.tags[0])
                records.end(found.tags[0], id)
        say = lambda reason, message: self.said.append((reason, message))  # noqa: E731
        return ImageCollector(config, self.store, self.store, records, self.clock, lambda: ["volume:1"], say)

    def names(self):
        return {id[7:] for id in self.store.present}

    async def test_young_images_stay(self, collector):
        await collector.collect()
        assert len(self.names()) == 7
        assert self.said[0][0] == "FreeDiskSpaceFailed" and "free 15 bytes, but only found 0 bytes" in self.said[0][1]

    async def test_enough_of_the_unused_go(self, collector):
        await collector.collect()
        await self.clock.advance(300)
        await collector.collect()
        assert len(self.names() & {"old", "older", "oldest"}) == 1
        assert {"used", "volume", "loaded", "pause"} <= self.names()

    async def test_where_it_is_urgent_all_go_that_can_be_fetched_again(self, collector):
        await collector.collect()
        await self.clock.advance(1)
        await collector.free_all()
        assert self.names() == {"used", "volume", "loaded", "pause"}

    async def test_what_went_is_forgotten(self, collector):
        await collector.collect()
        await self.clock.advance(1)
        await collector.free_all()
        fetched = {name for name in ("used", "old", "older", "oldest") if self.records.is_fetched(f"sha256:{name}")}
        assert fetched == {"used"}

    async def test_what_is_fetched_while_others_go_is_not_forgotten(self, collector):
        """It would be everybody's."""

        async def fetched_meanwhile():
            self.records.begin("private:1")
            self.records.end("private:1", "sha256:private")
            return []

        await collector.collect()
        await self.clock.advance(300)
        self.store.containers = fetched_meanwhile
        await collector.collect()
        assert self.records.is_fetched("sha256:private")

    async def test_with_room_on_the_disk_all_stay(self, collector):
        self.disk = (50, 100)
        await collector.collect()
        await self.clock.advance(1000)
        await collector.collect()
        assert len(self.names()) == 7 and self.said == []


def test_a_filesystem_has_room():
    available, capacity = imagecollection.filesystem(os.sep)
    assert 0 <= available <= capacity
