"""Metrics of people's own for autoscalers: custom.metrics.k8s.io and external.metrics.k8s.io, from whoever serves them.

The APIs are those of adapters such as prometheus-adapter and KEDA, reached through the aggregation layer.
https://github.com/kubernetes/metrics (k8s.io/metrics/pkg/apis/custom_metrics and external_metrics)
"""

import orjson

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.quantity import QuantityError, parse
from corral.api.selectors import text_of
from corral.base.clock import parse_rfc3339
from corral.client.client import Client
from corral.controllers.replicacount import PodMetric

CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
MINUTE_S = 60.0
NONE = "no metrics returned from {} metrics API"

#: Of pods: by name. Of an object or something external: in thousandths. A text says why there is none.
Found = dict[str, PodMetric] | int | str


async def read(client: Client, namespace: str, metric: Object, selector: str) -> Found:
    """What one metric of an autoscaler is now. `selector` selects the pods of its target."""
    kind = metric["type"]
    api, group = ("external", EXTERNAL) if kind == "External" else ("custom", CUSTOM)
    try:
        root = await _root(client, group)
        if root is None:
            return f"unable to fetch metrics from {api} metrics API: no {api} metrics API ({group}) registered"
        if kind == "External":
            return await _external(client, root, namespace, metric["external"])
        if kind == "Pods":
            return await _pods(client, root, namespace, metric["pods"], selector)
        return await _object(client, root, namespace, metric["object"])
    except (ApiError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"unable to fetch metrics from {api} metrics API: {error}"


async def _root(client: Client, group: str) -> str | None:
    """Where the preferred version of the group is; None where nobody serves it."""
    try:
        found = orjson.loads(await client.raw("GET", f"/apis/{group}"))
    except Exception as error:
        if isinstance(error, ApiError) and error.code != 404:
            raise
        return None
    return f"/apis/{found['preferredVersion']['groupVersion']}"


async def _external(client: Client, root: str, namespace: str, source: Object) -> Found:
    path = f"{root}/namespaces/{namespace}/{source['metric']['name']}"
    items = await _items(client, path, _of_metric(source, "labelSelector"))
    return sum(_milli(item) for item in items) if items else NONE.format("external")


async def _pods(client: Client, root: str, namespace: str, source: Object, selector: str) -> Found:
    path = f"{root}/namespaces/{namespace}/pods/*/{source['metric']['name']}"
    items = await _items(client, path, {"labelSelector": selector} | _of_metric(source, "metricLabelSelector"))
    found = {
        item["describedObject"]["name"]: PodMetric(
            _milli(item), parse_rfc3339(item["timestamp"]), float(item.get("windowSeconds") or item.get("window") or MINUTE_S)
        )
        for item in items
    }
    return found or NONE.format("custom")


async def _object(client: Client, root: str, namespace: str, source: Object) -> Found:
    about, name = source["describedObject"], source["metric"]["name"]
    resource = client.catalog.of_kind(about.get("apiVersion", "v1"), about["kind"])
    if resource is None:
        return f'no matches for kind "{about["kind"]}"'
    if resource.group_resource == "namespaces":
        path = f"{root}/namespaces/{about['name']}/metrics/{name}"
    else:
        place = f"/namespaces/{namespace}" if resource.namespaced else ""
        path = f"{root}{place}/{resource.group_resource}/{about['name']}/{name}"
    items = await _items(client, path, _of_metric(source, "metricLabelSelector"))
    return _milli(items[0]) if items else NONE.format("custom")


def _of_metric(source: Object, parameter: str) -> dict[str, str]:
    selector = source["metric"].get("selector")
    return {parameter: text_of(selector)} if selector else {}


async def _items(client: Client, path: str, query: dict[str, str]) -> list[Object]:
    items: list[Object] = orjson.loads(await client.raw("GET", path, query)).get("items") or []
    return items


def _milli(item: Object) -> int:
    try:
        return parse(item["value"]).milli()
    except QuantityError as error:
        raise ValueError(f"{item['value']!r} is no quantity") from error
