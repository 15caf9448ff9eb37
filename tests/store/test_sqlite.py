"""What is particular to the embedded store: files, failures, speed of opening."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from corral.base.errors import CorralError
from corral.store.contract import KeyExists, Store, StoreUnavailable
from corral.store.sqlite import SqliteStore
from corral.testing.store_contract import StoreContract, take


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(directory / "store.db")
    try:
        yield store
    finally:
        await store.close()


class TestSqliteStore(StoreContract):
    def store(self, directory: Path):
        return opened(directory)


def scenario(directory: Path, body: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(directory) as store:
            await asyncio.wait_for(body(store), 30)

    asyncio.run(run())


def limit_size(store: SqliteStore, pages: int) -> None:
    """A disk that is full: the file may have no more than `pages` pages than it has now."""
    used = store._writer.execute("PRAGMA page_count").get
    store._writer.execute(f"PRAGMA max_page_count = {used + pages}")


def test_files_are_readable_by_their_owner_only(tmp_path):
    async def body(store: Store) -> None:
        await store.create("k", b"")
        names = {file.name for file in tmp_path.iterdir()}
        assert names == {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}

    os.umask(os.umask(0))
    scenario(tmp_path, body)


def test_full_disk_fails_the_write_and_loses_nothing(tmp_path):
    async def body(store: SqliteStore) -> None:
        entry = await store.create("k", b"0")
        limit_size(store, 20)
        results = await asyncio.gather(*(store.create(f"k{i}", b"x" * 20_000) for i in range(20)), return_exceptions=True)
        assert all(isinstance(r, StoreUnavailable) and "full" in r.message and r.remedy for r in results)
        assert await store.list("") == ([entry], 1)
        assert (await store.update("k", b"1", 1)).revision == 2
        limit_size(store, 1 << 20)
        assert (await store.create("k1", b"x" * 20_000)).revision == 3
        assert [event.revision for event in await take(store, "", 0, 3)] == [1, 2, 3]

    scenario(tmp_path, body)
    scenario(tmp_path, lambda store: holds(store, ["k", "k1"]))


async def holds(store: Store, keys: list[str]) -> None:
    entries, _ = await store.list("")
    assert [entry.key for entry in entries] == keys


def test_conflict_with_a_write_that_then_fails_is_none(tmp_path):
    async def body(store: SqliteStore) -> None:
        limit_size(store, 4)
        big = asyncio.create_task(store.create("k", b"x" * 50_000))
        await asyncio.sleep(0)
        assert (await store.create("k", b"small")).revision == 1
        with pytest.raises(StoreUnavailable):
            await big
        with pytest.raises(KeyExists):
            await store.create("k", b"small")

    scenario(tmp_path, body)


def test_cancelled_caller_does_not_take_its_write_back(tmp_path):
    async def body(store: SqliteStore) -> None:
        leaving = asyncio.create_task(store.create("k", b"1"))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(KeyExists):
            await store.create("k", b"2")
        entry = await store.get("k")
        assert entry is not None
        assert entry.value == b"1"

    scenario(tmp_path, body)


def test_compaction_gives_space_back_to_new_writes(tmp_path):
    async def body(store: SqliteStore) -> None:
        revision = (await store.create("k", b"")).revision
        for _ in range(300):
            revision = (await store.update("k", b"x" * 3000, revision)).revision
        size = store._writer.execute("PRAGMA page_count").get
        await store.compact(revision)
        rows = store._writer.execute("SELECT count(*) FROM revisions").get
        assert rows == 1
        for _ in range(250):
            revision = (await store.update("k", b"x" * 3000, revision)).revision
        assert store._writer.execute("PRAGMA page_count").get <= size + 2

    scenario(tmp_path, body)


def test_compaction_that_was_interrupted_goes_on(tmp_path):
    async def body(store: SqliteStore) -> None:
        first = await store.create("k", b"1")
        second = await store.update("k", b"2", first.revision)
        store._writer.execute("UPDATE compaction SET asked = ?", (second.revision,))

    async def after(store: SqliteStore) -> None:
        await store.compact(0)
        assert store._writer.execute("SELECT revision FROM revisions").fetchall() == [(2,)]

    scenario(tmp_path, body)
    scenario(tmp_path, after)


def test_closed_store_says_so(tmp_path):
    async def body() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        last = asyncio.create_task(store.create("k", b""))
        watching = asyncio.create_task(take(store, "none", 0, 1))
        await asyncio.sleep(0)
        await store.close()
        assert (await last).revision == 1
        assert await watching == []
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.create("k2", b"")
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.list("")

    asyncio.run(body())


def opening(path: Path) -> CorralError:
    with pytest.raises(CorralError) as error:
        asyncio.run(SqliteStore.open(path))
    assert error.value.remedy
    return error.value


def test_second_process_is_kept_out(tmp_path):
    async def body(store: Store) -> None:
        with pytest.raises(CorralError, match="in use"):
            await SqliteStore.open(tmp_path / "store.db")

    scenario(tmp_path, body)


@pytest.mark.parametrize("content", [b"not a database, but long enough " * 200, b"SQLite format 3\0" + b"\xff" * 8000])
def test_damaged_file_is_told_with_a_remedy(tmp_path, content):
    (tmp_path / "store.db").write_bytes(content)
    assert "damaged" in opening(tmp_path / "store.db").message


def test_file_with_damaged_pages_is_told_with_a_remedy(tmp_path):
    async def body(store: Store) -> None:
        await asyncio.gather(*(store.create(f"k{i}", b"x" * 3000) for i in range(100)))

    scenario(tmp_path, body)
    data = bytearray((tmp_path / "store.db").read_bytes())
    data[8 * 4096 : 60 * 4096] = b"\xa5" * (52 * 4096)
    (tmp_path / "store.db").write_bytes(data)
    assert "damaged" in opening(tmp_path / "store.db").message


def test_file_of_another_version_is_refused(tmp_path):
    scenario(tmp_path, lambda store: holds(store, []))
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("PRAGMA user_version = 99")
    assert "version 99" in opening(tmp_path / "store.db").message


def test_database_of_another_program_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "store.db") as file:
        file.execute("CREATE TABLE t(x)")
    assert "not a Corral store" in opening(tmp_path / "store.db").message


def test_unwritable_place_is_told_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    opening(tmp_path / "file" / "store.db")


def test_io_error_fails_the_read(tmp_path, monkeypatch):
    async def body(store: SqliteStore) -> None:
        await store.create("k", b"")

        def broken(revision: int) -> bytes:
            raise apsw.IOError("disk I/O error")

        monkeypatch.setattr(store, "_value", broken)
        with pytest.raises(StoreUnavailable, match="I/O"):
            await store.get("k")

    scenario(tmp_path, body)
