"""Runs a reconciler: keys come from informers, failures come back with backoff, wishes for later are kept.

A reconciler is level-triggered: it gets a key, never a reason. It reads informers, plans, acts, and may return the
seconds after which it wants to see the key again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from corral.api.errors import ApiError
from corral.api.objects import Key, Object
from corral.base.backoff import Backoff
from corral.base.clock import Clock, SystemClock
from corral.client.informer import Change, Informer
from corral.loop.queue import KeyQueue

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.005
MAX_RETRY_S = 60.0
DEFAULT_WORKERS = 4

#: Somebody was faster: the object is gone, is there already, or has changed. The next look is at the newer state.
_EXPECTED_CODES = (404, 409)

Reconcile = Callable[[Key], Awaitable[float | None]]
Companion = Callable[[], Awaitable[None]]
ToKeys = Callable[[Object], Iterable[Key]]


class Controller:
    """One control loop."""

    def __init__(
        self,
        name: str,
        reconcile: Reconcile,
        workers: int = DEFAULT_WORKERS,
        clock: Clock | None = None,
        companions: tuple[Companion, ...] = (),
    ) -> None:
        """`reconcile(key)` returns None, or seconds until it wants to look again.

        `companions` run beside the workers for as long as they do, such as an event recorder.
        """
        self.name = name
        self.reconcile = reconcile
        self.workers = workers
        self.clock = clock or SystemClock()
        self.companions = companions
        self.queue = KeyQueue(self.clock)
        #: How often a key failed and came again.
        self.retries = 0
        self._informers: list[Informer] = []
        self._retries = Backoff(self.clock, FIRST_RETRY_S, MAX_RETRY_S)

    def watch(self, informer: Informer, to_keys: ToKeys | None = None) -> None:
        """Queue the keys that `to_keys` gives for the old and the new object of each change (default: its own key)."""
        if informer not in self._informers:
            self._informers.append(informer)

        def changed(change: Change) -> None:
            if to_keys is None:
                self.queue.add(change.key)
                return
            for item in (change.old, change.new):
                if item is not None:
                    for key in to_keys(item.object):
                        self.queue.add(key)

        informer.listen(changed)

    async def run(self) -> None:
        """Wait for the informers, then work until cancelled."""
        for informer in self._informers:
            await informer.synced.wait()
        try:
            async with asyncio.TaskGroup() as group:
                for i in range(self.workers):
                    group.create_task(self._work(), name=f"{self.name} {i}")
                for companion in self.companions:
                    group.create_task(_run(companion), name=f"{self.name} companion")
        finally:
            self.queue.close()

    async def _work(self) -> None:
        while True:
            key = await self.queue.take()
            try:
                again_s = await self.reconcile(key)
            except Exception as error:
                self._failed(key, error)
            else:
                self._retries.forget(key)
                if again_s is not None:
                    self.queue.add_after(key, again_s)
            finally:
                self.queue.done(key)
            # A reconcile that had nothing to wait for must not keep the others of this event loop waiting.
            await asyncio.sleep(0)

    def _failed(self, key: Key, error: Exception) -> None:
        delay_s = self._retries.next(key)
        self.retries += 1
        if isinstance(error, ApiError) and error.code in _EXPECTED_CODES:
            log.debug("%s: %s: %s; again in %.3f s", self.name, key, error, delay_s)
        elif isinstance(error, (ApiError, OSError)):
            log.warning("%s: %s: %s; again in %.3f s", self.name, key, error, delay_s)
        else:
            log.error("%s: %s; again in %.3f s", self.name, key, delay_s, exc_info=error)
        self.queue.add_after(key, delay_s)


async def _run(companion: Companion) -> None:
    await companion()
