"""Delays double to their ceiling and are forgiven."""

from corral.base.backoff import Backoff
from corral.base.clock import SystemClock


class _Clock(SystemClock):
    at_s = 0.0

    def monotonic(self) -> float:
        return self.at_s


def test_delays_double_up_to_the_ceiling() -> None:
    backoff = Backoff(_Clock(), 10, 300)
    assert [backoff.next("a") for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]


def test_keys_do_not_share_delays() -> None:
    backoff = Backoff(_Clock(), 1, 8)
    backoff.next("a")
    assert backoff.next("b") == 1


def test_a_key_that_stays_quiet_starts_anew() -> None:
    clock = _Clock()
    backoff = Backoff(clock, 1, 8, reset_s=60)
    backoff.next("a"), backoff.next("a")
    clock.at_s = 61
    assert backoff.next("a") == 1


def test_what_remains_shrinks_with_time() -> None:
    clock = _Clock()
    backoff = Backoff(clock, 10, 80)
    backoff.next("a")
    clock.at_s = 4
    assert backoff.remaining("a") == 6
    assert backoff.remaining("unknown") == 0
