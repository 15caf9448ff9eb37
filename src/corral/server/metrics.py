"""Metrics of the server, under the reference's names (https://kubernetes.io/docs/reference/instrumentation/metrics/).

Requests are counted in plain dicts; Prometheus' objects are made when somebody asks, so that a request pays nothing for them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from corral.server.request import Request

if TYPE_CHECKING:
    from prometheus_client import Metric

    from corral.server.core import Core

BUCKETS_S = (
    0.005,
    0.025,
    0.05,
    0.1,
    0.2,
    0.4,
    0.6,
    0.8,
    1.0,
    1.25,
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    10.0,
    15.0,
    20.0,
    30.0,
    45.0,
    60.0,
)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Series:
    __slots__ = ("buckets", "codes", "sum_s")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0


class Metrics:
    """What the server counts."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._series: dict[tuple[object, str, str], _Series] = {}

    def observe(self, request: Request, code: int, took_s: float) -> None:
        """Count a request."""
        key = (request.resource, request.verb, request.subresource)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series()
        codes = series.codes
        codes[code] = codes.get(code, 0) + 1
        if request.verb != "watch":
            i = 0
            for bound_s in BUCKETS_S:
                if took_s <= bound_s:
                    break
                i += 1
            series.buckets[i] += 1
            series.sum_s += took_s

    def text(self) -> bytes:
        """The exposition."""
        from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_Collector(self))
        text: bytes = generate_latest(registry)
        return text

    def collect(self) -> Iterable["Metric"]:
        """The server's own families."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        labels = ["code", "component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"]
        requests = CounterMetricFamily("apiserver_request", "Requests by verb, resource and code.", labels=labels)
        durations = HistogramMetricFamily("apiserver_request_duration_seconds", "Latency of requests.", labels=[*labels[1:]])
        for (resource, verb, subresource), series in self._series.items():
            group, name = (resource.group, resource.plural) if resource else ("", "")  # type: ignore[attr-defined]
            version = resource.version if resource else ""  # type: ignore[attr-defined]
            common = ["apiserver", "", group, name, "", subresource, verb.upper(), version]
            for code, count in series.codes.items():
                requests.add_metric([str(code), *common], count)
            if any(series.buckets):
                durations.add_metric(common, _cumulative(series.buckets), series.sum_s)
        yield requests
        yield durations
        objects = GaugeMetricFamily("apiserver_storage_objects", "Stored objects by resource.", labels=["resource"])
        for collection in self._core.cache.collections():
            objects.add_metric([collection.group_resource], len(collection))
        yield objects
        yield GaugeMetricFamily("apiserver_watch_cache_revision", "The newest revision seen.", value=self._core.cache.revision)


class _Collector:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable["Metric"]:
        return self._metrics.collect()


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    found = []
    for bound, count in zip([*map(str, BUCKETS_S), "+Inf"], buckets, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
