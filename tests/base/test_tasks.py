"""Background tasks are kept alive and end with their owner."""

import asyncio

from corral.base.tasks import Tasks


def test_a_kept_task_starts_again_after_a_failure() -> None:
    async def scenario() -> int:
        tasks, runs, done = Tasks(), 0, asyncio.Event()

        async def work() -> None:
            nonlocal runs
            runs += 1
            if runs < 3:
                raise RuntimeError("again")
            done.set()

        tasks.keep("work", work)
        await asyncio.wait_for(done.wait(), 10)
        await tasks.close()
        return runs

    assert asyncio.run(scenario()) == 3


def test_close_cancels_what_runs() -> None:
    async def scenario() -> bool:
        tasks = Tasks()
        task = tasks.start("sleep", asyncio.sleep(60))
        await asyncio.sleep(0)
        await tasks.close()
        return task.cancelled()

    assert asyncio.run(scenario())
