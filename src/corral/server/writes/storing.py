"""The last steps of a write: bytes, the store, and the answer once reads show it too."""

from typing import NamedTuple

import orjson

from corral.api.errors import ApiError, already_exists
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.api.serialize import serialize, with_revision
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.deletion import may_go
from corral.store.contract import Entry, KeyExists, Mismatch

#: No object is larger than this; etcd's limit of a request.
MAX_OBJECT_BYTES = 3 * 1024 * 1024 // 2


class Written(NamedTuple):
    """The outcome of a write: the object as stored, its bytes, and whether it is new."""

    object: Object
    raw: bytes
    created: bool = False


class LostError(Exception):
    """Another write was faster; `current` is what it has left."""

    def __init__(self, current: Entry | None) -> None:
        super().__init__()
        self.current = current


class Storing:
    """Puts objects, in the version whose rules their write follows, into the store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def read(self, key: str, namespace: str, name: str) -> Cached | None:
        """What the store holds, past the cache."""
        return self.cached(await self._core.store.get(key), namespace, name)

    def cached(self, entry: Entry | None, namespace: str, name: str) -> Cached | None:
        """An entry of the store as the cache would hold it."""
        if entry is None:
            return None
        raw = with_revision(self._core.cache.opened(entry.key, entry.value), entry.revision)
        return Cached(namespace, name, raw, entry.revision)

    async def create(self, resource: Resource, obj: Object, *, dry_run: bool) -> Written:
        """Store a new object. Raises ApiError where there is one already."""
        core, meta = self._core, obj["metadata"]
        namespace, name = meta.get("namespace", ""), meta.get("name", "")
        raw = _storable(serialize(await core.as_stored(resource, obj)))
        if dry_run:
            if core.collection(resource).get(namespace, name) is not None:
                raise already_exists(resource.plural, resource.group, name)
            return await self._returned(resource, Written(obj, _without_revision(raw), True))
        key = core.store_key(resource, namespace, name)
        try:
            entry = await core.store.create(key, core.sealed(key, raw))
        except KeyExists:
            raise already_exists(resource.plural, resource.group, name) from None
        return await self._acknowledged(resource, entry, raw, obj, created=True)

    async def replace(self, resource: Resource, key: str, current: Cached, obj: Object, *, dry_run: bool) -> Written:
        """Store an object in place of `current`; one that waits for nothing but its end goes. Raises LostError."""
        core, meta = self._core, obj["metadata"]
        raw = _storable(serialize(await core.as_stored(resource, obj)))
        if dry_run:
            return await self._returned(resource, _written(obj, raw, current.revision))
        try:
            if meta.get("deletionTimestamp") and may_go(obj):
                await core.cache.wait((await core.store.delete(key, current.revision)).revision)
                return await self._returned(resource, _written(obj, raw, current.revision))
            entry = await core.store.update(key, core.sealed(key, raw), current.revision)
        except Mismatch as mismatch:
            raise LostError(mismatch.current) from None
        return await self._acknowledged(resource, entry, raw, obj)

    async def _acknowledged(
        self, resource: Resource, entry: Entry, raw: bytes, obj: Object, *, created: bool = False
    ) -> Written:
        """The answer of an acknowledged write, when reads show it too."""
        await self._core.cache.wait(entry.revision)
        return await self._returned(resource, _written(obj, raw, entry.revision, created=created), entry.revision)

    async def _returned(self, resource: Resource, written: Written, revision: int = 0) -> Written:
        """The object as it comes back: where it is stored in another version, a webhook decides what it is in this one."""
        core = self._core
        if resource.version == resource.storage_version or not core.is_webhook_converted(resource):
            return written
        meta = written.object["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        item = core.collection(resource).get(namespace, name)
        if item is None or item.revision != revision:
            item = Cached(namespace, name, written.raw, revision)
        await core.prepare(resource, (item,))
        shown = core.shown(resource, item)
        return Written(orjson.loads(shown), shown, written.created)


def _written(obj: Object, raw: bytes, revision: int, *, created: bool = False) -> Written:
    obj["metadata"]["resourceVersion"] = str(revision)
    return Written(obj, with_revision(raw, revision), created)


def _without_revision(raw: bytes) -> bytes:
    return raw.replace(b'"resourceVersion":"",', b"", 1)


def _storable(raw: bytes) -> bytes:
    """An object's bytes, if they are not too many: patches could let it grow without end. Raises ApiError (500)."""
    if len(raw) > MAX_OBJECT_BYTES:
        raise ApiError(500, "", "etcdserver: request is too large")
    return raw
