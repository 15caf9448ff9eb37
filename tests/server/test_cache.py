"""The watch cache: order, revisions, the log of changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api.errors import ApiError
from corral.server import cache as module
from corral.server.cache import Cache, Collection
from corral.server.changes import Cached, Change
from corral.server.views import AS_STORED
from corral.store.contract import Event


def value(name: str, labels: str = "{}") -> bytes:
    return b'{"kind":"X","metadata":{"name":"%s","uid":"u","resourceVersion":"","labels":%s}}' % (
        name.encode(),
        labels.encode(),
    )


def put(revision: int, key: str, labels: str = "{}") -> Event:
    return Event("PUT", f"xs/{key}", value(key.split("/")[1], labels), revision, None)


def delete(revision: int, key: str) -> Event:
    return Event("DELETE", f"xs/{key}", b"", revision, None)


class Labelled:
    def matches(self, item: Cached) -> bool:
        return item.labels.get("a") == "1"


@pytest.fixture
def cache() -> Cache:
    return Cache(None)  # type: ignore[arg-type]


def test_objects_have_their_revision_spliced_in(cache):
    cache.apply([put(7, "n/a")])
    found = cache.collection("xs").get("n", "a")
    assert found.revision == 7
    assert found.object["metadata"]["resourceVersion"] == "7"


def test_lists_are_in_key_order_and_of_one_namespace(cache):
    cache.apply([put(i, key) for i, key in enumerate(["n/b", "n-a/x", "n/a", "m/z", "n0/q"], 1)])
    collection = cache.collection("xs")
    assert [item.key for item in collection.list()] == ["m/z", "n-a/x", "n/a", "n/b", "n0/q"]
    assert [item.key for item in collection.list("n")] == ["n/a", "n/b"]


def test_a_batch_seen_before_changes_nothing(cache):
    cache.apply([put(1, "n/a"), put(2, "n/b")])
    cache.apply([put(1, "n/a"), delete(3, "n/b")])
    assert [item.key for item in cache.collection("xs").list()] == ["n/a"]
    assert cache.revision == 3


def test_the_past_can_be_listed_as_far_as_the_log_reaches(cache):
    cache.apply([put(1, "n/a"), put(2, "n/b"), put(3, "n/a"), delete(4, "n/b"), put(5, "n/c")])
    collection = cache.collection("xs")
    assert [(item.key, item.revision) for item in collection.list_at(2)] == [("n/a", 1), ("n/b", 2)]
    assert [(item.key, item.revision) for item in collection.list_at(4)] == [("n/a", 3)]
    assert collection.list_at(0) == []


def test_the_log_is_bounded_and_says_so(cache, monkeypatch):
    monkeypatch.setattr(module, "LOG_EVENTS", 4)
    collection = cache.collection("xs")
    cache.apply([put(i, "n/a") for i in range(1, 20)])
    assert collection.floor >= 8
    with pytest.raises(ApiError) as gone:
        collection.position(collection.floor - 1)
    assert gone.value.code == 410
    with pytest.raises(ApiError):
        collection.changes(0)
    assert len(collection.changes(collection.position(17))) == 2


def test_what_the_store_forgets_is_forgotten(cache):
    cache.apply([put(1, "n/a"), put(2, "n/b"), put(3, "n/c")])
    cache.forget(2)
    assert [item.key for item in cache.collection("xs").list_at(2)] == ["n/a", "n/b"]
    with pytest.raises(ApiError, match="too old"):
        cache.collection("xs").list_at(1)


def test_objects_enter_and_leave_a_selector(cache):
    collection = cache.collection("xs")
    on, off = '{"a":"1"}', "{}"
    cache.apply([put(1, "n/a", off), put(2, "n/a", on), put(3, "n/a", on), put(4, "n/a", off), put(5, "n/a", on)])
    cache.apply([delete(6, "n/a")])
    seen = [change.seen_by(Labelled()) for change in collection.changes(0)]
    assert [s and s[0] for s in seen] == [None, "ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert seen[3][1].object["metadata"] == {"name": "a", "uid": "u", "resourceVersion": "4", "labels": {"a": "1"}}


def test_an_events_line_is_made_once(cache):
    cache.apply([put(1, "n/a")])
    change: Change = cache.collection("xs").changes(0)[0]
    assert change.line(None, AS_STORED) is change.line(None, AS_STORED)


def test_continuity_lost_ends_every_watch():
    collection = Collection("xs", 0)
    collection.apply(Change(1, Cached("n", "a", b"{}", 1), None))
    position = collection.end()
    collection.restart(9)
    with pytest.raises(ApiError):
        collection.changes(position)
    assert collection.position(9) == collection.end()


@given(st.lists(st.tuples(st.sampled_from(["a/x", "a/y", "b/x", "b-c/x"]), st.booleans()), max_size=40), st.integers(0, 40))
def test_the_state_at_any_revision_is_the_one_that_was(writes, at):
    cache = Cache(None)  # type: ignore[arg-type]
    state: dict[str, int] = {}
    states = [dict(state)]
    for revision, (key, deletes) in enumerate(writes, 1):
        cache.apply([delete(revision, key) if deletes else put(revision, key)])
        if deletes:
            state.pop(key, None)
        else:
            state[key] = revision
        states.append(dict(state))
    at = min(at, len(writes))
    assert {item.key: item.revision for item in cache.collection("xs").list_at(at)} == states[at]


def test_lines_are_kept_of_the_newest_changes_only(cache, monkeypatch):
    monkeypatch.setattr("corral.server.cache.KEPT_LINES", 3)
    for revision in range(1, 8):
        cache.apply([put(revision, "n/a")])
        cache.collection("xs").changes(revision - 1)[0].line(None, AS_STORED)
    kept = [bool(change._lines) for change in cache.collection("xs").changes(0)]
    assert kept == [False] * 4 + [True] * 3
    first = cache.collection("xs").changes(0)[0]
    assert b'"resourceVersion":"1"' in first.line(None, AS_STORED)
