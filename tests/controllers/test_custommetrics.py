"""An autoscaler that goes by metrics of people's own, served through the aggregation layer."""

import asyncio

import orjson
import pytest

from corral.api.errors import not_found
from corral.api.objects import Object
from corral.client.client import Client
from corral.controllers import custommetrics
from corral.controllers.replicacount import PodMetric
from corral.server.request import Request, Response
from corral.testing.server import running_server

INGRESS = {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"}


class Adapter:
    """Serves what it is given by path; the rest is not found."""

    def __init__(self, group: str, version: str, values: dict[str, list[Object]]) -> None:
        self.group, self.version = group, version
        self._values = values
        self.asked: list[tuple[str, dict[str, str]]] = []

    def resource_list(self) -> Object:
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{self.group}/{self.version}", "resources": []}

    def openapi(self) -> Object:
        return {"openapi": "3.0.0", "paths": {}, "components": {"schemas": {}}}

    async def handle(self, request: Request) -> Response:
        self.asked.append((request.path, dict(request.query)))
        found = self._values.get(request.path.removeprefix(f"/apis/{self.group}/{self.version}"))
        if found is None:
            raise not_found("metrics", self.group, request.path)
        return Response(200, orjson.dumps({"kind": "MetricValueList", "items": found}))


def value(amount: str, name: str = "", **more: object) -> Object:
    return {"describedObject": {"name": name}, "value": amount, "timestamp": "2026-01-02T03:04:05Z", **more}


def read(tmp_path, metric: Object, *adapters: Adapter) -> custommetrics.Found:
    async def story() -> custommetrics.Found:
        async with asyncio.timeout(30), running_server(tmp_path) as server:
            client: Client = server.client()
            for adapter in adapters:
                server.api.core.backends.serve(adapter)
                spec = {"group": adapter.group, "version": adapter.version, "groupPriorityMinimum": 100, "versionPriority": 100}
                about = {"kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1"}
                meta = {"name": f"{adapter.version}.{adapter.group}"}
                await client.create("apiservices.apiregistration.k8s.io", {**about, "metadata": meta, "spec": spec})
            return await custommetrics.read(client, "d", metric, "app=web")

    return asyncio.run(story())


def test_metrics_of_pods_are_asked_for_by_the_targets_selector(tmp_path):
    values = [value("100m", "a", windowSeconds=30), value("2", "b")]
    adapter = Adapter("custom.metrics.k8s.io", "v1beta2", {"/namespaces/d/pods/*/hits": values})
    selector = {"matchLabels": {"verb": "GET"}}
    found = read(tmp_path, {"type": "Pods", "pods": {"metric": {"name": "hits", "selector": selector}}}, adapter)
    assert isinstance(found, dict)
    assert found["a"] == PodMetric(100, found["a"].at_s, 30)
    assert found["b"] == PodMetric(2000, found["b"].at_s, 60)
    assert adapter.asked[-1][1] == {"labelSelector": "app=web", "metricLabelSelector": "verb=GET"}


def test_metrics_of_an_object_are_asked_for_by_its_resource(tmp_path):
    path = "/namespaces/d/ingresses.networking.k8s.io/main/hits"
    adapter = Adapter("custom.metrics.k8s.io", "v1beta1", {path: [value("1500m")]})
    metric = {"type": "Object", "object": {"metric": {"name": "hits"}, "describedObject": INGRESS}}
    assert read(tmp_path, metric, adapter) == 1500


def test_external_values_are_added_up(tmp_path):
    adapter = Adapter("external.metrics.k8s.io", "v1beta1", {"/namespaces/d/queue": [value("3"), value("500m")]})
    assert read(tmp_path, {"type": "External", "external": {"metric": {"name": "queue"}}}, adapter) == 3500


@pytest.mark.parametrize(
    ("metric", "adapters", "message"),
    [
        (
            {"type": "Pods", "pods": {"metric": {"name": "hits"}}},
            [],
            "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered",
        ),
        (
            {"type": "External", "external": {"metric": {"name": "queue"}}},
            [Adapter("external.metrics.k8s.io", "v1beta1", {"/namespaces/d/queue": []})],
            "no metrics returned from external metrics API",
        ),
        (
            {"type": "External", "external": {"metric": {"name": "queue"}}},
            [Adapter("external.metrics.k8s.io", "v1beta1", {"/namespaces/d/queue": [value("much")]})],
            "unable to fetch metrics from external metrics API: 'much' is no quantity",
        ),
    ],
)
def test_why_there_is_none_is_told(tmp_path, metric, adapters, message):
    assert read(tmp_path, metric, *adapters) == message
