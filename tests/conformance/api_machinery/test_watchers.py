"""Watches: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes."""

import threading

import pytest
from tests.conformance.objects import config_map
from tests.conformance.rest import Api


def _map(name: str, label: str, value: str = "") -> dict:
    return config_map(name, {"mutation": value} if value else None, labels={"watch": label})


def test_watchers_see_what_their_selectors_choose(api: Api) -> None:
    """[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps [Conformance]"""
    start = api.get("configmaps")["metadata"]["resourceVersion"]
    a, b, both = (
        api.watch("configmaps", labelSelector=selector, resourceVersion=start)
        for selector in ("watch=a", "watch=b", "watch in (a,b)")
    )
    api.create("configmaps", _map("one", "a"))
    for value in "12":
        api.patch("configmaps/one", {"data": {"mutation": value}})
    api.delete("configmaps/one")
    api.create("configmaps", _map("two", "b"))
    api.delete("configmaps/two")
    life = [("ADDED", "one"), ("MODIFIED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]
    other = [("ADDED", "two"), ("DELETED", "two")]
    for watch, want in ((a, life), (b, other), (both, life + other)):
        seen = [watch.next() for _ in want]
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in seen] == want
        revisions = [int(e["object"]["metadata"]["resourceVersion"]) for e in seen]
        assert revisions == sorted(set(revisions))
        watch.close()


def test_from_a_resource_version(api: Api) -> None:
    """[sig-api-machinery] Watchers should be able to start watching from a specific resource version [Conformance]"""
    api.create("configmaps", _map("x", "from"))
    first = api.patch("configmaps/x", {"data": {"mutation": "1"}})["metadata"]["resourceVersion"]
    api.patch("configmaps/x", {"data": {"mutation": "2"}})
    api.delete("configmaps/x")
    watch = api.watch("configmaps", labelSelector="watch=from", resourceVersion=first)
    modified, deleted = watch.next(), watch.next()
    assert modified["type"] == "MODIFIED" and modified["object"]["data"] == {"mutation": "2"}
    assert deleted["type"] == "DELETED" and deleted["object"]["data"] == {"mutation": "2"}
    watch.close()


def test_a_watch_that_was_closed_goes_on(api: Api) -> None:
    """[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch [Conformance]"""
    start = api.get("configmaps")["metadata"]["resourceVersion"]
    watch = api.watch("configmaps", labelSelector="watch=again", resourceVersion=start)
    api.create("configmaps", _map("x", "again"))
    api.patch("configmaps/x", {"data": {"mutation": "1"}})
    watch.next()
    last = watch.next()["object"]["metadata"]["resourceVersion"]
    watch.close()
    api.patch("configmaps/x", {"data": {"mutation": "2"}})
    api.delete("configmaps/x")
    watch = api.watch("configmaps", labelSelector="watch=again", resourceVersion=last)
    assert [watch.next()["type"] for _ in range(2)] == ["MODIFIED", "DELETED"]
    watch.close()


def test_an_object_that_leaves_the_selection_is_deleted_for_it(api: Api) -> None:
    """[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector [Conformance]"""
    start = api.get("configmaps")["metadata"]["resourceVersion"]
    watch = api.watch("configmaps", labelSelector="watch=sel", resourceVersion=start)
    api.create("configmaps", _map("x", "sel"))
    api.patch("configmaps/x", {"data": {"mutation": "1"}})
    api.patch("configmaps/x", {"metadata": {"labels": {"watch": "other"}}})
    api.patch("configmaps/x", {"data": {"mutation": "2"}})
    api.patch("configmaps/x", {"metadata": {"labels": {"watch": "sel"}}})
    api.patch("configmaps/x", {"data": {"mutation": "3"}})
    api.delete("configmaps/x")
    seen = [watch.next() for _ in range(6)]
    assert [e["type"] for e in seen] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "MODIFIED", "DELETED"]
    assert seen[2]["object"]["data"] == {"mutation": "1"} and seen[3]["object"]["data"] == {"mutation": "2"}
    watch.close()


def test_concurrent_watches_agree(api: Api) -> None:
    """[sig-api-machinery] Watchers should receive events on concurrent watches in same order [Conformance]"""
    start = api.get("configmaps")["metadata"]["resourceVersion"]
    first = api.watch("configmaps", resourceVersion=start)
    rounds = 15

    def write() -> None:
        mine = api.with_headers()
        mine._tls = api._tls
        for i in range(rounds):
            mine.create("configmaps", config_map(f"m{i}"))
            mine.patch(f"configmaps/m{i}", {"data": {"a": "b"}})
            mine.delete(f"configmaps/m{i}")
        mine.close()

    writing = threading.Thread(target=write)
    writing.start()
    watches, order = [], []
    while len(order) < 3 * rounds:
        event = first.next()
        if event["object"]["metadata"]["name"] == "kube-root-ca.crt":
            continue
        revision = event["object"]["metadata"]["resourceVersion"]
        order.append(revision)
        watches.append(api.watch("configmaps", resourceVersion=revision))
    writing.join()
    for i, watch in enumerate(watches[:-1]):
        seen = []
        while len(seen) < len(order) - i - 1:
            event = watch.next()
            if event["object"]["metadata"]["name"] != "kube-root-ca.crt":
                seen.append(event["object"]["metadata"]["resourceVersion"])
        assert seen == order[i + 1 :]
    for watch in (first, *watches):
        watch.close()


@pytest.mark.parametrize("match", ["NotOlderThan"])
def test_a_streaming_list_ends_with_a_bookmark(api: Api, match: str) -> None:
    """Initial events (KEP-3157), then a bookmark that says so, then what happens."""
    api.create("configmaps", _map("x", "initial"))
    watch = api.watch(
        "configmaps",
        labelSelector="watch=initial",
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch=match,
    )
    assert watch.next()["object"]["metadata"]["name"] == "x"
    bookmark = watch.next()
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    watch.close()
