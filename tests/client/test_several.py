"""Several things: in turn where answers come at once, at the same time where they do not, and all of them in any case."""

import threading

import pytest

from corral.client.several import FAR_S, each


class Time:
    """A clock that goes on with each thing that is done."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 0.0, step_s
        self.threads: list[int] = []

    def monotonic(self) -> float:
        return self.now_s

    def act(self, item: int) -> int:
        self.now_s += self.step_s
        self.threads.append(threading.get_ident())
        if item < 0:
            raise ValueError(str(item))
        return item * 2


def test_near_ones_are_asked_in_turn() -> None:
    time = Time(FAR_S / 2)
    assert each(time.act, range(5), time.monotonic) == [0, 2, 4, 6, 8]
    assert set(time.threads) == {threading.get_ident()}


def test_far_ones_are_asked_at_once() -> None:
    meeting = threading.Barrier(4)
    time = Time(FAR_S * 2)

    def act(item: int) -> int:
        if item:
            meeting.wait(20)  # which nobody passes alone
        return time.act(item)

    assert each(act, range(5), time.monotonic) == [0, 2, 4, 6, 8]
    assert threading.get_ident() not in time.threads[1:]


@pytest.mark.parametrize("step_s", [0.0, FAR_S * 2])
def test_all_are_done_before_the_first_error_is_raised(step_s: float) -> None:
    time = Time(step_s)
    with pytest.raises(ValueError, match="-2"):
        each(time.act, [1, -2, 3, -4, 5], time.monotonic)
    assert len(time.threads) == 5
