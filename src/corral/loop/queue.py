"""A queue of keys: each key is in it once, is worked on by one worker at a time, and may be added for later."""

import asyncio

from corral.api.objects import Key
from corral.base.clock import Clock, Timer


class KeyQueue:
    """`add` wakes a worker; a key added while it is being worked on comes again afterwards."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._later: dict[Key, tuple[float, Timer]] = {}

    def add(self, key: Key) -> None:
        """Have `key` worked on as soon as possible."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
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
        self._waiting.discard(key)
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        """The work on `key` has ended."""
        self._working.discard(key)
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
