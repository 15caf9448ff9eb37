"""Events: what happened to an object, for people. Repeated ones are counted, not multiplied.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ (written as core/v1 Events).
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from typing import Literal

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client

log = logging.getLogger(__name__)

REMEMBERED_EVENTS = 4096
QUEUE_LIMIT = 1000
MESSAGE_LIMIT_CHARS = 1024


class Recorder:
    """Writes events in the background and in order; `record` never waits and never fails."""

    def __init__(self, client: Client, component: str, clock: Clock, host: str = "") -> None:
        self._client = client
        self._clock = clock
        self._source = {"component": component} | ({"host": host} if host else {})
        self._queue: asyncio.Queue[tuple[Object, str, str, str, float]] = asyncio.Queue(QUEUE_LIMIT)
        self._seen: OrderedDict[tuple[str, ...], tuple[str, int]] = OrderedDict()

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
        reference = {k: v for k, v in reference.items() if v}
        try:
            self._queue.put_nowait((reference, type, reason, message[:MESSAGE_LIMIT_CHARS], self._clock.now()))
        except asyncio.QueueFull:
            log.warning("event dropped: %s %s %s", reference.get("name"), reason, message)

    async def run(self) -> None:
        """Write what is recorded, until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._write(*event)
            except ApiError as error:
                log.debug("event not written: %s", error)
            except OSError as error:
                log.debug("event not written: %r", error)
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        """Return when everything recorded so far was written."""
        await self._queue.join()

    async def _write(self, about: Object, type: str, reason: str, message: str, at_s: float) -> None:
        identity = (about.get("uid", ""), about["name"], about.get("fieldPath", ""), type, reason, message)
        namespace = about.get("namespace", "default")
        known = self._seen.get(identity)
        if known is not None:
            name, count = known
            patch = {"count": count + 1, "lastTimestamp": rfc3339(at_s)}
            try:
                await self._client.patch("events", name, patch, namespace)
            except ApiError as error:
                if error.code != 404:
                    raise
            else:
                self._remember(identity, name, count + 1)
                return
        name = f"{about['name']}.{int(at_s * 1e9):x}{secrets.token_hex(1)}"
        event: Object = {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "source": self._source,
            "firstTimestamp": rfc3339(at_s),
            "lastTimestamp": rfc3339(at_s),
            "count": 1,
            "type": type,
            "eventTime": None,
            "reportingComponent": self._source["component"],
            "reportingInstance": self._source.get("host", ""),
        }
        await self._client.create("events", event, namespace)
        self._remember(identity, name, 1)

    def _remember(self, identity: tuple[str, ...], name: str, count: int) -> None:
        self._seen[identity] = (name, count)
        self._seen.move_to_end(identity)
        while len(self._seen) > REMEMBERED_EVENTS:
            self._seen.popitem(last=False)
