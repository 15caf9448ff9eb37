"""Time as an argument: whatever waits or stamps takes a Clock, so that tests drive it without sleeping."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Timer(Protocol):
    """What `call_later` gives."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """What the house asks of time. `testing.clock.VirtualClock` is the one for tests."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    async def sleep(self, delay_s: float) -> None:
        """Wait `delay_s` seconds."""

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call once in `delay_s` seconds."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Wait `delay_s` seconds."""
        await asyncio.sleep(delay_s)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call once in `delay_s` seconds."""
        return asyncio.get_running_loop().call_later(delay_s, call)


@lru_cache(256)
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(seconds: float) -> str:
    """Kubernetes' `metav1.Time`: UTC, whole seconds (`2026-01-02T03:04:05Z`)."""
    return _to_the_second(int(seconds // 1)) + "Z"


def rfc3339_micro(seconds: float) -> str:
    """Kubernetes' `metav1.MicroTime`: UTC, six decimals."""
    second, rest = divmod(seconds, 1)
    return f"{_to_the_second(int(second))}.{int(rest * 1e6):06d}Z"


def parse_rfc3339(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time.

    Raises ValueError where `text` is none.
    """
    return datetime.fromisoformat(text).timestamp()
