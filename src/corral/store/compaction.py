"""Forgetting the past: what is older than a period (the reference's five minutes) can no longer be listed or watched from."""

import logging
from collections.abc import Callable

from corral.base.clock import Clock
from corral.store.contract import Store, StoreUnavailable

log = logging.getLogger(__name__)

PERIOD_S = 300.0


async def compact_regularly(
    store: Store, clock: Clock, period_s: float = PERIOD_S, *, compacted: Callable[[int], None] | None = None
) -> None:
    """Every `period_s` seconds, compact `store` to the revision of a period ago, and tell `compacted`. Until cancelled."""
    revision = await store.revision()
    while True:
        await clock.sleep(period_s)
        newest = await store.revision()
        try:
            await store.compact(revision)
            if compacted is not None:
                compacted(revision)
        except StoreUnavailable as error:
            log.warning("the store was not compacted: %s", error)
        revision = newest
