"""Events: what happened to an object, for people. Repeated ones are counted, many alike are combined, floods are cut off.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ (written as core/v1 Events). The limits are
those of the reference's event correlator.
"""

import asyncio
import contextlib
import itertools
import logging
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Any, Literal, NamedTuple

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1000
WRITES_AT_ONCE = 16
#: So long after it happened an event is written, with what happened meanwhile: people can wait, what they are told of cannot.
COLLECT_S = 0.25
MESSAGE_LIMIT_CHARS = 1024
REMEMBERED = 4096
#: So many different messages of one reason about one object within the window are combined into one event.
SIMILAR_LIMIT = 10
SIMILAR_WINDOW_S = 600.0
#: At most so many events about one object in a row; then one in so many seconds.
BURST = 25
REFILL_S = 300.0


class _Event(NamedTuple):
    about: Object
    type: str
    reason: str
    message: str
    at_s: float

    @property
    def subject(self) -> Hashable:
        """What the event is about: events of one subject are written in order."""
        return self.about.get("uid", ""), self.about.get("namespace", ""), self.about["name"]

    @property
    def kind(self) -> Hashable:
        """What events that are counted or combined have in common."""
        return self.subject, self.about.get("fieldPath", ""), self.type, self.reason


class Recorder:
    """Writes events in the background; `record` never waits and never fails."""

    def __init__(self, client: Client, component: str, clock: Clock, host: str = "") -> None:
        self._client = client
        self._clock = clock
        self._source = {"component": component} | ({"host": host} if host else {})
        self._queue: deque[_Event] = deque()
        self._filled = asyncio.Event()
        self._hurried = asyncio.Event()
        self._written = asyncio.Condition()
        self._open = 0
        self._count = itertools.count()
        self._names = _Memory()
        self._similar = _Memory()
        self._budgets = _Memory()

    def record(
        self, about: Object, type: Literal["Normal", "Warning"], reason: str, message: str, field_path: str = ""
    ) -> None:
        """Tell of `about` (an object with kind, apiVersion and metadata)."""
        meta = about["metadata"]
        reference = {
            "kind": about.get("kind", ""),
            "apiVersion": about.get("apiVersion", ""),
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            "resourceVersion": meta.get("resourceVersion", ""),
            "fieldPath": field_path,
        }
        event = _Event(
            {k: v for k, v in reference.items() if v}, type, reason, message[:MESSAGE_LIMIT_CHARS], self._clock.now()
        )
        if len(self._queue) >= QUEUE_LIMIT or not self._spend(event):
            log.debug("event dropped: %s %s %s", meta["name"], reason, message)
            return
        self._queue.append(event)
        self._open += 1
        self._filled.set()

    async def run(self) -> None:
        """Write what is recorded, until cancelled: several at a time, but never two about one object."""
        while True:
            await self._filled.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COLLECT_S):
                    await self._hurried.wait()
            while self._queue:
                await self._write_some()
            self._filled.clear()
            self._hurried.clear()

    async def _write_some(self) -> None:
        batch: dict[Hashable, _Event] = {}
        while self._queue and len(batch) < WRITES_AT_ONCE and self._queue[0].subject not in batch:
            event = self._queue.popleft()
            batch[event.subject] = event
        try:
            await asyncio.gather(*map(self._try, batch.values()))
        finally:
            self._open -= len(batch)
        async with self._written:
            self._written.notify_all()

    def hurry(self) -> None:
        """Write at once what is being collected: who sees what it tells of will ask for it."""
        if self._queue:
            self._hurried.set()

    async def flush(self) -> None:
        """Return when everything recorded so far was written, which is begun at once."""
        self.hurry()
        async with self._written:
            await self._written.wait_for(lambda: self._open == 0)

    def _spend(self, event: _Event) -> bool:
        """Whether one more event about its subject is not too much."""
        left, at_s = self._budgets.get(event.subject) or (float(BURST), event.at_s)
        left = min(float(BURST), left + (event.at_s - at_s) / REFILL_S)
        if left < 1:
            return False
        self._budgets.keep(event.subject, (left - 1, event.at_s))
        return True

    def _combined(self, event: _Event) -> tuple[Hashable, str]:
        """The identity under which the event is counted, and its message: its own, or that of many alike."""
        messages, at_s = self._similar.get(event.kind) or (frozenset(), event.at_s)
        if event.at_s - at_s > SIMILAR_WINDOW_S:
            messages = frozenset()
        if len(messages) >= SIMILAR_LIMIT and event.message not in messages:
            self._similar.keep(event.kind, (messages, event.at_s))
            return event.kind, f"(combined from similar events): {event.message}"
        self._similar.keep(event.kind, (messages | {event.message}, event.at_s))
        return (event.kind, event.message), event.message

    async def _try(self, event: _Event) -> None:
        try:
            await self._write(event)
        except (ApiError, OSError) as error:
            log.debug("event not written: %s", error)

    async def _write(self, event: _Event) -> None:
        identity, message = self._combined(event)
        namespace, now = event.about.get("namespace", "default"), rfc3339(event.at_s)
        name, count = self._names.get(identity) or ("", 0)
        if count:
            patch = {"count": count + 1, "lastTimestamp": now, "message": message}
            try:
                await self._client.patch("events", name, patch, namespace)
            except ApiError as error:
                if error.code != 404:
                    raise
            else:
                self._names.keep(identity, (name, count + 1))
                return
        # Two at one instant still get two names.
        name = f"{event.about['name']}.{int(event.at_s * 1e9) + next(self._count):x}"
        body: Object = {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": event.about,
            "reason": event.reason,
            "message": message,
            "source": self._source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": event.type,
            "eventTime": None,
            "reportingComponent": self._source["component"],
            "reportingInstance": self._source.get("host", ""),
        }
        await self._client.create("events", body, namespace)
        self._names.keep(identity, (name, 1))


class _Memory:
    """The newest REMEMBERED facts."""

    def __init__(self) -> None:
        self._facts: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        return self._facts.get(key)

    def keep(self, key: Hashable, fact: Any) -> None:
        self._facts[key] = fact
        self._facts.move_to_end(key)
        if len(self._facts) > REMEMBERED:
            self._facts.popitem(last=False)
