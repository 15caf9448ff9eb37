"""An autoscaler on a running control plane: measured by the API's own metrics, it scales, says so, and shows it in its row."""

import asyncio
import itertools
from pathlib import Path

import pytest

from corral.api.objects import Object
from corral.controllers.horizontalpodautoscaler import measure, seconds_of
from corral.server.resourcemetrics.api import ResourceMetrics
from corral.server.resourcemetrics.samples import Reading, Sample
from corral.server.resourcemetrics.scraper import Scraper
from corral.testing.clock import VirtualClock
from corral.testing.control import Control, running_control
from corral.testing.server import RunningServer, running_server

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
SECOND_NS = 1_000_000_000


class Hurried(VirtualClock):
    """Whoever waits does not have to: time passes at once."""

    async def sleep(self, delay_s: float) -> None:
        await self.advance(delay_s)


def measure_all(server: RunningServer, cores: float) -> None:
    """Have every pod use so much."""
    clock, turns = Hurried(4e9), itertools.count(1)

    async def ask(_: str) -> Sample:
        at_s, ticks = clock.now(), next(turns)
        used = Reading(at_s, int(ticks * cores * SECOND_NS), 1024 * 1024)
        pods = server.api.core.cache.collection("pods").list()
        return Sample(Reading(at_s, ticks * SECOND_NS, 1), {(pod.namespace, pod.name, "app"): used for pod in pods})

    server.api.core.backends.serve(ResourceMetrics(server.api.lookup, Scraper(ask, clock), clock))


def deployment(replicas: int) -> Object:
    container = {"name": "app", "image": "app", "resources": {"requests": {"cpu": "100m"}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    meta = {"name": "web", "namespace": "default"}
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": meta, "spec": spec}


def autoscaler(kind: str = "Deployment") -> Object:
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    target = {"kind": kind, "name": "web", "apiVersion": "apps/v1"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 10, "metrics": [metric]}
    meta = {"name": "web", "namespace": "default"}
    return {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", "metadata": meta, "spec": spec}


def run(tmp_path: Path, what) -> None:
    async def story() -> None:
        async with asyncio.timeout(60), running_server(tmp_path) as server, running_control(server) as control:
            await what(server, control)

    asyncio.run(story())


def status(control: Control) -> Object:
    found = control.informers.get(AUTOSCALERS).get("default", "web") or {}
    status: Object = found.get("status") or {}
    return status


def test_a_busy_deployment_is_made_larger(tmp_path):
    async def told(server, control):
        measure_all(server, 0.2)
        await control.nodes.add("n1")
        await control.client.create("deployments.apps", deployment(2))
        await control.until(lambda: len(control.ready_pods("default")) == 2)
        await control.client.create(AUTOSCALERS, autoscaler())
        await control.until(lambda: len(control.ready_pods("default")) == 4)
        await control.until(lambda: status(control).get("desiredReplicas") == 4)
        shown = status(control)
        reasons = {one["type"]: (one["status"], one["reason"]) for one in shown["conditions"]}
        assert reasons == {
            "AbleToScale": ("True", "SucceededRescale"),
            "ScalingActive": ("True", "ValidMetricFound"),
            "ScalingLimited": ("True", "ScaleUpLimit"),
        }
        assert shown["currentMetrics"][0]["resource"]["current"] == {"averageUtilization": 200, "averageValue": "200m"}
        for _ in itertools.count():  # They are written a moment later.
            told = (await control.client.list("events", "default", field_selector="reason=SuccessfulRescale")).items
            if told:
                break
            await asyncio.sleep(0.01)
        assert [item.object["message"] for item in told] == [
            "New size: 4; reason: cpu resource utilization (percentage of request) above target"
        ]

    run(tmp_path, told)


def test_a_target_that_is_not_there_is_told_of(tmp_path):
    async def told(server, control):
        await control.client.create(AUTOSCALERS, autoscaler())
        await control.until(lambda: status(control).get("conditions"))
        (condition,) = status(control)["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("AbleToScale", "False", "FailedGetScale")
        assert 'deployments.apps "web" not found' in condition["message"]

    run(tmp_path, told)


def test_a_kind_that_nobody_knows_is_told_of(tmp_path):
    async def told(server, control):
        await control.client.create(AUTOSCALERS, autoscaler("Fleet"))
        await control.until(lambda: status(control).get("conditions"))
        assert 'no matches for kind "Fleet" in group "apps"' in status(control)["conditions"][0]["message"]

    run(tmp_path, told)


def test_without_metrics_the_deployment_stays_as_it_is(tmp_path):
    async def told(server, control):
        await control.nodes.add("n1")
        await control.client.create("deployments.apps", deployment(2))
        await control.until(lambda: len(control.ready_pods("default")) == 2)
        await control.client.create(AUTOSCALERS, autoscaler())
        await control.until(lambda: status(control).get("conditions"))
        reasons = {one["type"]: one["reason"] for one in status(control)["conditions"]}
        assert reasons["ScalingActive"] == "FailedGetResourceMetric"
        assert len(control.ready_pods("default")) == 2

    run(tmp_path, told)


def item(name: str, **cpu: str) -> Object:
    containers = [{"name": container, "usage": {"cpu": amount}} for container, amount in cpu.items()]
    meta = {"name": name, "namespace": "d"}
    return {"metadata": meta, "timestamp": "2026-01-02T03:04:05Z", "window": "15s", "containers": containers}


def test_a_pods_use_is_that_of_its_containers():
    found = measure([item("a", x="100m", y="250000000n"), item("b", x="1")], "cpu", "")
    assert {name: (metric.value, metric.window_s) for name, metric in found.items()} == {"a": (350, 15.0), "b": (1000, 15.0)}
    assert measure([item("a", x="100m", y="2")], "cpu", "x")["a"].value == 100
    assert measure([item("a", x="1")], "cpu", "z") == "container z not present in metrics for pod d/a"
    assert measure([item("a", x="1")], "memory", "") == "no metrics returned from resource metrics API"
    assert measure([item("a", x="nonsense")], "cpu", "") == "no metrics returned from resource metrics API"


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("1m30s", 90), ("10.5s", 10.5), ("200ms", 0.2), ("", 0), ("1h", 3600)]
)
def test_durations_as_go_writes_them(text, seconds):
    assert seconds_of(text) == pytest.approx(seconds)
