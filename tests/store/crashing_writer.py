"""Writes to a store under load until it is killed, and tells each acknowledgement on stdout: TYPE KEY REVISION VALUE."""

import asyncio
import os
import random
import sys
from pathlib import Path

from corral.store.sqlite import SqliteStore


async def main(path: Path, seed: int, compacting: bool) -> None:
    store = await SqliteStore.open(path)
    dice = random.Random(seed)

    def acknowledged(type: str, key: str, revision: int, value: str) -> None:
        os.write(1, f"{type} {key} {revision} {value}\n".encode())

    async def worker(number: int) -> None:
        key = f"pods/w{number}/{seed}"
        entry = None
        while True:
            value = f"{seed}-{number}-{dice.random()}"
            padded = f"{value} {'x' * dice.randrange(6000)}".encode()
            if entry is None:
                entry = await store.create(key, padded)
            elif dice.random() < 0.1:
                gone = await store.delete(key, entry.revision)
                acknowledged("DELETE", key, gone.revision, gone.value.split()[0].decode())
                entry = None
                continue
            else:
                entry = await store.update(key, padded, entry.revision)
            acknowledged("PUT", key, entry.revision, value)

    async def compactor() -> None:
        while True:
            await asyncio.sleep(0.01)
            await store.compact(await store.revision() - 50)

    work = [worker(i) for i in range(16)] + ([compactor()] if compacting else [])
    await asyncio.gather(*work)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "compacting"))
