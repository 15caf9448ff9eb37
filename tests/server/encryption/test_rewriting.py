"""What lies under an old key is written anew; whoever writes at the same time is not overwritten."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from corral.server.encryption.ciphers import AesGcm
from corral.server.encryption.rewriting import rewrite
from corral.server.encryption.sealer import Rule, Sealer
from corral.store.contract import Entry
from corral.store.sqlite import SqliteStore

OLD, NEW = AesGcm("old", b"o" * 32), AesGcm("new", b"n" * 32)
KEYS = ("secrets/x/a", "secrets/x/b", "secrets/x/gone")


def told(tmp_path: Path, story: Callable[[SqliteStore, Sealer], Awaitable[None]]) -> None:
    """A store with values under the old key, all of them read."""

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "store.db")
        before, sealer = Sealer([Rule(("secrets",), (OLD,))]), Sealer([Rule(("secrets",), (NEW, OLD))])
        for key in KEYS:
            entry = await store.create(key, before.seal(key, b'{"v":1}'))
            assert sealer.open(key, entry.value) == b'{"v":1}'
        await story(store, sealer)
        await store.close()

    asyncio.run(run())


def test_all_that_is_there_gets_the_new_key(tmp_path: Path) -> None:
    async def story(store: SqliteStore, sealer: Sealer) -> None:
        gone = await store.get("secrets/x/gone")
        assert gone is not None
        await store.delete("secrets/x/gone", gone.revision)
        assert await rewrite(store, sealer) == 2
        entries, _ = await store.list("secrets/")
        assert [sealer.is_current(entry.key, entry.value) for entry in entries] == [True, True]
        assert await rewrite(store, sealer) == 0

    told(tmp_path, story)


class Overtaken(SqliteStore):
    """A store in which somebody else writes between a read and a write."""

    async def get(self, key: str) -> Entry | None:
        """The entry, which is changed right after."""
        entry = await super().get(key)
        if entry is not None and key == "secrets/x/a" and entry.value.startswith(OLD.mark):
            await self.update(key, NEW.mark + NEW.seal(key, b'{"v":2}'), entry.revision)
        return entry


def test_a_write_at_the_same_time_stays(tmp_path: Path) -> None:
    async def story(store: SqliteStore, sealer: Sealer) -> None:
        store.__class__ = Overtaken
        assert await rewrite(store, sealer) == 2
        found = await store.get("secrets/x/a")
        assert found is not None
        assert sealer.open("secrets/x/a", found.value) == b'{"v":2}'

    told(tmp_path, story)
