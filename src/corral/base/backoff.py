"""Exponential delays, one per key, with a ceiling and a time after which a quiet key is forgiven."""

from collections.abc import Hashable

from msgspec import Struct, field

from corral.base.clock import Clock


class _Entry(Struct):
    delay_s: float
    last_s: float


class Backoff(Struct):
    """Delays that double from `initial_s` to `max_s`; a key that stays quiet for `reset_s` starts anew."""

    clock: Clock
    initial_s: float
    max_s: float
    reset_s: float = float("inf")
    _entries: dict[Hashable, _Entry] = field(default_factory=dict)

    def next(self, key: Hashable) -> float:
        """Count one more failure of `key`; the seconds to wait before the next try."""
        now_s = self.clock.monotonic()
        entry = self._entries.get(key)
        if entry is None or now_s - entry.last_s > self.reset_s:
            entry = self._entries[key] = _Entry(self.initial_s, now_s)
        else:
            entry.delay_s = min(entry.delay_s * 2, self.max_s)
            entry.last_s = now_s
        return entry.delay_s

    def remaining(self, key: Hashable) -> float:
        """Seconds until `key` may be tried again; 0 when it may be now."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry.last_s + entry.delay_s - self.clock.monotonic())

    def forget(self, key: Hashable) -> None:
        """`key` did well: its next failure starts from `initial_s`."""
        self._entries.pop(key, None)
