"""The key queue: each key once, one worker at a time, later on time."""

import asyncio

from corral.api.objects import Key
from corral.loop.queue import KeyQueue
from corral.testing.clock import VirtualClock, settle

A, B = Key("ns", "a"), Key("ns", "b")


def run(scenario):
    asyncio.run(scenario())


async def taken(queue: KeyQueue) -> list[Key]:
    """All keys that can be taken now."""
    keys = []
    while True:
        take = asyncio.ensure_future(queue.take())
        await settle()
        if not take.done():
            take.cancel()
            await settle()
            return keys
        keys.append(take.result())


def test_a_key_added_twice_is_taken_once_and_order_is_kept():
    async def scenario():
        queue = KeyQueue(VirtualClock())
        for key in (A, B, A):
            queue.add(key)
        assert await taken(queue) == [A, B]

    run(scenario)


def test_a_key_added_during_work_comes_again_only_when_that_is_done():
    async def scenario():
        queue = KeyQueue(VirtualClock())
        queue.add(A)
        assert await queue.take() == A
        queue.add(A)
        assert await taken(queue) == []
        queue.done(A)
        assert await taken(queue) == [A]
        queue.done(A)
        assert queue.idle()

    run(scenario)


def test_later_is_on_time_and_the_earlier_wish_wins():
    async def scenario():
        clock = VirtualClock()
        queue = KeyQueue(clock)
        queue.add_after(A, 10)
        queue.add_after(A, 5)
        queue.add_after(A, 20)
        await clock.advance(4.9)
        assert await taken(queue) == []
        await clock.advance(0.2)
        assert await taken(queue) == [A]
        queue.done(A)
        await clock.advance(60)
        assert await taken(queue) == []

    run(scenario)


def test_a_waiting_worker_is_woken_by_a_key():
    async def scenario():
        queue = KeyQueue(VirtualClock())
        workers = [asyncio.ensure_future(queue.take()) for _ in range(2)]
        await settle()
        queue.add(A)
        queue.add(B)
        assert await asyncio.gather(*workers) == [A, B]

    run(scenario)


def test_a_cancelled_worker_takes_no_key_with_it():
    async def scenario():
        queue = KeyQueue(VirtualClock())
        worker = asyncio.ensure_future(queue.take())
        await settle()
        worker.cancel()
        queue.add(A)
        assert await taken(queue) == [A]

    run(scenario)


def test_after_close_nothing_becomes_due():
    async def scenario():
        clock = VirtualClock()
        queue = KeyQueue(clock)
        queue.add_after(A, 1)
        queue.close()
        await clock.advance(2)
        assert await taken(queue) == []

    run(scenario)
