"""A clock that moves only when a test says so."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from functools import partial


class _Timer:
    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        self.call = None


class VirtualClock:
    """Time for tests: starts at `start_s` (seconds since the epoch) and stands still until `advance`."""

    def __init__(self, start_s: float = 1_800_000_000.0) -> None:
        self._start_s = start_s
        self._elapsed_s = 0.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._start_s + self._elapsed_s

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._elapsed_s

    async def sleep(self, delay_s: float) -> None:
        """Wait until the clock was advanced by `delay_s` seconds."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_later(delay_s, partial(_wake, woken))
        try:
            await woken
        finally:
            timer.cancel()

    def call_later(self, delay_s: float, call: Callable[[], object]) -> _Timer:
        """Call once the clock was advanced by `delay_s` seconds."""
        timer = _Timer(call)
        heapq.heappush(self._timers, (self._elapsed_s + delay_s, next(self._order), timer))
        return timer

    async def advance(self, delay_s: float) -> None:
        """Move time forward, stopping at each timer on the way so that what it wakes can run and set timers of its own."""
        until_s = self._elapsed_s + delay_s
        await settle()
        while self._timers and self._timers[0][0] <= until_s:
            due_s, _, timer = heapq.heappop(self._timers)
            self._elapsed_s = max(self._elapsed_s, due_s)
            if timer.call is not None:
                timer.call()
                await settle()
        self._elapsed_s = until_s


async def settle(rounds: int = 20) -> None:
    """Let every task that can run do so (through `rounds` turns of the event loop)."""
    for _ in range(rounds):
        await asyncio.sleep(0)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
