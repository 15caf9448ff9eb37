"""kill -9 under load: no acknowledged write is lost, and the history has no hole."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from corral.store.contract import Compacted, Event
from corral.store.sqlite import SqliteStore

ROUNDS = 12


def killed_writer(path: Path, seed: int, mode: str, after_s: float) -> dict[int, tuple[str, str, str]]:
    """Let a writer work for `after_s` seconds from its first acknowledgement, kill it; what it acknowledged, by revision."""
    script = Path(__file__).with_name("crashing_writer.py")
    command = [sys.executable, script, path, str(seed), mode]
    # Unbuffered: `communicate` would pass over what `readline` has read ahead.
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            rest, _ = process.communicate(timeout=after_s)
            pytest.fail(f"the writer ended by itself with {process.returncode}")
        except subprocess.TimeoutExpired:
            process.kill()
            rest, _ = process.communicate()
    whole_lines = (first + rest).decode().split("\n")[:-1]
    acknowledged = {}
    for line in whole_lines:
        type, key, revision, value = line.split()
        acknowledged[int(revision)] = (type, key, value)
    return acknowledged


async def read_back(path: Path) -> tuple[int, dict[str, tuple[int, str]], list[Event]]:
    """After a restart: the oldest revision kept, the current state, and all events since."""
    store = await SqliteStore.open(path)
    newest = await store.revision()
    oldest, events = 0, []
    while len(events) < newest - oldest:
        try:
            async for batch in store.watch("", oldest):
                events += batch
                if len(events) >= newest - oldest:
                    break
        except Compacted as error:
            oldest = error.compacted
    entries, _ = await store.list("")
    await store.close()
    return oldest, {e.key: (e.revision, e.value.split()[0].decode()) for e in entries}, events


def replayed(events: list[Event]) -> dict[str, tuple[int, str]]:
    state: dict[str, tuple[int, str]] = {}
    for event in events:
        if event.type == "PUT":
            state[event.key] = (event.revision, event.value.split()[0].decode())
        else:
            del state[event.key]
    return state


@pytest.mark.server
@pytest.mark.parametrize("mode", ["plain", "compacting"])
def test_killed_at_random_points_it_loses_no_acknowledged_write(tmp_path, mode):
    path = tmp_path / "store.db"
    dice = random.Random(7)
    acknowledged: dict[int, tuple[str, str, str]] = {}
    for round in range(ROUNDS):
        acknowledged |= killed_writer(path, round, mode, dice.uniform(0.01, 0.3))
        oldest, found, events = asyncio.run(read_back(path))
        assert [event.revision for event in events] == list(range(oldest + 1, oldest + 1 + len(events)))
        assert max(acknowledged) <= oldest + len(events)
        history = {event.revision: (event.type, event.key, event.value.split()[0].decode()) for event in events}
        for revision, write in acknowledged.items():
            assert revision <= oldest or history[revision] == write
        if oldest == 0:
            assert found == replayed(events)
        last = {write[1]: (revision, write) for revision, write in sorted(acknowledged.items())}
        for key, (revision, (type, _, value)) in last.items():
            # The newest acknowledged write of a key is its state, unless one that was committed but not told came after it.
            at, present = found.get(key, (0, ""))
            untold = {e.type for e in events if e.key == key and e.revision > revision}
            if at > revision:
                assert at not in acknowledged
            elif at:
                assert (at, type, present) == (revision, "PUT", value)
            else:
                assert type == "DELETE" or "DELETE" in untold or revision < oldest
    assert len(acknowledged) > ROUNDS * 16
