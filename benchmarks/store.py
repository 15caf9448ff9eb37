"""Durable writes a second: 3 kB values, 32 at a time, beside the bare fsyncs of the same disk.

`python benchmarks/store.py [DIR]`
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from corral.store.sqlite import SqliteStore

SECONDS = 3.0
CONCURRENT = 32
VALUE = os.urandom(3000)


def bare_fsyncs(directory: Path) -> float:
    """4 kB appended and synced, one after the other, a second."""
    fd = os.open(directory / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    began_s, count = time.perf_counter(), 0
    while time.perf_counter() - began_s < 1:
        os.write(fd, VALUE)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count / (time.perf_counter() - began_s)


async def creates(directory: Path, concurrent: int, watched: bool) -> tuple[float, float]:
    """Creates a second, and the processor seconds of this process for each second."""
    store = await SqliteStore.open(directory / f"creates-{concurrent}-{watched}.db")
    end_s = time.perf_counter() + SECONDS
    count = 0

    async def worker(number: int) -> None:
        nonlocal count
        i = 0
        while time.perf_counter() < end_s:
            i += 1
            await store.create(f"pods/default/pod-{number}-{i}", VALUE)
            count += 1

    async def watch() -> None:
        async for _ in store.watch("", 0):
            pass

    watching = asyncio.create_task(watch()) if watched else None
    cpu_s = time.process_time()
    await asyncio.gather(*(worker(i) for i in range(concurrent)))
    cpu_s = time.process_time() - cpu_s
    if watching:
        watching.cancel()
    await store.close()
    return count / SECONDS, cpu_s / SECONDS


async def updates(directory: Path) -> float:
    """Updates a second, watched, each worker its own key."""
    store = await SqliteStore.open(directory / "updates.db")
    end_s = time.perf_counter() + SECONDS
    count = 0

    async def worker(number: int) -> None:
        nonlocal count
        entry = await store.create(f"pods/default/pod-{number}", VALUE)
        while time.perf_counter() < end_s:
            entry = await store.update(entry.key, VALUE, entry.revision)
            count += 1

    async def watch() -> None:
        async for _ in store.watch("", 0):
            pass

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(worker(i) for i in range(CONCURRENT)))
    watching.cancel()
    began_s = time.perf_counter()
    await store.compact(await store.revision())
    print(f"compaction of {count} revisions: {time.perf_counter() - began_s:.2f} s")
    await store.close()
    return count / SECONDS


async def opening(directory: Path) -> None:
    """Open and read everything that the creates left."""
    began_s = time.perf_counter()
    store = await SqliteStore.open(directory / f"creates-{CONCURRENT}-True.db")
    opened_s = time.perf_counter() - began_s
    entries, _ = await store.list("")
    listed_s = time.perf_counter() - began_s - opened_s
    print(f"open with {len(entries)} entries: {opened_s:.3f} s, list all: {listed_s:.3f} s")
    await store.close()
    began_s = time.perf_counter()
    store = await SqliteStore.open(directory / "empty.db")
    print(f"open empty: {(time.perf_counter() - began_s) * 1000:.1f} ms")
    await store.close()


async def main(directory: Path) -> None:
    fsyncs = bare_fsyncs(directory)
    print(f"bare fsyncs: {fsyncs:.0f}/s")
    for concurrent, watched in ((1, False), (CONCURRENT, False), (CONCURRENT, True), (256, True)):
        rate, cpu = await creates(directory, concurrent, watched)
        print(
            f"creates, {concurrent:3} at a time{', watched' * watched}:"
            f" {rate:.0f}/s = {rate / fsyncs:.2f} fsyncs, {cpu:.2f} cores"
        )
    rate = await updates(directory)
    print(f"updates, {CONCURRENT} at a time, watched: {rate:.0f}/s = {rate / fsyncs:.2f} fsyncs")
    await opening(directory)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as scratch:
        uvloop.run(main(Path(scratch)))
