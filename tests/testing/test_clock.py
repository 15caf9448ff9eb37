"""The virtual clock."""

import asyncio

from corral.testing.clock import VirtualClock


def test_sleepers_wake_in_order_at_their_times():
    async def scenario():
        clock, woken = VirtualClock(start_s=100.0), []

        async def sleeper(delay_s):
            await clock.sleep(delay_s)
            woken.append((delay_s, clock.now()))

        tasks = [asyncio.create_task(sleeper(delay_s)) for delay_s in (3, 1, 2)]
        await clock.advance(2.5)
        assert woken == [(1, 101.0), (2, 102.0)]
        await clock.advance(1)
        await asyncio.gather(*tasks)
        assert clock.now() == 103.5

    asyncio.run(scenario())


def test_timers_set_on_the_way_are_met_too():
    async def scenario():
        clock, times = VirtualClock(), []

        def tick():
            times.append(clock.monotonic())
            clock.call_later(1, tick)

        clock.call_later(1, tick)
        await clock.advance(3.5)
        assert times == [1, 2, 3]

    asyncio.run(scenario())


def test_a_cancelled_timer_is_not_called():
    async def scenario():
        clock, called = VirtualClock(), []
        clock.call_later(1, lambda: called.append(1)).cancel()
        await clock.advance(2)
        assert called == []

    asyncio.run(scenario())
