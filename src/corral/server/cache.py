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
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol

import msgspec

from corral.api.errors import expired
from corral.api.objects import Object, parse
from corral.api.serialize import with_revision
from corral.store.contract import Compacted, Entry, Event, Store

log = logging.getLogger(__name__)

#: Events kept by a collection, at least; at most twice as many.
LOG_EVENTS = 4096
RESTART_PAUSE_S = 0.2
#: How long events gather for the watchers of one collection: longer for more of them, not at all for a few.
PAUSE_PER_WATCHER_S = 50e-6
MIN_PAUSE_S = 2e-3
MAX_PAUSE_S = 50e-3

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class _Meta(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Head(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_decode_head = msgspec.json.Decoder(_Head).decode
_NO_LABELS: Mapping[str, str] = {}


class Cached:
    """One state of one object: bytes, and what selectors look at, found when first asked for."""

    __slots__ = ("_labels", "name", "namespace", "raw", "revision")

    def __init__(self, namespace: str, name: str, raw: bytes, revision: int) -> None:
        self.namespace = namespace
        self.name = name
        self.raw = raw
        self.revision = revision
        self._labels: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """`namespace/name`, the order of lists."""
        return f"{self.namespace}/{self.name}"

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        if self._labels is None:
            self._labels = _decode_head(self.raw).metadata.labels or _NO_LABELS
        return self._labels

    @property
    def object(self) -> Object:
        """The parsed object: shared, never to be changed."""
        return parse(self.raw)

    def at(self, revision: int) -> "Cached":
        """This state with another revision: what is told of an object that went at `revision`."""
        old = b'"resourceVersion":"%d"' % self.revision
        raw = self.raw.replace(old, b'"resourceVersion":"%d"' % revision, 1)
        return Cached(self.namespace, self.name, raw, revision)


class Filter(Protocol):
    """Which objects a list or watch wants."""

    def matches(self, item: Cached) -> bool:
        """Whether it wants `item`."""


class View(Protocol):
    """How a watcher wants objects (as they are, in another version, as table rows). Equal views share lines."""

    def encode(self, item: Cached) -> bytes:
        """The bytes of the object in this view."""


class Change:
    """One event of a collection: `new` is None for a deletion, `old` for a creation."""

    __slots__ = ("_lines", "new", "old", "revision")

    def __init__(self, revision: int, new: Cached | None, old: Cached | None) -> None:
        self.revision = revision
        self.new = new
        self.old = old
        self._lines: dict[tuple[EventType, View | None], bytes] = {}

    def seen_by(self, filter: Filter | None) -> tuple[EventType, Cached] | None:
        """The event as one with this filter sees it: objects enter and leave a selector."""
        had = self.old is not None and (filter is None or filter.matches(self.old))
        has = self.new is not None and (filter is None or filter.matches(self.new))
        if has:
            assert self.new is not None
            return ("MODIFIED" if had else "ADDED"), self.new
        if had:
            assert self.old is not None
            return "DELETED", self.old.at(self.revision)
        return None

    def line(self, filter: Filter | None, view: View | None) -> bytes:
        """The event's line in a watch, b"" where the filter hides it."""
        seen = self.seen_by(filter)
        if seen is None:
            return b""
        type, item = seen
        line = self._lines.get((type, view))
        if line is None:
            body = item.raw if view is None else view.encode(item)
            line = self._lines[type, view] = watch_line(type, body)
        return line


def watch_line(type: str, body: bytes) -> bytes:
    """One event of a watch stream."""
    return b"".join((b'{"type":"', type.encode(), b'","object":', body, b"}\n"))


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
        self._urgent: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
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

    def list_at(self, revision: int, namespace: str = "") -> _Items:
        """The objects as they were at `revision`. Raises ApiError (410) where the log does not reach back."""
        if revision < self.floor:
            raise expired(TOO_OLD.format(revision, self.floor))
        items = dict(self.items)
        for change in reversed(self._log[self._position(revision) :]):
            key = (change.new or change.old).key  # type: ignore[union-attr]
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
        if len(self._log) > 2 * LOG_EVENTS:
            self._drop(len(self._log) - LOG_EVENTS)
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:
                log.exception("listener of %s failed", self.group_resource)

    def wake(self) -> None:
        """Wake those who wait for changes: callers of this process at once, a crowd of clients after a moment.

        A write to a client costs the same for one event and for ten: with many watchers, waiting lets events gather.
        """
        urgent, self._urgent = self._urgent, set()
        for waiter in urgent:
            _finish(waiter)
        pause_s = min(len(self._waiters) * PAUSE_PER_WATCHER_S, MAX_PAUSE_S)
        if pause_s < MIN_PAUSE_S:
            self._wake_all()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._wake_all)

    def _wake_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            _finish(waiter)

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

    async def wait(self, position: int, timeout_s: float, *, urgent: bool = False) -> None:
        """Return when there are changes from `position` on, or after `timeout_s`; `urgent` waiters do not wait for others."""
        if position < self.end() and (urgent or self._timer is None):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._waiters).add(waiter)
        timer = asyncio.get_running_loop().call_later(timeout_s, _finish, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)
            self._urgent.discard(waiter)

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
