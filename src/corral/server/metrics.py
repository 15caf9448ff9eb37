"""Metrics of the server, under the reference's names (https://kubernetes.io/docs/reference/instrumentation/metrics/).

Requests are counted in plain dicts; Prometheus' objects are made when somebody asks, so that a request pays nothing for them.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from corral.api.resources import Resource
from corral.base.exposition import Family, label_text
from corral.base.histogram import Histogram
from corral.server.paths import subresource_verbs
from corral.server.request import Request

if TYPE_CHECKING:
    from prometheus_client import Metric

    from corral.server.core import Core

BUCKETS_S = (
    *(0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0),
    *(3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0),
)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


#: More kinds of requests than this are counted together: paths that only look like resources are without number.
KEPT_SERIES = 4096
_VERBS = {"create": "POST", "update": "PUT"}
_CONNECTING = frozenset({"attach", "exec", "portforward", "proxy"})
#: A kind of requests: what is asked for, the verb, the subresource, the scope, and `dryRun`.
_Key = tuple[Resource | None, str, str, str, str]
_OTHERS: _Key = (None, "other", "", "", "")
#: Tells of metrics, whenever it is asked.
Source = Callable[[], Iterable["Metric"]]


class _Series:
    __slots__ = ("codes", "durations", "running")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.durations = Histogram(BUCKETS_S)
        #: Streams that have not ended.
        self.running = 0


class _Inflight:
    """Requests that are being answered: entered with each, left with its answer, which for a stream is its beginning."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1


class Metrics:
    """What the server counts."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        #: By the text of their labels: requests that are shown alike are counted together.
        self._series: dict[str, _Series] = {}
        self._known: dict[_Key, _Series] = {}
        self._sources: list[Source] = []
        self._reading, self._mutating = _Inflight(), _Inflight()

    def add(self, source: Source) -> None:
        """Show what `source` tells of, too."""
        self._sources.append(source)

    def inflight(self, method: str) -> _Inflight:
        """Where a request is counted while it is being answered."""
        return self._reading if method in ("GET", "HEAD") else self._mutating

    def observe(self, request: Request, status: int, took_s: float, *, goes_on: bool = False) -> Callable[[], None] | None:
        """Count a request that is answered; or one whose answer `goes_on`: what is returned is to be called when it ends."""
        scope = "resource" if request.name else "namespace" if request.namespace else "cluster"
        dry_run = request.query.get("dryRun", "") if request.query else ""
        key = (request.resource, request.verb, request.subresource, scope, dry_run)
        series = self._known.get(key) or self._series_of(*key)
        codes = series.codes
        codes[status] = codes.get(status, 0) + 1
        if goes_on:
            series.running += 1
            return partial(_ended, series)
        series.durations.observe(took_s)
        return None

    def _series_of(self, resource: Resource | None, verb: str, subresource: str, scope: str, dry_run: str) -> _Series:
        """Where requests are counted of which there was none yet, or of which the client has made up a part."""
        if resource is None or subresource_verbs(resource, subresource) is None:
            subresource = ""
        key = (resource, verb, subresource, scope, "All" if dry_run == "All" else "")
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KEPT_SERIES:
                key = _OTHERS
            found = self._known[key] = self._series.setdefault(label_text(_labels(*key)), _Series())
        return found

    def text(self) -> bytes:
        """The exposition: by Prometheus' own library for all but requests, whose series may be thousands."""
        from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_Collector(self))
        return self._of_requests().encode() + generate_latest(registry)

    def collect(self) -> Iterable["Metric"]:
        """The server's own families but those of requests, and those of the sources."""
        yield self._of_inflight()
        yield from self._of_storage()
        for source in self._sources:
            yield from source()

    def _of_requests(self) -> str:
        requests = Family("apiserver_request_total", "counter", "Requests by verb, resource and code.")
        durations = Family("apiserver_request_duration_seconds", "histogram", "Latency of requests.")
        streams = Family("apiserver_longrunning_requests", "gauge", "Watches and other streams.")
        for labels, series in self._series.items():
            for code, count in series.codes.items():
                requests.add(f'code="{code}",{labels}', count)
            if any(series.durations.counts):
                durations.add_histogram(labels, series.durations)
            if series.running:
                streams.add(labels, series.running)
        return f"{requests}{durations}{streams}"

    def _of_inflight(self) -> "Metric":
        from prometheus_client.core import GaugeMetricFamily

        inflight = GaugeMetricFamily("apiserver_current_inflight_requests", "Requests at work.", labels=["request_kind"])
        inflight.add_metric(["mutating"], self._mutating.count)
        inflight.add_metric(["readOnly"], self._reading.count)
        return inflight

    def _of_storage(self) -> Iterable["Metric"]:
        from prometheus_client.core import GaugeMetricFamily

        objects = GaugeMetricFamily("apiserver_storage_objects", "Stored objects by resource.", labels=["resource"])
        for collection in self._core.cache.collections():
            objects.add_metric([collection.group_resource], len(collection))
        yield objects
        yield GaugeMetricFamily("apiserver_watch_cache_revision", "The newest revision seen.", value=self._core.cache.revision)
        down = GaugeMetricFamily("aggregator_unavailable_apiservice", "APIServices that are not available.", labels=["name"])
        backends = self._core.backends
        for backend in backends.remote.values():
            down.add_metric([backend.name], 0 if backends.is_available(backend) else 1)
        yield down


class _Collector:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable["Metric"]:
        return self._metrics.collect()


def _labels(resource: Resource | None, verb: str, subresource: str, scope: str, dry_run: str) -> dict[str, str]:
    group, name, version = "", "", ""
    if resource is not None:
        group, name, version = resource.group, resource.plural, resource.version
    else:
        scope = ""
    shown = "CONNECT" if subresource in _CONNECTING else _VERBS.get(verb, verb.upper())
    return {
        "component": "apiserver",
        "dry_run": dry_run,
        "group": group,
        "resource": name,
        "scope": scope,
        "subresource": subresource,
        "verb": shown,
        "version": version,
    }


def _ended(series: _Series) -> None:
    series.running -= 1
