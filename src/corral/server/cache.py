"""The watch cache: every object as bytes, and the recent events of every collection.

One reader follows the store and applies its events in order, so that all collections are always at one revision. An object's
bytes are those of the store with the revision spliced in; GET and LIST join them, and each event's line is made once and shared
by all who watch. Watchers hold a position in a collection's log instead of a queue: a slow one costs nothing and, when the log
no longer holds its position, is told 410 Gone. See https://kubernetes.io/docs/reference/using-api/api-concepts/.
"""

import asyncio
import heapq
import itertools
import logging
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable

from corral.api.errors import expired
from corral.api.serialize import with_revision
from corral.server.changes import Cached, Change
from corral.server.watching import Watchers
from corral.store.contract import Compacted, Entry, Event, Store

log = logging.getLogger(__name__)

#: Events kept by a collection, at least; at most twice as many.
LOG_EVENTS = 4096
#: Of so many of them, the newest, the lines that watchers were told are kept.
KEPT_LINES = 512
RESTART_PAUSE_S = 0.2

#: Inside Collection, `list` is a method.
_Items = list[Cached]
_Changes = list[Change]


class Collection:
    """All objects of one resource, in the order of their keys, and the log of their changes."""

    def __init__(self, group_resource: str, floor: int) -> None:
        self.group_resource = group_resource
        #: Watches can begin at this revision, not before.
        self.floor = floor
        self.items: dict[str, Cached] = {}
        #: Grows with each change: whoever remembers something of the collection remembers this too.
        self.version = 0
        self._keys: list[str] = []
        self._log: list[Change] = []
        self._dropped = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self.watchers = Watchers(self)
        self._listeners: list[Callable[[Change], None]] = []

    def __len__(self) -> int:
        return len(self.items)

    def get(self, namespace: str, name: str) -> Cached | None:
        """One object."""
        return self.items.get(f"{namespace}/{name}")

    def list(self, namespace: str = "") -> list[Cached]:
        """All objects, of one namespace or all, in order."""
        items = self.items
        return [items[key] for key in _of_namespace(self._keys, namespace)]

    def count(self, namespace: str) -> int:
        """How many objects a namespace holds."""
        return bisect_left(self._keys, f"{namespace}0") - bisect_left(self._keys, f"{namespace}/")

    def list_at(self, revision: int, namespace: str = "") -> _Items:
        """The objects as they were at `revision`. Raises ApiError (410) where the log does not reach back."""
        if revision < self.floor:
            raise expired(TOO_OLD.format(revision, self.floor))
        items = dict(self.items)
        for change in reversed(self._log[self._position(revision) :]):
            key = change.newest.key
            if change.old is None:
                items.pop(key, None)
            else:
                items[key] = change.old
        return [items[key] for key in _of_namespace(sorted(items), namespace)]

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` on every change from now on: for what derives from these objects (rules, catalog). Must not raise."""
        self._listeners.append(listener)

    def seed(self, items: Iterable[Cached]) -> None:
        """Begin with these objects."""
        self.items = {item.key: item for item in items}
        self._keys = sorted(self.items)
        self.version += 1

    def apply(self, change: Change) -> None:
        """Take in the next change."""
        if change.new is not None:
            key = change.new.key
            if key not in self.items:
                insort(self._keys, key)
            self.items[key] = change.new
        elif change.old is not None:
            key = change.old.key
            if self.items.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
        self.version += 1
        self._log.append(change)
        if len(self._log) > KEPT_LINES:
            self._log[-KEPT_LINES - 1].forget_lines()
        if len(self._log) > 2 * LOG_EVENTS:
            self._drop(len(self._log) - LOG_EVENTS)
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:
                log.exception("listener of %s failed", self.group_resource)

    def wake(self) -> None:
        """Wake those who wait for changes: callers of this process at once, clients soon."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            _finish(waiter)
        self.watchers.wake()

    def position(self, revision: int) -> int:
        """Where in the log the changes after `revision` begin. Raises ApiError (410)."""
        if revision < self.floor:
            raise expired(TOO_OLD.format(revision, self.floor))
        return self._position(revision) + self._dropped

    def end(self) -> int:
        """The position after the newest change."""
        return len(self._log) + self._dropped

    def changes(self, position: int) -> _Changes:
        """The changes from `position` on. Raises ApiError (410) for one who was too slow."""
        if position < self._dropped:
            raise expired("The resourceVersion for the provided watch is too old.")
        return self._log[position - self._dropped :]

    async def wait(self, position: int, timeout_s: float) -> None:
        """Return when there are changes from `position` on, or after `timeout_s`."""
        if position < self.end():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        timer = asyncio.get_running_loop().call_later(timeout_s, _finish, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)

    def restart(self, floor: int) -> None:
        """Forget the log: continuity is lost, and every watch from before `floor` ends."""
        self._drop(len(self._log))
        self._dropped += 1
        self.floor = floor
        self.wake()

    def _position(self, revision: int) -> int:
        return bisect_right(self._log, revision, key=lambda change: change.revision)

    def forget(self, revision: int) -> None:
        """Let go of the changes up to `revision`: the store has forgotten them too."""
        self._drop(self._position(revision))

    def _drop(self, count: int) -> None:
        if count:
            self.floor = self._log[count - 1].revision
            del self._log[:count]
            self._dropped += count


TOO_OLD = "too old resource version: {} ({})"


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _of_namespace(keys: list[str], namespace: str) -> list[str]:
    """The part of the sorted `keys` that lies in `namespace`."""
    if not namespace:
        return keys
    return keys[bisect_left(keys, f"{namespace}/") : bisect_left(keys, f"{namespace}0")]


class Cache:
    """All collections at one revision, kept up to date from the store by `run`."""

    def __init__(self, store: Store) -> None:
        self.revision = 0
        self._store = store
        #: Decrypts what was read from the store, by its key there.
        self.unseal: Callable[[str, bytes], bytes] | None = None
        self._collections: dict[str, Collection] = {}
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._floor = 0

    def collection(self, group_resource: str) -> Collection:
        """The collection of `pods`, `deployments.apps`, ..."""
        found = self._collections.get(group_resource)
        if found is None:
            found = self._collections[group_resource] = Collection(group_resource, self._floor)
        return found

    def collections(self) -> list[Collection]:
        """Every collection that was ever asked for or holds something."""
        return list(self._collections.values())

    def forget(self, revision: int) -> None:
        """Keep no history up to `revision`."""
        for collection in self._collections.values():
            collection.forget(revision)

    async def load(self) -> None:
        """Read everything once. Call before `run`."""
        entries, self.revision = await self._store.list("")
        self._floor = self.revision
        for collection, items in self._sort(entries):
            collection.floor = self.revision
            collection.seed(items)

    async def run(self) -> None:
        """Follow the store until cancelled."""
        while True:
            try:
                async for batch in self._store.watch("", self.revision):
                    self.apply(batch)
            except Compacted:
                log.warning("the store has compacted events not yet seen: reading everything again")
                await self._reload()
            except Exception:
                log.exception("the watch of the store failed")
            await asyncio.sleep(RESTART_PAUSE_S)

    def apply(self, batch: list[Event]) -> None:
        """Take in events of the store, in their order."""
        touched: dict[str, Collection] = {}
        for event in batch:
            if event.revision <= self.revision:
                continue
            group_resource, namespace, name = event.key.split("/", 2)
            collection = self.collection(group_resource)
            old = collection.get(namespace, name)
            new = None if event.type == "DELETE" else self._cached(event.key, namespace, name, event.value, event.revision)
            if new is not None or old is not None:
                collection.apply(Change(event.revision, new, old))
                touched[group_resource] = collection
            self.revision = event.revision
        for collection in touched.values():
            collection.wake()
        self._wake()

    async def wait(self, revision: int, timeout_s: float = 10.0) -> bool:
        """Wait until the cache has reached `revision`; False where it has not within `timeout_s`."""
        if self.revision >= revision:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (revision, next(self._order), waiter))
        timer = asyncio.get_running_loop().call_later(timeout_s, _finish, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
        return self.revision >= revision

    def opened(self, key: str, value: bytes) -> bytes:
        """The object's bytes of what is stored (which may be encrypted)."""
        return value if self.unseal is None else self.unseal(key, value)

    def _wake(self) -> None:
        while self._waiters and self._waiters[0][0] <= self.revision:
            _finish(heapq.heappop(self._waiters)[2])

    def _cached(self, key: str, namespace: str, name: str, value: bytes, revision: int) -> Cached:
        return Cached(namespace, name, with_revision(self.opened(key, value), revision), revision)

    def _sort(self, entries: Iterable[Entry]) -> list[tuple[Collection, list[Cached]]]:
        items: dict[str, list[Cached]] = {}
        for entry in entries:
            group_resource, namespace, name = entry.key.split("/", 2)
            cached = self._cached(entry.key, namespace, name, entry.value, entry.revision)
            items.setdefault(group_resource, []).append(cached)
        return [(self.collection(name), found) for name, found in items.items()]

    async def _reload(self) -> None:
        entries, revision = await self._store.list("")
        fresh = dict(self._sort(entries))
        for collection in self.collections():
            known = dict(collection.items)
            for item in fresh.get(collection, ()):
                old = known.pop(item.key, None)
                if old is None or old.revision != item.revision:
                    collection.apply(Change(item.revision, item, old))
            for old in known.values():
                collection.apply(Change(revision, None, old))
            collection.restart(revision)
        self.revision = self._floor = revision
        self._wake()
