"""The tests that every driver of the store passes. A driver's own test inherits them and says how it is opened:

class TestSqliteStore(StoreContract):
    @asynccontextmanager
    async def store(self, path): ...
"""

# ruff: noqa: D102  (the names of the tests are their sentences)

import asyncio
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from corral.store.contract import Compacted, Event, FutureRevision, KeyExists, Mismatch, Store

Scenario = Callable[[Any, Store], Awaitable[None]]


def on_store(test: Scenario) -> Callable[[Any, Path], None]:
    """Run the coroutine `test(self, store)` on a fresh store."""

    @functools.wraps(test)
    def run(self: "StoreContract", tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.store(tmp_path) as store:
                await asyncio.wait_for(test(self, store), 30)

        asyncio.run(scenario())

    # pytest reads the names of fixtures from the signature.
    run.__signature__ = inspect.signature(lambda self, tmp_path: None)  # type: ignore[attr-defined]
    return run


async def take(store: Store, prefix: str, after: int, count: int) -> list[Event]:
    """The first `count` events of a watch."""
    events: list[Event] = []
    async for batch in store.watch(prefix, after):
        assert batch, "a watch gave an empty batch"
        events += batch
        if len(events) >= count:
            break
    return events


class StoreContract(ABC):
    """Behaviour of a store, seen through its contract only."""

    @abstractmethod
    def store(self, directory: Path) -> AbstractAsyncContextManager[Store]:
        """A store whose data is in `directory`; opened again on the same directory it holds the same data."""

    @on_store
    async def test_new_store_is_empty_at_revision_0(self, store: Store) -> None:
        assert await store.revision() == 0
        assert await store.list("") == ([], 0)
        assert await store.get("pods/a/b") is None

    @on_store
    async def test_create_gives_the_next_revision(self, store: Store) -> None:
        first = await store.create("pods/a/b", b"1")
        second = await store.create("pods/a/c", b"2")
        assert second.revision == first.revision + 1 == await store.revision()
        assert await store.get("pods/a/b") == first == ("pods/a/b", b"1", first.revision, first.revision)

    @on_store
    async def test_create_of_an_existing_key_is_refused(self, store: Store) -> None:
        entry = await store.create("k", b"1")
        with pytest.raises(KeyExists):
            await store.create("k", b"2")
        assert await store.get("k") == entry
        assert await store.revision() == entry.revision

    @on_store
    async def test_update_keeps_created(self, store: Store) -> None:
        entry = await store.create("k", b"1")
        newer = await store.update("k", b"2", entry.revision)
        assert newer == ("k", b"2", entry.revision + 1, entry.created)
        assert await store.get("k") == newer

    @on_store
    async def test_write_at_another_revision_is_refused_and_tells_the_current_entry(self, store: Store) -> None:
        entry = await store.create("k", b"1")
        newer = await store.update("k", b"2", entry.revision)
        for attempt in (store.update("k", b"3", entry.revision), store.delete("k", entry.revision)):
            with pytest.raises(Mismatch) as refused:
                await attempt
            assert refused.value.current == newer

    @on_store
    async def test_write_to_an_absent_key_is_refused(self, store: Store) -> None:
        for attempt in (store.update("k", b"3", 7), store.delete("k", 0)):
            with pytest.raises(Mismatch) as refused:
                await attempt
            assert refused.value.current is None

    @on_store
    async def test_deleted_key_is_gone_and_can_be_created_anew(self, store: Store) -> None:
        entry = await store.create("k", b"1")
        gone = await store.delete("k", entry.revision)
        assert gone == ("k", b"1", entry.revision + 1, entry.created)
        assert await store.get("k") is None
        assert await store.list("") == ([], gone.revision)
        again = await store.create("k", b"2")
        assert again.created == again.revision == gone.revision + 1

    @on_store
    async def test_of_concurrent_writes_to_one_key_one_wins(self, store: Store) -> None:
        entry = await store.create("k", b"0")
        results = await asyncio.gather(
            *(store.update("k", str(i).encode(), entry.revision) for i in range(20)), return_exceptions=True
        )
        winners = [r for r in results if not isinstance(r, BaseException)]
        assert len(winners) == 1
        assert await store.get("k") == winners[0]
        assert all(isinstance(r, Mismatch) and r.current == winners[0] for r in results if isinstance(r, BaseException))

    @on_store
    async def test_of_concurrent_creates_of_one_key_one_wins(self, store: Store) -> None:
        results = await asyncio.gather(*(store.create("k", b"") for _ in range(20)), return_exceptions=True)
        assert sum(isinstance(r, KeyExists) for r in results) == 19

    @on_store
    async def test_concurrent_writes_get_contiguous_revisions(self, store: Store) -> None:
        entries = await asyncio.gather(*(store.create(f"k{i}", b"") for i in range(1000)))
        assert sorted(e.revision for e in entries) == list(range(1, 1001))

    @on_store
    async def test_list_is_in_key_order_under_the_prefix(self, store: Store) -> None:
        for key in ("pods/b/x", "pods/a/y", "podtemplates/a/z", "pods/a/x", "nodes//n"):
            await store.create(key, key.encode())
        entries, revision = await store.list("pods/")
        assert [e.key for e in entries] == ["pods/a/x", "pods/a/y", "pods/b/x"]
        assert [e.value for e in entries] == [b"pods/a/x", b"pods/a/y", b"pods/b/x"]
        assert revision == 5

    @on_store
    async def test_list_in_pages_at_one_revision(self, store: Store) -> None:
        for i in range(10):
            await store.create(f"k{i}", b"old")
        page, revision = await store.list("k", limit=4)
        await store.update("k5", b"new", 6)
        await store.delete("k6", 7)
        await store.create("k45", b"new")
        await store.create("k6", b"new")
        await store.delete("k9", 10)
        while len(page) < 10:
            more, at = await store.list("k", start=page[-1].key + "\0", limit=4, revision=revision)
            assert at == revision
            page += more
        assert [(e.key, e.value, e.revision) for e in page] == [(f"k{i}", b"old", i + 1) for i in range(10)]
        newest, _ = await store.list("k")
        assert [e.key for e in newest] == ["k0", "k1", "k2", "k3", "k4", "k45", "k5", "k6", "k7", "k8"]

    @on_store
    async def test_list_of_a_future_revision_is_refused(self, store: Store) -> None:
        with pytest.raises(FutureRevision):
            await store.list("", revision=1)

    @on_store
    async def test_watch_gives_history_then_news_in_order(self, store: Store) -> None:
        a = await store.create("a", b"1")
        b = await store.create("b", b"2")
        watching = asyncio.create_task(take(store, "", a.revision, 4))
        await asyncio.sleep(0)
        a2 = await store.update("a", b"3", a.revision)
        await store.delete("b", b.revision)
        await store.create("b", b"4")
        assert await watching == [
            ("PUT", "b", b"2", 2, None),
            ("PUT", "a", b"3", 3, a),
            ("DELETE", "b", b"2", 4, b),
            ("PUT", "b", b"4", 5, None),
        ]
        assert a2.revision == 3

    @on_store
    async def test_watch_of_a_prefix_sees_only_it(self, store: Store) -> None:
        watching = asyncio.create_task(take(store, "pods/", 0, 2))
        await store.create("pods/a/b", b"")
        await store.create("podtemplates/a/b", b"")
        await store.create("pods/a/c", b"")
        assert [(e.key, e.revision) for e in await watching] == [("pods/a/b", 1), ("pods/a/c", 3)]

    @on_store
    async def test_watches_see_every_revision_once_while_many_write(self, store: Store) -> None:
        count = 3000
        watches = [asyncio.create_task(take(store, "", 0, count))]

        async def write(worker: int) -> None:
            for i in range(count // 10):
                await store.create(f"k{worker}-{i}", b"x" * 100)
                if i == 100:
                    watches.append(asyncio.create_task(take(store, "", worker, count - worker)))

        await asyncio.gather(*(write(worker) for worker in range(10)))
        for watch in watches:
            revisions = [event.revision for event in await watch]
            assert revisions == list(range(revisions[0], count + 1))

    @on_store
    async def test_slow_watch_misses_nothing(self, store: Store) -> None:
        watch = store.watch("", 0)
        await store.create("k", b"0")
        seen = [event.revision for event in await anext(watch)]
        revision = 1
        for _ in range(30):
            await asyncio.gather(*(store.create(f"k{revision}-{i}", b"") for i in range(500)))
            revision += 500
        async for batch in watch:
            seen += [event.revision for event in batch]
            if seen[-1] == revision:
                break
        assert seen == list(range(1, revision + 1))

    @on_store
    async def test_watch_from_a_future_revision_starts_there(self, store: Store) -> None:
        watching = asyncio.create_task(take(store, "", 2, 1))
        for i in range(3):
            await store.create(f"k{i}", b"")
        assert [e.revision for e in await watching] == [3]

    @on_store
    async def test_compaction_keeps_the_state_and_forgets_the_past(self, store: Store) -> None:
        kept = await store.create("kept", b"0")
        entry = await store.create("k", b"1")
        for i in range(5):
            entry = await store.update("k", str(i).encode(), entry.revision)
        gone = await store.delete("k", entry.revision)
        again = await store.create("k", b"again")
        await store.compact(gone.revision)
        assert await store.list("") == ([again, kept], again.revision)
        assert await store.list("", revision=gone.revision) == ([kept], gone.revision)
        with pytest.raises(Compacted):
            await store.list("", revision=gone.revision - 1)
        with pytest.raises(Compacted):
            await take(store, "", gone.revision - 1, 1)
        assert await take(store, "", gone.revision, 1) == [("PUT", "k", b"again", again.revision, None)]

    @on_store
    async def test_compaction_keeps_what_a_later_event_replaced(self, store: Store) -> None:
        first = await store.create("k", b"1")
        second = await store.update("k", b"2", first.revision)
        await store.delete("k", second.revision)
        await store.compact(second.revision)
        assert await take(store, "", second.revision, 1) == [("DELETE", "k", b"2", 3, second)]

    @on_store
    async def test_compaction_beyond_the_newest_is_of_the_newest(self, store: Store) -> None:
        entry = await store.create("k", b"1")
        await store.compact(99)
        assert await store.list("") == ([entry], 1)
        assert (await store.create("k2", b"")).revision == 2

    def test_opened_again_it_holds_what_was_written(self, tmp_path: Path) -> None:
        async def write() -> None:
            async with self.store(tmp_path) as store:
                first = await store.create("a", b"1")
                await store.update("a", b"2", first.revision)
                gone = await store.create("b", b"3")
                await store.delete("b", gone.revision)

        async def read() -> None:
            async with self.store(tmp_path) as store:
                assert await store.list("") == ([("a", b"2", 2, 1)], 4)
                assert [e.revision for e in await take(store, "", 0, 4)] == [1, 2, 3, 4]
                await store.compact(4)

        async def go_on() -> None:
            async with self.store(tmp_path) as store:
                assert await store.revision() == 4
                with pytest.raises(Compacted):
                    await store.list("", revision=3)
                assert (await store.create("b", b"")).revision == 5

        for session in (write, read, go_on):
            asyncio.run(session())
