"""Supervision of background tasks: nothing dies silently, and everything ends when its owner does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

RESTART_FIRST_S = 0.1
RESTART_MAX_S = 10.0


class Tasks:
    """A group of background tasks. `close` cancels and awaits all of them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` once; an exception of it is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` for ever: when it raises, log it and start it again after a growing pause."""
        return self.start(name, _keep(name, work))

    async def close(self) -> None:
        """Cancel every task and wait until all have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)


async def _keep(name: str, work: Callable[[], Awaitable[None]]) -> None:
    delay_s = RESTART_FIRST_S
    while True:
        began_s = asyncio.get_running_loop().time()
        try:
            await work()
            return
        except Exception:
            log.exception("task %s failed; again in %.1f s", name, delay_s)
        if asyncio.get_running_loop().time() - began_s > RESTART_MAX_S:
            delay_s = RESTART_FIRST_S
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, RESTART_MAX_S)
