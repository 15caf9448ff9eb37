"""What is older than a period goes, what is younger stays."""

import asyncio
import contextlib

import pytest

from corral.base.clock import SystemClock
from corral.store.compaction import compact_regularly
from corral.store.contract import Compacted
from corral.store.sqlite import SqliteStore


class Rounds(SystemClock):
    """A clock whose sleeps end when the test says so; `pass_period` returns when the sleeper sleeps again."""

    def __init__(self):
        self._sleeping = asyncio.Event()
        self._over = asyncio.Event()

    async def sleep(self, delay_s):
        assert delay_s == 300
        self._sleeping.set()
        await self._over.wait()
        self._over.clear()

    async def pass_period(self):
        await self._sleeping.wait()
        self._sleeping.clear()
        self._over.set()
        await self._sleeping.wait()


def test_the_past_goes_a_period_after_it_was(tmp_path):
    async def scenario():
        store = await SqliteStore.open(tmp_path / "store.db")
        clock = Rounds()
        task = asyncio.create_task(compact_regularly(store, clock, 300))
        entry = await store.create("k", b"1")
        await clock.pass_period()
        for _ in range(3):
            entry = await store.update("k", b"2", entry.revision)
        await clock.pass_period()
        assert (await store.list("k", revision=1))[0][0].value == b"1"
        await clock.pass_period()
        with pytest.raises(Compacted):
            await store.list("k", revision=1)
        assert (await store.list("k"))[0] == [entry]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await store.close()

    asyncio.run(scenario())
