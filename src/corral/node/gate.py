"""Lets a few at a time through to the runtime, what is nearly done first.

Ten pods at once are limited by the processors. Working on all of them side by side makes all of them late; a few at a time, and
containers before new sandboxes, makes most of them early and none of them later.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """`async with gate.passing(rank)`: at most `width` are inside; of those that wait the lowest rank goes first."""

    def __init__(self, width: int) -> None:
        self._free = width
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def passing(self, rank: int) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
        else:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (rank, next(self._order), place))
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._leave()
                raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        while self._waiting:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
