"""The controller: failures come back with growing pauses, wishes for later are kept, companions run beside."""

import asyncio
import contextlib
import itertools
import logging

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Key
from corral.loop.controller import FIRST_RETRY_S, Controller
from corral.testing.clock import VirtualClock, settle

KEY = Key("ns", "a")


@contextlib.asynccontextmanager
async def running(controller: Controller):
    task = asyncio.create_task(controller.run())
    await settle()
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_a_failure_is_retried_with_a_growing_pause_until_it_succeeds():
    async def scenario():
        clock, times = VirtualClock(), []

        async def reconcile(key):
            times.append(clock.monotonic())
            if len(times) < 4:
                raise ApiError(409, "Conflict", "changed meanwhile")

        controller = Controller("test", reconcile, clock=clock)
        async with running(controller):
            controller.queue.add(KEY)
            await clock.advance(60)
        pauses = [b - a for a, b in itertools.pairwise(times)]
        assert pauses == pytest.approx([FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S])

    asyncio.run(scenario())


def test_after_success_the_next_failure_starts_from_the_shortest_pause():
    async def scenario():
        clock, outcomes, times = VirtualClock(), iter([True, True, False, True, False]), []

        async def reconcile(key):
            times.append(clock.monotonic())
            if next(outcomes):
                raise OSError("down")

        controller = Controller("test", reconcile, clock=clock)
        async with running(controller):
            controller.queue.add(KEY)
            await clock.advance(10)
            controller.queue.add(KEY)
            await clock.advance(10)
        assert times[4] - times[3] == pytest.approx(FIRST_RETRY_S)

    asyncio.run(scenario())


def test_a_wish_for_later_is_kept():
    async def scenario():
        clock, times = VirtualClock(), []

        async def reconcile(key):
            times.append(clock.monotonic())
            return 30.0 if len(times) == 1 else None

        controller = Controller("test", reconcile, clock=clock)
        async with running(controller):
            controller.queue.add(KEY)
            await clock.advance(100)
        assert times == pytest.approx([0, 30])

    asyncio.run(scenario())


def test_an_unforeseen_error_is_logged_and_does_not_end_the_worker(caplog):
    async def scenario():
        seen = []

        async def reconcile(key):
            seen.append(key)
            if key == KEY:
                raise RuntimeError("a bug")

        controller = Controller("test", reconcile, workers=1, clock=VirtualClock())
        async with running(controller):
            controller.queue.add(KEY)
            controller.queue.add(Key("ns", "b"))
            await settle()
        assert seen == [KEY, Key("ns", "b")]

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert "a bug" in caplog.text


def test_different_keys_are_worked_on_at_once_and_one_key_never_twice():
    async def scenario():
        now, most, per_key = 0, 0, {}

        async def reconcile(key):
            nonlocal now, most
            per_key[key] = per_key.get(key, 0) + 1
            assert per_key[key] == 1
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1
            per_key[key] -= 1

        controller = Controller("test", reconcile, workers=3, clock=VirtualClock())
        async with running(controller):
            for _ in range(5):
                for name in "abc":
                    controller.queue.add(Key("ns", name))
                await asyncio.sleep(0)
            await settle()
        assert most == 3
        assert controller.queue.idle()

    asyncio.run(scenario())


def test_companions_run_as_long_as_the_controller():
    async def scenario():
        state = []

        async def companion():
            state.append("began")
            try:
                await asyncio.Event().wait()
            finally:
                state.append("ended")

        async def reconcile(key):
            return None

        async with running(Controller("test", reconcile, clock=VirtualClock(), companions=(companion,))):
            assert state == ["began"]
        assert state == ["began", "ended"]

    asyncio.run(scenario())


def test_a_reconcile_that_waits_for_nothing_lets_others_run():
    async def scenario():
        rounds, others = 0, 0

        async def reconcile(key):
            nonlocal rounds
            rounds += 1
            if rounds < 1000:
                controller.queue.add(KEY)  # as soon as it is done, again

        async def other():
            nonlocal others
            while rounds < 1000:
                others += 1
                await asyncio.sleep(0)

        controller = Controller("test", reconcile, clock=VirtualClock())
        controller.queue.add(KEY)
        async with running(controller):
            await other()
        assert others > 100

    asyncio.run(scenario())
