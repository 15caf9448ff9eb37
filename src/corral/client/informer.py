"""An informer holds a live copy of a collection as bytes, tells its listeners of changes, and answers from indexes.

It lists, then watches from the list's revision; when a watch ends it resumes, and on 410 it lists again and reports the
difference. See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Key, Object
from corral.client.client import Client
from corral.client.transport import Item

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.05
RETRY_MAX_S = 5.0

Index = Callable[[Object], Iterable[str]]


class Change(Struct, frozen=True):
    """`old` is None for a new object, `new` for a deleted one."""

    old: Item | None
    new: Item | None

    @property
    def key(self) -> Key:
        """The key of the object that changed."""
        item = self.new or self.old
        assert item is not None
        return item.key

    @property
    def object(self) -> Object:
        """The newest state there is: of a deleted object, its last."""
        item = self.new or self.old
        assert item is not None
        return item.object


class Informer:
    """The live copy of one collection. `indexes` map a name to a function from an object to its values."""

    def __init__(
        self,
        client: Client,
        resource: str,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        indexes: Mapping[str, Index] | None = None,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self._client = client
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._items: dict[Key, Item] = {}
        self._indexes: dict[str, Index] = dict(indexes or {})
        self._buckets: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in self._indexes}
        self._listeners: list[Callable[[Change], None]] = []
        self._revision = ""

    @property
    def revision(self) -> int:
        """Every change of the collection up to this revision is in the copy."""
        return int(self._revision or 0)

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` for every change from now on, and once for every object already there."""
        self._listeners.append(listener)
        for item in self._items.values():
            listener(Change(None, item))

    def add_index(self, name: str, index: Index) -> None:
        """Index also by `index`; the same name twice is one index."""
        if name in self._indexes:
            return
        self._indexes[name] = index
        self._buckets[name] = {}
        for item in self._items.values():
            self._file(name, item)

    def get(self, namespace: str, name: str) -> Object | None:
        """One object, read-only."""
        item = self._items.get(Key(namespace, name))
        return None if item is None else item.object

    def items(self) -> Iterator[Item]:
        """All items."""
        return iter(list(self._items.values()))

    def objects(self, namespace: str = "") -> list[Object]:
        """All objects, or those of one namespace, read-only."""
        return [i.object for i in self._items.values() if not namespace or i.key.namespace == namespace]

    def indexed(self, index: str, value: str) -> list[Object]:
        """The objects for which the index function gave `value`, read-only."""
        return [self._items[key].object for key in self._buckets[index].get(value, ())]

    def keys(self, index: str, value: str) -> list[Key]:
        """The keys of the same objects, none of which is parsed."""
        return list(self._buckets[index].get(value, ()))

    def __len__(self) -> int:
        return len(self._items)

    async def run(self) -> None:
        """List and watch until cancelled."""
        delay_s = RETRY_FIRST_S
        relist = True
        while True:
            before = self._revision
            try:
                if relist:
                    await self._list()
                    relist = False
                await self._watch()
            except ApiError as error:
                relist = relist or error.code == 410
                if error.code != 410:
                    log.warning("watch of %s: %s; again in %.2f s", self.resource, error, delay_s)
            except (OSError, TimeoutError) as error:
                log.debug("watch of %s: %r; again in %.2f s", self.resource, error, delay_s)
            except Exception:
                log.exception("watch of %s; again in %.2f s", self.resource, delay_s)
            # A watch that brought something is resumed at once; a server that only ends watches is not asked in a tight loop.
            if self._revision != before:
                delay_s = RETRY_FIRST_S
            else:
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _list(self) -> None:
        listing = await self._client.list(
            self.resource,
            self._namespace,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        fresh = {item.key: item for item in listing.items}
        for key in [key for key in self._items if key not in fresh]:
            self._apply(key, None)
        for key, item in fresh.items():
            known = self._items.get(key)
            if known is None or known.revision != item.revision:
                if known is not None and known.object["metadata"].get("uid") != item.object["metadata"].get("uid"):
                    self._apply(key, None)  # Deleted and made anew while nobody watched: two changes.
                self._apply(key, item)
        self._revision = listing.revision
        self.synced.set()

    async def _watch(self) -> None:
        events = self._client.watch(
            self.resource,
            self._namespace,
            revision=self._revision,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        async for event in events:
            if event.type == "DELETED":
                self._apply(event.item.key, None, event.item)
            elif event.type != "BOOKMARK":
                self._apply(event.item.key, event.item)
            self._revision = str(event.item.revision)

    def _apply(self, key: Key, new: Item | None, last: Item | None = None) -> None:
        old = self._items.get(key)
        if old is None and new is None:
            return
        if old is not None:
            for name in self._indexes:
                self._unfile(name, old)
        if new is None:
            del self._items[key]
            old = last or old
        else:
            self._items[key] = new
            for name in self._indexes:
                self._file(name, new)
        change = Change(old, new)
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:
                log.exception("a listener to %s failed at %s", self.resource, key)

    def _file(self, name: str, item: Item) -> None:
        buckets = self._buckets[name]
        for value in self._indexes[name](item.object):
            buckets.setdefault(value, {})[item.key] = None

    def _unfile(self, name: str, item: Item) -> None:
        buckets = self._buckets[name]
        for value in self._indexes[name](item.object):
            bucket = buckets.get(value)
            if bucket is not None:
                bucket.pop(item.key, None)
                if not bucket:
                    del buckets[value]


class Informers:
    """The informers that the parts of one process share: one copy and one watch a resource."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._informers: dict[str, Informer] = {}
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def get(self, resource: str, indexes: Mapping[str, Index] | None = None) -> Informer:
        """The shared informer of all objects of `resource`, with these indexes added."""
        informer = self._informers.get(resource)
        if informer is None:
            informer = self._informers[resource] = Informer(self._client, resource)
            self._start(informer)
        for name, index in (indexes or {}).items():
            informer.add_index(name, index)
        return informer

    def drop(self, resource: str) -> None:
        """Watch `resource` no more: it is not served any longer."""
        self._informers.pop(resource, None)
        task = self._tasks.pop(resource, None)
        if task is not None:
            task.cancel()

    async def run(self) -> None:
        """Run every informer asked for so far or later, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for informer in self._informers.values():
                    self._start(informer)
                await asyncio.Event().wait()
        finally:
            self._group = None
            self._tasks.clear()

    async def wait_synced(self) -> None:
        """Return when every informer asked for so far has listed once."""
        for informer in list(self._informers.values()):
            await informer.synced.wait()

    def _start(self, informer: Informer) -> None:
        if self._group is not None:
            task = self._group.create_task(informer.run(), name=f"informer {informer.resource}")
            self._tasks[informer.resource] = task


def by_node(obj: Object) -> Iterable[str]:
    """Index of pods: the node they are bound to ('' while they wait)."""
    return [obj.get("spec", {}).get("nodeName", "")]


def by_namespace(obj: Object) -> Iterable[str]:
    """Index: the namespace."""
    return [obj["metadata"].get("namespace", "")]
