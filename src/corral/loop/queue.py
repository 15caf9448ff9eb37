"""A queue of keys: each key is in it once, is worked on by one worker at a time, and may be added for later."""

import asyncio
import heapq
import itertools

from corral.api.objects import Key


class KeyQueue:
    """`add` wakes a worker; a key added while it is being worked on comes again afterwards."""

    def __init__(self) -> None:
        self._ready: dict[Key, None] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._order = itertools.count()
        self._wake = asyncio.Condition()
        self._notify_pending = False

    def add(self, key: Key) -> None:
        """Have `key` worked on as soon as possible."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = None
            self._notify()

    def add_after(self, key: Key, delay_s: float) -> None:
        """Have `key` worked on in `delay_s` seconds, or earlier if an earlier time was asked for."""
        if delay_s <= 0:
            self.add(key)
            return
        due_s = asyncio.get_running_loop().time() + delay_s
        if due_s < self._due.get(key, float("inf")):
            self._due[key] = due_s
            heapq.heappush(self._later, (due_s, next(self._order), key))
            self._notify()

    async def take(self) -> Key:
        """The next key; the caller must call `done` with it."""
        loop = asyncio.get_running_loop()
        while True:
            self._promote(loop.time())
            if self._ready:
                key = next(iter(self._ready))
                del self._ready[key]
                self._working.add(key)
                return key
            timeout_s = self._later[0][0] - loop.time() if self._later else None
            async with self._wake:
                if self._ready:
                    continue
                try:
                    async with asyncio.timeout(timeout_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    def done(self, key: Key) -> None:
        """The work on `key` has ended."""
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on (what is due later does not count)."""
        return not self._ready and not self._working

    def _promote(self, now_s: float) -> None:
        while self._later and self._later[0][0] <= now_s:
            due_s, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due_s:
                del self._due[key]
                self.add(key)

    def _notify(self) -> None:
        if not self._notify_pending:
            self._notify_pending = True
            asyncio.get_running_loop().create_task(self._notify_all())

    async def _notify_all(self) -> None:
        self._notify_pending = False
        async with self._wake:
            self._wake.notify_all()
