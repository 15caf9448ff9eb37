"""Informers: a live copy, whatever the connection does."""

import asyncio
import contextlib

import orjson
import pytest

from corral.api.errors import expired
from corral.api.objects import Key
from corral.api.resources import Catalog, Resource
from corral.client.client import Client
from corral.client.informer import Informer, Informers, by_namespace
from corral.client.transport import Item, Listing, WatchEvent

THINGS = Resource("", "v1", "things", "Thing", "thing", True, ("get", "list", "watch"))


def item(name, revision, uid="", **fields):
    meta = {"name": name, "namespace": "ns", "uid": uid or name, "resourceVersion": str(revision)}
    return Item(Key("ns", name), orjson.dumps({"kind": "Thing", "apiVersion": "v1", "metadata": meta, **fields}), revision)


class Script:
    """A transport that plays lists and watches in turn; then stays silent. Exceptions in it are raised."""

    def __init__(self, *steps):
        self.steps, self.watched_from = list(steps), []

    async def list(self, call):
        step = self._next()
        return Listing(step[1], str(step[0]))

    async def watch(self, call):
        self.watched_from.append(call.query.get("resourceVersion"))
        if not self.steps:
            await asyncio.Event().wait()
        for event in self._next():
            yield event

    async def call(self, call):
        raise NotImplementedError

    async def close(self):
        pass

    def _next(self):
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


async def follow(script, **options):
    """The informer, and what it told, when the script has been played."""
    informer, told = Informer(Client(script, Catalog([THINGS]), "test"), "things", **options), []
    informer.listen(lambda c: told.append((c.key.name, c.old and c.old.revision, c.new and c.new.revision)))
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(5):
        while script.steps or len(script.watched_from) == 0 or not informer.synced.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return informer, told


def names(informer):
    return sorted(obj["metadata"]["name"] for obj in informer.objects())


def test_it_lists_then_watches_from_there_and_resumes_where_it_was():
    script = Script(
        (10, [item("a", 5)]),
        [WatchEvent("ADDED", item("b", 11)), WatchEvent("BOOKMARK", Item(Key("", ""), b"{}", 20))],
        [WatchEvent("DELETED", item("a", 21))],
    )
    informer, told = asyncio.run(follow(script))
    assert names(informer) == ["b"]
    assert told == [("a", None, 5), ("b", None, 11), ("a", 21, None)]
    assert script.watched_from[:3] == ["10", "20", "21"]
    assert informer.revision == 21


def test_after_410_it_lists_again_and_tells_only_what_differs():
    script = Script(
        (10, [item("a", 5), item("b", 6), item("c", 7)]), expired("too old"), (30, [item("a", 5), item("b", 25), item("d", 26)])
    )
    informer, told = asyncio.run(follow(script))
    assert names(informer) == ["a", "b", "d"]
    assert sorted(told[3:], key=str) == sorted([("c", 7, None), ("b", 6, 25), ("d", None, 26)], key=str)


def test_what_was_deleted_and_made_anew_meanwhile_is_two_changes():
    script = Script((10, [item("a", 5, uid="one")]), expired("too old"), (30, [item("a", 25, uid="two")]))
    _, told = asyncio.run(follow(script))
    assert told == [("a", None, 5), ("a", 5, None), ("a", None, 25)]


@pytest.mark.parametrize("fault", [ConnectionResetError("gone"), TimeoutError(), RuntimeError("a bug")])
def test_it_survives_faults_of_list_and_watch(fault):
    script = Script(fault, (10, [item("a", 5)]), fault, [WatchEvent("ADDED", item("b", 11))])
    informer, _ = asyncio.run(follow(script))
    assert names(informer) == ["a", "b"]


def test_a_listener_that_fails_stops_neither_the_others_nor_the_watch():
    async def scenario():
        script = Script((10, [item("a", 5)]), [WatchEvent("ADDED", item("b", 11))])
        informer = Informer(Client(script, Catalog([THINGS]), "test"), "things")
        told = []

        def broken(change):
            raise ValueError("a bug")

        informer.listen(broken)
        informer.listen(lambda c: told.append(c.key.name))
        task = asyncio.create_task(informer.run())
        async with asyncio.timeout(5):
            while len(told) < 2:  # noqa: ASYNC110 - what is told has no event of its own
                await asyncio.sleep(0.001)
        task.cancel()
        assert told == ["a", "b"]

    asyncio.run(scenario())


def test_indexes_follow_every_change():
    script = Script(
        (10, [item("a", 5, color="red"), item("b", 6, color="red")]),
        [WatchEvent("MODIFIED", item("a", 11, color="blue")), WatchEvent("DELETED", item("b", 12, color="red"))],
    )
    informer, _ = asyncio.run(follow(script, indexes={"color": lambda obj: [obj["color"]]}))
    assert [o["metadata"]["name"] for o in informer.indexed("color", "blue")] == ["a"]
    assert informer.indexed("color", "red") == []
    informer.add_index("namespace", by_namespace)
    assert len(informer.indexed("namespace", "ns")) == 1


def test_shared_informers_may_be_asked_for_later_and_dropped():
    async def scenario():
        client = Client(Script((10, [item("a", 5)])), Catalog([THINGS]), "test")
        informers = Informers(client)
        task = asyncio.create_task(informers.run())
        await asyncio.sleep(0)
        late = informers.get("things")
        async with asyncio.timeout(5):
            await informers.wait_synced()
        assert informers.get("things") is late
        informers.drop("things")
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()

    asyncio.run(scenario())
