"""Collections that are followed by threads: listed, watched, and listed again where the watch is lost."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from corral.api.errors import expired
from corral.client import following
from corral.client.following import Collection, Followed

PODS = {"pods": Collection("/pods")}


def pod(name: str, revision: int = 1, **fields: object) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", "resourceVersion": str(revision)}, **fields}


class Watch:
    """Events that a test puts into it; None ends it."""

    def __init__(self, *events: object) -> None:
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for one in events:
            self.events.put(one)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        while (one := self.events.get(timeout=20)) is not None:
            if isinstance(one, Exception):
                raise one
            yield one

    def stop(self) -> None:
        self.events.put(None)


class Api:
    """Plays lists and watches in turn; exceptions among them are raised."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.asked: list[object] = []

    def list(self, path: str, query: object) -> object:
        self.asked.append((path, query))
        return self._next()

    def watch(self, path: str, query: object, revision: str) -> object:
        self.asked.append(revision)
        return self._next() if self.steps else Watch()

    def _next(self) -> object:
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_FIRST_S", 0.001)


def until(followed: Followed, is_so: Callable[[], bool]) -> None:
    for _ in range(100):
        if is_so():
            return
        followed.wait(1.0)
    pytest.fail("it never was so")


def names(followed: Followed, *which: str) -> list[str]:
    return [name for name in which if followed.get("pods", "ns", name)]


def test_what_is_listed_and_what_comes_and_goes() -> None:
    watch, before = Watch(), set(threading.enumerate())
    api = Api(([pod("a"), pod("b")], "5"), watch)
    with Followed(api, PODS) as followed:  # type: ignore[arg-type]
        assert not followed.is_known("pods")
        until(followed, lambda: followed.is_known("pods"))
        assert names(followed, "a", "b", "c") == ["a", "b"]
        for one in (("ADDED", pod("c", 6)), ("MODIFIED", pod("a", 7, new=1)), ("DELETED", pod("b", 8))):
            watch.events.put(one)
        until(followed, lambda: not followed.get("pods", "ns", "b"))
        assert followed.get("pods", "ns", "a") == pod("a", 7, new=1)
        assert names(followed, "c")
    assert api.asked[:2] == [("/pods", {}), "5"]
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()


def test_a_watch_that_ends_goes_on_where_it_was() -> None:
    api = Api(([], "5"), Watch(("BOOKMARK", pod("", 9)), None), Watch(("ADDED", pod("a", 10))))
    with Followed(api, PODS) as followed:  # type: ignore[arg-type]
        until(followed, lambda: bool(names(followed, "a")))
        assert names(followed, "") == []
    assert api.asked == [("/pods", {}), "5", "9"]


@pytest.mark.parametrize("lost", [expired("too old"), ConnectionError(), ValueError("no JSON")])
def test_a_watch_that_is_lost_is_listed_again(lost: Exception) -> None:
    api = Api(ConnectionError(), ([pod("a"), pod("b")], "5"), Watch(lost), ([pod("b")], "7"))
    with Followed(api, PODS) as followed:  # type: ignore[arg-type]
        until(followed, lambda: "7" in api.asked)
        until(followed, lambda: names(followed, "a", "b") == ["b"])


def test_one_object_only() -> None:
    api = Api(([pod("a")], "5"))
    with Followed(api, {"pods": Collection("/pods", "a")}) as followed:  # type: ignore[arg-type]
        until(followed, lambda: followed.is_known("pods"))
    assert api.asked[0] == ("/pods", {"fieldSelector": "metadata.name=a"})


def test_waiting_ends_when_the_time_is_up() -> None:
    api = Api(([], "5"))
    with Followed(api, PODS) as followed:  # type: ignore[arg-type]
        until(followed, lambda: followed.is_known("pods"))
        followed.wait(0.0)
        followed.wait(-1.0)
