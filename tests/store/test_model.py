"""Any operations against a plain model: every state since the last compaction, and every event, once and in order."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.store.contract import Compacted, Entry, Event, KeyExists, Mismatch
from corral.store.sqlite import SqliteStore
from corral.testing.store_contract import take

KEYS = st.sampled_from(["a/x/1", "a/x/2", "a/y/1", "ab/x/1", "b//1"])
PREFIXES = ("", "a/", "a/x/", "ab/", "none")

#: What is done together: each writes a different key, so the outcome does not depend on who is first.
STEP = st.one_of(
    st.tuples(
        st.just("write"),
        st.lists(
            st.tuples(KEYS, st.sampled_from(["create", "update", "delete", "stale"]), st.binary(max_size=3)),
            min_size=1,
            max_size=4,
            unique_by=lambda write: write[0],
        ),
    ),
    st.tuples(st.just("compact"), st.integers(0, 30)),
    st.tuples(st.just("reopen"), st.none()),
)


class Model:
    """The state at every revision, and the events that led there."""

    def __init__(self) -> None:
        self.states: list[dict[str, Entry]] = [{}]
        self.events: list[Event] = []
        self.compacted = 0

    @property
    def state(self) -> dict[str, Entry]:
        return self.states[-1]

    def take(self, kind: str, entry: Entry) -> None:
        previous = self.state.get(entry.key)
        assert entry.revision == len(self.states)
        if kind == "delete":
            assert previous is not None
            self.states.append({k: e for k, e in self.state.items() if k != entry.key})
            self.events.append(Event("DELETE", entry.key, previous.value, entry.revision, previous))
        else:
            self.states.append({**self.state, entry.key: entry})
            self.events.append(Event("PUT", entry.key, entry.value, entry.revision, previous))


async def write(store: SqliteStore, model: Model, writes: list[tuple[str, str, bytes]]) -> None:
    def start(key: str, kind: str, value: bytes) -> Any:
        current = model.state.get(key)
        revision = current.revision if current else 0
        match kind:
            case "create":
                return store.create(key, value)
            case "delete":
                return store.delete(key, revision)
            case "stale":
                return store.update(key, value, revision + 1)
        return store.update(key, value, revision)

    before = model.state
    results = await asyncio.gather(*(start(*w) for w in writes), return_exceptions=True)
    done = []
    for (key, kind, value), result in zip(writes, results, strict=True):
        current = before.get(key)
        if kind == "create" and current is not None:
            assert isinstance(result, KeyExists)
        elif kind == "stale" or (kind != "create" and current is None):
            assert isinstance(result, Mismatch)
            assert result.current == current
        else:
            assert isinstance(result, Entry), result
            assert result.value == (current.value if kind == "delete" and current else value)
            assert result.created == (current.created if current else result.revision)
            done.append((kind, result))
    for kind, entry in sorted(done, key=lambda d: d[1].revision):
        model.take(kind, entry)


async def check(store: SqliteStore, model: Model) -> None:
    newest = len(model.states) - 1
    assert await store.revision() == newest
    for revision in range(newest + 1):
        if revision and revision < model.compacted:
            try:
                await store.list("", revision=revision)
            except Compacted as error:
                assert error.compacted == model.compacted
                continue
            raise AssertionError(f"revision {revision} can still be read")
        for prefix in PREFIXES:
            at = revision or newest
            expected = sorted(e for e in model.states[at].values() if e.key.startswith(prefix))
            assert await store.list(prefix, revision=revision) == (expected, at)
            assert (await store.list(prefix, revision=revision, limit=2))[0] == expected[:2]
            if expected:
                assert (await store.list(prefix, revision=revision, start=expected[-1].key))[0] == expected[-1:]
    for key in ("a/x/1", "b//1"):
        assert await store.get(key) == model.state.get(key)
    for after in range(model.compacted, newest):
        expected_events = model.events[after:]
        assert await take(store, "", after, len(expected_events)) == expected_events


@examples(60)
@given(st.lists(STEP, max_size=12))
def test_store_behaves_like_its_model(steps: list[tuple[str, Any]]) -> None:
    async def scenario(path: Path) -> None:
        store = await SqliteStore.open(path)
        model = Model()
        for kind, argument in steps:
            match kind:
                case "write":
                    await write(store, model, argument)
                case "compact":
                    await store.compact(argument)
                    model.compacted = max(model.compacted, min(argument, len(model.states) - 1))
                case "reopen":
                    await store.close()
                    store = await SqliteStore.open(path)
        await check(store, model)
        await store.close()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(Path(directory) / "store.db"))
