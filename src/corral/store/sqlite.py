"""The embedded store: one SQLite file in WAL mode, one writer thread, group commit.

Every write is one appended row of one table, so a value goes to the disk once. What is current (`_index`: a key's revision and
its creation's) is held in memory and rebuilt when the file is opened. Writes that arrive while a commit is under way form the
next batch: one INSERT statement of many rows, which is one transaction, one fsync, and one release of Python's global lock.

`_pending` holds the keys whose write is not acknowledged yet. Nobody can know their revision, so whoever wants to write one of
them waits for the outcome first; a failed batch therefore needs no undoing.
"""

import asyncio
import os
import threading
from bisect import bisect_left, insort
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import apsw

from corral.store.contract import (
    Compacted,
    Entries,
    Entry,
    Event,
    Events,
    FutureRevision,
    KeyExists,
    Mismatch,
    StoreUnavailable,
)
from corral.store.sqlite_file import connect, lock, prepare, readable, touch

MAX_BATCH_WRITES = 512
MAX_BATCH_BYTES = 32 << 20
COMPACT_CHUNK_REVISIONS = 2000
WATCH_CHUNK_EVENTS = 500
WATCH_BUFFER_EVENTS = 10_000


class _At(NamedTuple):
    """Where the current value of a key is."""

    revision: int
    created: int


ABSENT = _At(0, 0)


class _Write:
    """One write on its way; `done` holds its revision."""

    __slots__ = ("deleted", "done", "key", "previous", "value")

    def __init__(self, key: str, value: bytes, previous: _At, deleted: int, done: "asyncio.Future[int]") -> None:
        self.key = key
        self.value = value
        self.previous = previous
        self.deleted = deleted
        self.done = done


Batch = list[_Write]
Rows = list[Any]


class _Watcher:
    """The live end of one watch: events committed since it began, at most WATCH_BUFFER_EVENTS of them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.events: Events = []
        self.overflowed = False
        self.closed = False
        self.wake = asyncio.Event()

    def push(self, events: Events) -> None:
        if self.overflowed:
            return
        if self.prefix:
            events = [event for event in events if event.key.startswith(self.prefix)]
        if len(self.events) + len(events) > WATCH_BUFFER_EVENTS:
            self.events = []
            self.overflowed = True
        else:
            self.events += events
        if events:
            self.wake.set()


class SqliteStore:
    """A `store.contract.Store` in one file. `await SqliteStore.open(path)` makes one; it belongs to that event loop."""

    def __init__(self, path: Path, lock_fd: int, writer: apsw.Connection, reader: apsw.Connection) -> None:
        self._path = path
        self._lock_fd = lock_fd
        self._writer = writer
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._index: dict[str, _At] = {}
        self._keys: list[str] = []
        self._revision = 0
        self._compacted = 0
        self._pending: dict[str, _Write] = {}
        self._queue: deque[_Write] = deque()
        self._dispatching = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._watchers: list[_Watcher] = []
        self._closed = False
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._load()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: Path) -> "SqliteStore":
        """Open the file, made with mode 0600 where it is missing.

        Raises CorralError where it is damaged, of another version, or in use by another process.
        """
        lock_fd = lock(path)
        try:
            with readable(path):
                touch(path)
                writer = connect(path)
                prepare(path, writer)
                store = cls(path, lock_fd, writer, connect(path))
        except BaseException:
            os.close(lock_fd)
            raise
        return store

    # Reading

    async def revision(self) -> int:
        """The revision of the last acknowledged write; 0 before the first."""
        return self._revision

    async def get(self, key: str) -> Entry | None:
        """The entry of `key`."""
        return self._entry(key)

    async def list(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> tuple[Entries, int]:
        """Entries under `prefix` in key order. It does not await, so the entries are of one revision."""
        self._check_open()
        if revision and revision < self._compacted:
            raise Compacted(revision, self._compacted)
        if revision > self._revision:
            raise FutureRevision(revision, self._revision)
        at = revision or self._revision
        found = self._current(prefix, start) if at == self._revision else self._former(prefix, start, at)
        entries: Entries = []
        with self._unavailable():
            for key, where in found:
                entries.append(Entry(key, self._value(where.revision), *where))
                if limit and len(entries) == limit:
                    break
        return entries, at

    def _current(self, prefix: str, start: str) -> Iterator[tuple[str, _At]]:
        for i in range(bisect_left(self._keys, max(prefix, start)), len(self._keys)):
            key = self._keys[i]
            if not key.startswith(prefix):
                return
            yield key, self._index[key]

    def _former(self, prefix: str, start: str, revision: int) -> Iterator[tuple[str, _At]]:
        """The state at `revision`: today's, with each key changed since as it was before its first change."""
        with self._unavailable():
            changed = {
                key: _At(previous, created)
                for key, _, previous, created in self._reader.execute(
                    "SELECT key, min(revision), previous, previous_created FROM revisions WHERE revision > ? GROUP BY key",
                    (revision,),
                )
            }
        state = dict(self._current(prefix, start))
        state |= {key: at for key, at in changed.items() if key.startswith(prefix) and key >= start}
        return ((key, state[key]) for key in sorted(state) if state[key].revision)

    def _entry(self, key: str) -> Entry | None:
        self._check_open()
        at = self._index.get(key)
        if at is None:
            return None
        with self._unavailable():
            return Entry(key, self._value(at.revision), *at)

    def _value(self, revision: int) -> bytes:
        value: bytes = self._reader.execute("SELECT value FROM revisions WHERE revision = ?", (revision,)).get
        return value

    # Writing

    async def create(self, key: str, value: bytes) -> Entry:
        """Write a new key. Raises KeyExists."""
        while key in self._pending:
            await self._settled(key)
        if key in self._index:
            raise KeyExists(key)
        revision = await self._commit(_Write(key, value, ABSENT, 0, self._loop.create_future()))
        return Entry(key, value, revision, revision)

    async def update(self, key: str, value: bytes, expected: int) -> Entry:
        """Replace the value of `key` whose revision is `expected`. Raises Mismatch."""
        at = await self._expect(key, expected)
        revision = await self._commit(_Write(key, value, at, 0, self._loop.create_future()))
        return Entry(key, value, revision, at.created)

    async def delete(self, key: str, expected: int) -> Entry:
        """Delete `key` whose revision is `expected`. Raises Mismatch."""
        at = await self._expect(key, expected)
        with self._unavailable():
            value = self._value(at.revision)
        revision = await self._commit(_Write(key, b"", at, 1, self._loop.create_future()))
        return Entry(key, value, revision, at.created)

    async def _expect(self, key: str, expected: int) -> _At:
        while key in self._pending:
            await self._settled(key)
        at = self._index.get(key)
        if at is None or at.revision != expected:
            raise Mismatch(key, self._entry(key))
        return at

    async def _settled(self, key: str) -> None:
        await asyncio.wait((self._pending[key].done,))

    async def _commit(self, write: _Write) -> int:
        self._check_open()
        self._pending[write.key] = write
        self._queue.append(write)
        if not self._dispatching:
            self._dispatching = True
            self._idle.clear()
            self._loop.call_soon(self._dispatch)
        try:
            return await write.done
        except asyncio.CancelledError:
            # The caller leaves, the write goes on; who waits for the key needs a future that still tells of it.
            write.done = self._loop.create_future()
            raise

    def _dispatch(self) -> None:
        """Hand what is waiting to the writer, as one batch."""
        if not self._queue:
            self._dispatching = False
            self._idle.set()
            return
        batch: Batch = []
        size_bytes = 0
        while self._queue and len(batch) < MAX_BATCH_WRITES and size_bytes < MAX_BATCH_BYTES:
            write = self._queue.popleft()
            size_bytes += len(write.value)
            batch.append(write)
        first = self._revision + 1
        self._jobs.put(lambda: self._insert(batch, first))

    def _insert(self, batch: Batch, first: int) -> None:
        """In the writer thread: one statement, one transaction, one fsync."""
        error: apsw.Error | None = None
        row: list[object] = []
        for revision, write in enumerate(batch, first):
            was = write.previous
            row += (
                revision,
                write.key,
                revision if not was.created else was.created,
                was.revision,
                was.created,
                write.deleted,
                write.value,
            )
        try:
            self._writer.execute("INSERT INTO revisions VALUES " + ",".join(["(?,?,?,?,?,?,?)"] * len(batch)), row)
        except apsw.Error as failure:
            error = failure
        self._loop.call_soon_threadsafe(self._committed, batch, first, error)

    def _committed(self, batch: Batch, first: int, error: apsw.Error | None) -> None:
        pending = self._pending
        for write in batch:
            del pending[write.key]
        if error is not None:
            self._dispatch()
            for write in batch:
                if not write.done.done():
                    write.done.set_exception(_unavailable(self._path, error))
                    write.done.exception()  # Not an "exception was never retrieved" where the caller has left.
            return
        self._revision = first + len(batch) - 1
        self._dispatch()
        index = self._index
        for revision, write in enumerate(batch, first):
            if write.deleted:
                del index[write.key]
                del self._keys[bisect_left(self._keys, write.key)]
            elif write.previous is ABSENT:
                index[write.key] = _At(revision, revision)
                insort(self._keys, write.key)
            else:
                index[write.key] = _At(revision, write.previous.created)
        # Watches wake before writers: the server's cache holds a write by the time its author hears of it.
        if self._watchers:
            self._publish(batch, first)
        for revision, write in enumerate(batch, first):
            if not write.done.done():
                write.done.set_result(revision)

    # Watching

    def _publish(self, batch: Batch, first: int) -> None:
        events: Events = []
        try:
            for revision, write in enumerate(batch, first):
                events.append(self._event(revision, write.key, write.previous, write.deleted, write.value))
        except apsw.Error:
            # The watches read these revisions again, and tell of the failure if it stays.
            for watcher in self._watchers:
                watcher.events = []
                watcher.overflowed = True
                watcher.wake.set()
            return
        for watcher in self._watchers:
            watcher.push(events)

    def _event(self, revision: int, key: str, was: _At, deleted: int, value: bytes) -> Event:
        previous = Entry(key, self._value(was.revision), *was) if was.revision else None
        if deleted:
            assert previous is not None
            return Event("DELETE", key, previous.value, revision, previous)
        return Event("PUT", key, value, revision, previous)

    async def watch(self, prefix: str, after: int) -> AsyncIterator[Events]:
        """Batches of changes. A watch that falls behind reads what it missed from the file."""
        self._check_open()
        watcher = _Watcher(prefix)
        self._watchers.append(watcher)
        try:
            seen = after
            behind = True
            while not watcher.closed:
                if behind:
                    watcher.events, watcher.overflowed = [], False
                    newest = self._revision
                    while seen < newest:
                        events, seen = self._history(prefix, seen, newest)
                        if events:
                            yield events
                while not watcher.events and not watcher.overflowed and not watcher.closed:
                    watcher.wake.clear()
                    await watcher.wake.wait()
                behind = watcher.overflowed
                events, watcher.events = watcher.events, []
                if events and events[0].revision <= seen:
                    events = [event for event in events if event.revision > seen]
                if events:
                    seen = events[-1].revision
                    yield events
        finally:
            self._watchers.remove(watcher)

    def _history(self, prefix: str, after: int, until: int) -> tuple[Events, int]:
        """Some of the changes in (after, until], and the revision they reach to."""
        if after < self._compacted:
            raise Compacted(after, self._compacted)
        events: Events = []
        reach = min(until, after + WATCH_CHUNK_EVENTS)
        with self._unavailable():
            rows: Rows = self._reader.execute(
                "SELECT revision, key, previous, previous_created, deleted, value FROM revisions"
                " WHERE revision > ? AND revision <= ? ORDER BY revision",
                (after, reach),
            ).fetchall()
            for revision, key, previous, previous_created, deleted, value in rows:
                if key.startswith(prefix):
                    events.append(self._event(revision, key, _At(previous, previous_created), deleted, value))
        return events, reach

    # Compacting and closing

    async def compact(self, revision: int) -> None:
        """Forget what only reads of revisions < `revision` need; in chunks, between which writes go on."""
        self._check_open()
        revision = min(revision, self._revision)
        if revision > self._compacted:
            self._compacted = revision
            await self._run(lambda: self._writer.execute("UPDATE compaction SET asked = ?", (revision,)))
        while await self._run(self._sweep):
            pass

    def _sweep(self) -> bool:
        """In the writer thread: delete one chunk of what has been replaced. Whether there is more to do."""
        progress: Rows = self._writer.execute("SELECT asked, done FROM compaction").fetchall()
        asked, done = progress[0]
        reach = min(asked, done + COMPACT_CHUNK_REVISIONS)
        chunk = {"done": done, "reach": reach}
        if done < asked:
            with self._writer:
                self._writer.execute(
                    "DELETE FROM revisions WHERE revision IN (SELECT previous FROM revisions"
                    " WHERE revision > :done AND revision <= :reach AND previous > 0);"
                    "DELETE FROM revisions WHERE revision > :done AND revision <= :reach AND deleted;"
                    "UPDATE compaction SET done = :reach",
                    chunk,
                )
        more: bool = reach < asked
        return more

    async def _run(self, job: Callable[[], object]) -> object:
        """The result of `job`, run in the writer thread."""
        future: asyncio.Future[object] = self._loop.create_future()

        def tell(result: object, error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(_unavailable(self._path, error) if isinstance(error, apsw.Error) else error)

        def work() -> None:
            try:
                result = job()
            except Exception as error:
                self._loop.call_soon_threadsafe(tell, None, error)
            else:
                self._loop.call_soon_threadsafe(tell, result, None)

        self._jobs.put(work)
        return await future

    async def close(self) -> None:
        """Finish the writes under way and give back files; open watches end."""
        if self._closed:
            return
        self._closed = True
        for watcher in self._watchers:
            watcher.closed = True
            watcher.wake.set()
        await self._idle.wait()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._reader.close()
        self._writer.close()
        os.close(self._lock_fd)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _load(self) -> None:
        index = self._index
        last = 0
        rows = self._reader.execute("SELECT revision, key, created, deleted FROM revisions ORDER BY revision")
        for last, key, created, deleted in rows:
            if deleted:
                index.pop(key, None)
            else:
                index[key] = _At(last, created)
        self._keys = sorted(index)
        self._compacted = self._reader.execute("SELECT asked FROM compaction").get
        # The newest row may have been a compacted deletion.
        self._revision = max(last, self._compacted)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as error:
            raise _unavailable(self._path, error) from error


def _unavailable(path: Path, error: Exception) -> StoreUnavailable:
    if isinstance(error, apsw.FullError):
        return StoreUnavailable(f"the disk of {path} is full", "Free some space; nothing that was acknowledged is lost.")
    return StoreUnavailable(f"{path}: {error}", "Look at the disk and at the kernel's log (dmesg).")
