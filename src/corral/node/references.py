"""The ConfigMaps and Secrets that pods refer to: fetched once, then watched one by one for as long as a pod needs them.

One watch an object, as the node's authorization allows no more.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from msgspec import Struct, field

from corral.api import podreferences
from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock, Timer
from corral.client.client import Client
from corral.client.informer import Change, Informer

FETCH_TIMEOUT_S = 10.0
#: So long a ConfigMap that nobody uses any more is still watched: often the next pod of its namespace uses it, too.
LINGER_S = 30.0


class Reference(NamedTuple):
    """`resource` is `configmaps` or `secrets`."""

    resource: str
    namespace: str
    name: str


class _Entry(Struct, eq=False):
    informer: Informer
    task: asyncio.Task[None] | None = None
    users: set[str] = field(default_factory=set)
    #: Those of them who wait for the first fetch, and need not be told of it.
    waiting: set[str] = field(default_factory=set)
    #: When it ends, where nobody uses it.
    ending: Timer | None = None


class References:
    """What pods refer to. `changed(uid)` is called when something that pod `uid` uses has changed."""

    def __init__(self, client: Client, changed: Callable[[str], None], clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._changed = changed
        self._entries: dict[Reference, _Entry] = {}

    async def use(self, uid: str, references: Iterable[Reference]) -> None:
        """Have pod `uid` use exactly these, and return when all have been fetched once. Raises TimeoutError, ApiError."""
        wanted = set(references)
        for reference in [r for r, e in self._entries.items() if uid in e.users and r not in wanted]:
            self._leave(uid, reference)
        new = [self._join(uid, reference) for reference in wanted]
        unfetched = [entry for entry in new if not entry.informer.synced.is_set()]
        if not unfetched:
            return
        for entry in unfetched:
            entry.waiting.add(uid)
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                await asyncio.gather(*(entry.informer.synced.wait() for entry in unfetched))
        finally:
            for entry in unfetched:
                entry.waiting.discard(uid)

    def release(self, uid: str) -> None:
        """Pod `uid` uses nothing any more."""
        for reference in [r for r, e in self._entries.items() if uid in e.users]:
            self._leave(uid, reference)

    def get(self, reference: Reference) -> Object | None:
        """The object, read-only; None where there is none (or nobody asked for it)."""
        entry = self._entries.get(reference)
        return None if entry is None else entry.informer.get(reference.namespace, reference.name)

    async def close(self) -> None:
        """Watch nothing any more."""
        tasks = [e.task for e in self._entries.values() if e.task is not None]
        for entry in self._entries.values():
            if entry.ending is not None:
                entry.ending.cancel()
        self._entries.clear()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, ApiError, OSError):
                await task

    def _join(self, uid: str, reference: Reference) -> _Entry:
        entry = self._entries.get(reference)
        if entry is None:
            selector = f"metadata.name={reference.name}"
            informer = Informer(self._client, reference.resource, namespace=reference.namespace, field_selector=selector)
            entry = self._entries[reference] = _Entry(informer)
            informer.listen(lambda change: self._tell(reference, change))
            entry.task = asyncio.create_task(informer.run(), name=f"watch {reference.resource} {reference.name}")
        if entry.ending is not None:
            entry.ending.cancel()
            entry.ending = None
        entry.users.add(uid)
        return entry

    def _tell(self, reference: Reference, change: Change) -> None:
        del change
        entry = self._entries.get(reference)
        for uid in entry.users - entry.waiting if entry is not None else ():
            self._changed(uid)

    def _leave(self, uid: str, reference: Reference) -> None:
        entry = self._entries[reference]
        entry.users.discard(uid)
        if entry.users:
            return
        if reference.resource == "configmaps":
            entry.ending = self._clock.call_later(LINGER_S, partial(self._end, reference))
        else:
            self._end(reference)  # Nothing secret is held longer than it is needed.

    def _end(self, reference: Reference) -> None:
        entry = self._entries.pop(reference)
        if entry.task is not None:
            entry.task.cancel()


def references(pod: Object) -> list[Reference]:
    """All that a pod refers to: environment, volumes and image pull secrets. The server lets its node read just these."""
    namespace, spec = pod["metadata"].get("namespace", ""), pod["spec"]
    found = [Reference("configmaps", namespace, name) for name in sorted(podreferences.config_maps(spec))]
    return found + [Reference("secrets", namespace, name) for name in sorted(podreferences.secrets(spec))]
