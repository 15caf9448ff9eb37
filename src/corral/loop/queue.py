"""A queue of keys: each key is in it once, is worked on by one worker at a time, and may be added for later."""

import asyncio

from corral.api.objects import Key
from corral.base.clock import Clock, Timer
from corral.base.histogram import Histogram

BUCKETS_S = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 1000.0)


class KeyQueue:
    """`add` wakes a worker; a key added while it is being worked on comes again afterwards."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        #: Key → since when.
        self._waiting: dict[Key, float] = {}
        self._working: dict[Key, float] = {}
        self._again: set[Key] = set()
        self._later: dict[Key, tuple[float, Timer]] = {}
        #: For metrics: how often something was added, how long keys waited and were worked on.
        self.adds = 0
        self.waits, self.works = Histogram(BUCKETS_S), Histogram(BUCKETS_S)

    @property
    def depth(self) -> int:
        """How many keys wait."""
        return len(self._waiting)

    def running_s(self) -> list[float]:
        """How long each key that is being worked on has been."""
        now_s = self._clock.monotonic()
        return [now_s - since_s for since_s in self._working.values()]

    def add(self, key: Key) -> None:
        """Have `key` worked on as soon as possible."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = self._clock.monotonic()
            self.adds += 1
            self._ready.put_nowait(key)

    def add_after(self, key: Key, delay_s: float) -> None:
        """Have `key` worked on in `delay_s` seconds, or earlier if an earlier time was asked for."""
        if delay_s <= 0:
            self.add(key)
            return
        due_s = self._clock.monotonic() + delay_s
        earlier = self._later.get(key)
        if earlier is not None:
            if earlier[0] <= due_s:
                return
            earlier[1].cancel()
        self._later[key] = due_s, self._clock.call_later(delay_s, lambda: self._promote(key))

    async def take(self) -> Key:
        """The next key; the caller must call `done` with it."""
        key = await self._ready.get()
        now_s = self._clock.monotonic()
        self.waits.observe(now_s - self._waiting.pop(key, now_s))
        self._working[key] = now_s
        return key

    def done(self, key: Key) -> None:
        """The work on `key` has ended."""
        now_s = self._clock.monotonic()
        self.works.observe(now_s - self._working.pop(key, now_s))
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on (what is due later does not count)."""
        return not self._waiting and not self._working

    def close(self) -> None:
        """Forget what is due later."""
        for _, timer in self._later.values():
            timer.cancel()
        self._later.clear()

    def _promote(self, key: Key) -> None:
        del self._later[key]
        self.add(key)
