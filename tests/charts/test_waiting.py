"""Waiting for objects: until they are ready, ended or gone; what is told meanwhile, and when it is over before its time."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from corral.api.errors import ApiError, forbidden
from corral.api.facts import catalog
from corral.charts.actions import waiting
from corral.charts.actions.cluster import Cluster, Target
from corral.charts.chart.errors import ChartError
from corral.client import following

KINDS = catalog()
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
RUNNING = {"phase": "Running"}
FAILED = {"phase": "Failed", "reason": "Evicted", "message": "no room"}


def pod(name: str, revision: int = 1, **status: object) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", "resourceVersion": str(revision)}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "status": status}


def target(name: str) -> Target:
    resource = KINDS.of_kind("v1", "Pod")
    assert resource is not None
    return Target(resource, pod(name))


class Api:
    """One list of pods, or an error, and then the events that a test puts into `events`."""

    def __init__(self, *pods: dict[str, Any], fault: Exception | None = None) -> None:
        self.pods, self.fault = list(pods), fault
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.asked: list[str] = []

    def list(self, path: str, query: dict[str, str]) -> tuple[list[dict[str, Any]], str]:
        self.asked.append(f"{path} {query}")
        if path.endswith("/events"):
            return [], "5"
        if self.fault is not None:
            raise self.fault
        return self.pods, "5"

    def get(self, path: str) -> dict[str, Any]:
        found = next((one for one in self.pods if path.endswith(f"/{one['metadata']['name']}")), None)
        if found is None:
            raise ApiError(404, "NotFound", "not found")
        return found

    def watch(self, path: str, query: dict[str, str], revision: str) -> "Api":
        return self

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        while (event := self.events.get(timeout=20)) is not None:
            yield event

    def stop(self) -> None:
        self.events.put(None)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(waiting, "QUIET_S", 0.0)
    monkeypatch.setattr(waiting, "TELL_EVERY_S", 0.001)


def cluster(api: Api) -> Cluster:
    return Cluster(api, KINDS, "ns")  # type: ignore[arg-type]


def on(api: Api, line: str, event: tuple[str, dict[str, Any]]) -> Callable[[list[str]], None]:
    """When exactly that line is told, the event happens."""

    def tell(lines: list[str]) -> None:
        if lines == [line]:
            api.events.put(event)

    return tell


def test_until_all_are_ready() -> None:
    api = Api(pod("a", **READY), pod("b", **RUNNING))
    tell = on(api, "Pod b: it is Running, not Ready", ("MODIFIED", pod("b", 6, **READY)))
    waiting.until_ready(cluster(api), [target("a"), target("b")], 20, tell=tell)


def test_one_alone_is_watched_alone() -> None:
    api = Api(pod("a", **READY))
    waiting.until_ready(cluster(api), [target("a")], 20)
    assert api.asked == ["/api/v1/namespaces/ns/pods {'fieldSelector': 'metadata.name=a'}"]


def test_nothing_to_wait_for() -> None:
    api = Api()
    waiting.until_ready(cluster(api), [], 20)
    assert api.asked == []


def test_until_they_are_gone() -> None:
    api = Api(pod("a"))
    tell = on(api, "Pod a: it is still there", ("DELETED", pod("a", 6)))
    waiting.until_gone(cluster(api), [target("a"), target("b")], 20, tell=tell)


def test_one_that_fails_ends_the_wait_though_others_have_not_ended() -> None:
    api = Api(pod("a", **RUNNING), pod("b", **FAILED))
    with pytest.raises(ChartError, match="pod b failed") as failed:
        waiting.until_ended(cluster(api), [target("a"), target("b")], 20)
    assert failed.value.remedy.splitlines() == [
        "Pod a: it has not ended",
        "    Pod b: pod b failed",
        "    pod b: it failed: no room",
    ]


class Time:
    """It goes on a little with each look at it, and far when that line is told."""

    def __init__(self, line: str) -> None:
        self.now_s, self.line = 0.0, line

    def monotonic(self) -> float:
        self.now_s += 0.01
        return self.now_s

    def tell(self, lines: list[str]) -> None:
        if lines[0] == self.line:
            self.now_s += 1e6


@pytest.mark.parametrize(
    ("api", "line"),
    [
        (Api(pod("a", **RUNNING)), "Pod a: it is Running, not Ready"),
        (Api(), "Pod a: it is gone"),
        (Api(fault=ConnectionError("no route")), "Pod a: it cannot be watched: no route"),
    ],
)
def test_the_time_is_up(api: Api, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(line)
    monkeypatch.setattr(waiting, "time", time)
    with pytest.raises(ChartError, match="timed out waiting for the condition") as failed:
        waiting.until_ready(cluster(api), [target("a")], 1e5, tell=time.tell)
    assert failed.value.remedy.splitlines()[0] == line


def test_what_may_not_be_watched_is_not_waited_for() -> None:
    api = Api(fault=forbidden("pods", "", "", 'User "eve" cannot list resource "pods"'))
    with pytest.raises(ChartError, match='pods is forbidden: User "eve" cannot list'):
        waiting.until_ready(cluster(api), [target("a")], 600)
