"""Watchers of a collection: many are told at once, slow ones hold nobody up."""

import asyncio
import random
from typing import ClassVar

import pytest

from corral.api.errors import ApiError
from corral.server import triggers, watching
from corral.server.cache import Cache
from corral.server.changes import Cached
from corral.server.views import AS_STORED
from corral.server.watching import Watch, chunk
from corral.store.contract import Event


def put(revision: int, key: str) -> Event:
    return Event("PUT", f"xs/{key}", b'{"metadata":{"resourceVersion":""}}', revision, None)


class Client:
    """A sink that can be full, and can go."""

    def __init__(self, *, chunked: bool = False) -> None:
        self.chunked = chunked
        self.blocked = False
        self.got: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.got.append(data)

    async def drain(self) -> None:
        pass

    def revisions(self) -> list[int]:
        return [int(part.split(b'"')[0]) for part in b"".join(self.got).split(b'"resourceVersion":"')[1:]]


class Only:
    """A filter by name."""

    asked: ClassVar[list[str]] = []

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def trigger(self) -> tuple[str, str]:
        return "metadata.name", self.name

    def value_of(self, field: str, item: Cached) -> str:
        return item.name

    def matches(self, item: Cached) -> bool:
        self.asked.append(self.name)
        return item.name == self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Only) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


@pytest.fixture
def cache() -> Cache:
    return Cache(None)  # type: ignore[arg-type]


def watch_of(cache: Cache, filter=None, *, initial=(), after=0, timeout_s=30.0, bookmark=None, clock=None) -> Watch:
    collection = cache.collection("xs")
    return Watch(
        collection,
        collection.end(),
        iter(initial),
        (filter, AS_STORED),
        after=after,
        timeout_s=timeout_s,
        clock=clock or asyncio.get_running_loop().time,
        revision=lambda: cache.revision,
        bookmark=bookmark,
        failed=lambda error: b"ERROR %d\n" % error.code,
    )


async def settle(turns: int = 50) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def told(clients: list[Client], count: int) -> None:
    """Wait until every client has heard of `count` changes."""
    async with asyncio.timeout(10):
        while any(len(client.revisions()) < count for client in clients):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def test_every_watcher_of_a_crowd_hears_every_event_in_order_and_shares_its_bytes(cache):
    async def scenario():
        clients = [Client(chunked=True) for _ in range(300)]
        tasks = [asyncio.create_task(watch_of(cache).follow(client)) for client in clients]
        await settle()
        for revision in range(1, 40):
            cache.apply([put(revision, f"n/{revision % 7}")])
            if revision % 5 == 0:
                await asyncio.sleep(0)
        await told(clients, 39)
        assert all(client.revisions() == list(range(1, 40)) for client in clients)
        assert all(client.got[0] is clients[0].got[0] for client in clients)
        assert len(clients[0].got) < 39
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(cache.collection("xs").watchers) == 0

    asyncio.run(scenario())


def test_watchers_with_filters_hear_only_of_theirs(cache):
    async def scenario():
        clients = {name: Client() for name in ("a", "b")}
        tasks = [asyncio.create_task(watch_of(cache, Only(name)).follow(client)) for name, client in clients.items()]
        await settle()
        cache.apply([put(1, "n/a"), put(2, "n/b"), put(3, "n/a")])
        await told([clients["a"]], 2)
        await told([clients["b"]], 1)
        assert clients["a"].revisions() == [1, 3]
        assert clients["b"].revisions() == [2]
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


class Colour:
    """A filter by the value of a label, which objects may change."""

    def __init__(self, colour: str) -> None:
        self.colour = colour

    @property
    def trigger(self) -> tuple[str, str]:
        return "colour", self.colour

    def value_of(self, field: str, item: Cached) -> str:
        return item.labels.get("colour", "")

    def matches(self, item: Cached) -> bool:
        return item.labels.get("colour") == self.colour

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Colour) and other.colour == self.colour

    def __hash__(self) -> int:
        return hash(self.colour)


def painted(revision: int, key: str, colour: str) -> Event:
    raw = b'{"metadata":{"resourceVersion":"","labels":{"colour":"%b"}}}' % colour.encode()
    return Event("PUT", f"xs/{key}", raw, revision, None)


def types(client: Client) -> list[tuple[str, int]]:
    lines = b"".join(client.got).splitlines()
    return [(line.split(b'"')[3].decode(), int(line.split(b'"resourceVersion":"')[1].split(b'"')[0])) for line in lines]


def test_only_those_are_asked_whom_a_change_may_concern(cache):
    """A change costs the same for ten watchers of one object each as for ten thousand."""

    async def scenario():
        clients = {f"o{i}": Client() for i in range(200)}
        tasks = [asyncio.create_task(watch_of(cache, Only(name)).follow(client)) for name, client in clients.items()]
        everything = Client()
        tasks.append(asyncio.create_task(watch_of(cache).follow(everything)))
        await settle()
        Only.asked.clear()
        cache.apply([put(1, "n/o7"), put(2, "n/other"), put(3, "n/o7")])
        await told([clients["o7"]], 2)
        await told([everything], 3)
        assert clients["o7"].revisions() == [1, 3]
        assert set(Only.asked) == {"o7"}
        assert not any(client.got for name, client in clients.items() if name != "o7")
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


def test_what_enters_and_leaves_is_told_to_both_sides(cache):
    async def scenario():
        clients = {f"c{i}": Client() for i in range(20)}
        tasks = [asyncio.create_task(watch_of(cache, Colour(name)).follow(client)) for name, client in clients.items()]
        await settle()
        cache.apply([painted(1, "n/a", "c1")])
        await told([clients["c1"]], 1)
        cache.apply([painted(2, "n/a", "c2")])
        await told([clients["c2"]], 1)
        await told([clients["c1"]], 2)
        assert types(clients["c1"]) == [("ADDED", 1), ("DELETED", 2)]
        assert types(clients["c2"]) == [("ADDED", 2)]
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


def test_those_whom_nothing_concerned_for_long_are_not_behind(cache, monkeypatch):
    monkeypatch.setattr("corral.server.cache.LOG_EVENTS", 4)

    async def scenario():
        clients = {f"o{i}": Client() for i in range(20)}
        watches = {name: watch_of(cache, Only(name)) for name in clients}
        tasks = [asyncio.create_task(watches[name].follow(client)) for name, client in clients.items()]
        await settle()
        for revision in range(1, 60, 3):
            cache.apply([put(revision + i, "n/o1") for i in range(3)])
            await told([clients["o1"]], revision + 2)
        cache.apply([put(100, "n/o2")])
        await told([clients["o2"]], 1)
        assert clients["o2"].revisions() == [100]
        watches["o3"].resumed()
        assert watches["o3"].position == cache.collection("xs").end()
        cache.collection("xs").restart(100)
        await asyncio.gather(*tasks)
        assert all(client.got[-1] == b"ERROR 410\n" for client in clients.values())

    asyncio.run(scenario())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("few", [1, 8])
def test_every_watcher_hears_of_all_that_concerns_it_once_and_in_order(cache, monkeypatch, few, seed):
    """However slow it is, whenever it came, whatever filter it has."""
    monkeypatch.setattr(triggers, "FEW", few)
    dice = random.Random(seed)

    async def scenario():
        expected: dict[Client, list[tuple[str, int]]] = {}
        watching: list[tuple[Client, Watch, object]] = []
        tasks = []
        colours: dict[str, str] = {}

        async def come() -> None:
            filter = dice.choice([None, Only("o1"), *(Colour(f"c{i}") for i in range(12))])
            client = Client(chunked=False)
            watch = watch_of(cache, filter)
            expected[client] = []
            watching.append((client, watch, filter))
            tasks.append(asyncio.create_task(watch.follow(client)))

        def change(revision: int) -> None:
            name, colour = f"o{dice.randrange(4)}", f"c{dice.randrange(12)}"
            before, colours[name] = colours.get(name), colour
            for client, _, filter in watching:
                if isinstance(filter, Colour):
                    had, has = before == filter.colour, colour == filter.colour
                else:
                    has = filter is None or filter.name == name
                    had = has and before is not None
                if has or had:
                    expected[client].append(("MODIFIED" if had and has else "ADDED" if has else "DELETED", revision))
            cache.apply([painted(revision, f"n/{name}", colour)])

        for revision in range(1, 400):
            if revision % 20 == 1:
                await come()
            change(revision)
            if watching and dice.random() < 0.3:
                client, watch, _ = dice.choice(watching)
                client.blocked = not client.blocked
                if not client.blocked:
                    watch.resumed()
            if dice.random() < 0.5:
                await asyncio.sleep(0)
        for client, watch, _ in watching:
            client.blocked = False
            watch.resumed()
        async with asyncio.timeout(10):
            while any(len(types(client)) < len(events) for client, events in expected.items()):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert {id(client): types(client) for client in expected} == {id(client): e for client, e in expected.items()}
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


def test_one_whose_buffer_is_full_goes_on_later_where_it_was(cache):
    async def scenario():
        slow, fast = Client(), Client()
        watches = [watch_of(cache), watch_of(cache)]
        tasks = [asyncio.create_task(watch.follow(client)) for watch, client in zip(watches, (slow, fast), strict=True)]
        await settle()
        slow.blocked = True
        cache.apply([put(1, "n/a")])
        cache.apply([put(2, "n/a")])
        await told([fast], 2)
        assert slow.revisions() == []
        slow.blocked = False
        watches[0].resumed()
        assert slow.revisions() == [1, 2]
        cache.apply([put(3, "n/a")])
        await told([slow, fast], 3)
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


def test_one_that_is_slower_than_the_log_is_told_so_and_ends(cache, monkeypatch):
    monkeypatch.setattr("corral.server.cache.LOG_EVENTS", 4)

    async def scenario():
        client = Client()
        watch = watch_of(cache)
        task = asyncio.create_task(watch.follow(client))
        await settle()
        client.blocked = True
        for revision in range(1, 20):
            cache.apply([put(revision, "n/a")])
        client.blocked = False
        watch.resumed()
        await task
        assert client.got == [b"ERROR 410\n"]

    asyncio.run(scenario())


def test_first_lines_come_before_changes_that_happen_meanwhile(cache):
    async def scenario():
        client = Client()

        def first():
            yield b"first\n"
            cache.apply([put(1, "n/a")])
            yield b"second\n"

        task = asyncio.create_task(watch_of(cache, initial=first()).follow(client))
        await told([client], 1)
        assert client.got[:2] == [b"first\n", b"second\n"]
        assert client.revisions() == [1]
        task.cancel()

    asyncio.run(scenario())


def test_changes_up_to_the_revision_asked_for_are_not_told(cache):
    async def scenario():
        client = Client()
        task = asyncio.create_task(watch_of(cache, after=2).follow(client))
        await settle()
        cache.apply([put(1, "n/a"), put(2, "n/a"), put(3, "n/a")])
        await told([client], 1)
        assert client.revisions() == [3]
        task.cancel()

    asyncio.run(scenario())


def test_bookmarks_and_the_end_come_in_time(cache):
    """Before the end there is a bookmark, so that the next watch can begin where this one ended."""

    async def scenario():
        client = Client()
        cache.apply([put(7, "n/a")])
        await watch_of(cache, timeout_s=0.02, bookmark=lambda revision: b"BOOKMARK %d\n" % revision).follow(client)
        assert client.got == []
        now_s = [100.0]
        watch = watch_of(cache, timeout_s=60, bookmark=lambda revision: b"BOOKMARK %d\n" % revision, clock=lambda: now_s[0])
        task = asyncio.create_task(watch.follow(client))
        await settle()
        now_s[0] += 58
        watch._tick()
        assert client.got == [b"BOOKMARK 7\n"]
        now_s[0] += 2
        watch._tick()
        await task
        assert client.got == [b"BOOKMARK 7\n"]

    asyncio.run(scenario())


def test_a_crowd_is_told_in_turns_with_others(cache, monkeypatch):
    monkeypatch.setattr(watching, "AT_A_TIME", 8)

    async def scenario():
        clients = [Client() for _ in range(20)]
        tasks = [asyncio.create_task(watch_of(cache).follow(client)) for client in clients]
        await settle()
        cache.apply([put(1, "n/a")])
        while not any(client.got for client in clients):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert sum(bool(client.got) for client in clients) == 8
        cache.apply([put(2, "n/a")])
        await told(clients, 2)
        assert all(client.revisions() == [1, 2] for client in clients)
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


def test_chunks():
    assert chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"


def test_a_stream_of_lines_ends_with_its_watch(cache):
    async def scenario():
        assert [lines async for lines in watch_of(cache, initial=[b"a"], timeout_s=0.01).lines()] == [b"a"]

        def broken():
            yield b"a"
            raise ApiError(500, "", "no")

        with pytest.raises(ApiError):
            [lines async for lines in watch_of(cache, initial=broken()).lines()]

    asyncio.run(scenario())
