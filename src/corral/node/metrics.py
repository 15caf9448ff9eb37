"""`/metrics`, `/metrics/cadvisor` and `/metrics/probes` of a node, under the names of a kubelet, so that dashboards know them.

`/metrics/resource` is in `stats`. Written by Prometheus' own library, which is loaded when somebody asks.
https://kubernetes.io/docs/reference/instrumentation/metrics/, https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from corral.api.objects import Object
from corral.node import hostinfo
from corral.node.config import KUBELET_VERSION
from corral.node.cri.types import Container, ContainerStats
from corral.node.podstate.observed import spec_of
from corral.node.probes.prober import Asked
from corral.node.resources import CPU_PERIOD_US, amounts, quota_us, shares
from corral.node.stats import NANO, Network

if TYPE_CHECKING:
    from prometheus_client import Metric

_CONTAINER = ["container", "id", "image", "name", "namespace", "pod"]
_POD = ["id", "interface", "namespace", "pod"]


def of_agent(node_name: str, pods: Sequence[Object], containers: Iterable[Container]) -> bytes:
    """The agent's own: what it runs, what it is, and its process."""
    from prometheus_client import ProcessCollector
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

    states = Counter(container.state for container in containers)
    running = GaugeMetricFamily("kubelet_running_containers", "Containers by state.", labels=["container_state"])
    for state, count in sorted(states.items()):
        running.add_metric([state], count)
    build = InfoMetricFamily("kubernetes_build", "What was built.", value={"git_version": KUBELET_VERSION})
    name = GaugeMetricFamily("kubelet_node_name", "The node's name.", labels=["node"])
    name.add_metric([node_name], 1)
    phases = Counter((pod.get("status") or {}).get("phase") for pod in pods)
    live = GaugeMetricFamily("kubelet_running_pods", "Pods that run.", value=phases["Running"])
    return _text([live, running, name, build, *ProcessCollector(registry=None).collect()])


def of_containers(pods: Sequence[Object], stats: Iterable[ContainerStats], networks: Mapping[str, Network]) -> bytes:
    """What each container and pod uses and may use, and what the machine has."""
    by_uid = {pod["metadata"]["uid"]: pod for pod in pods}
    known = [(by_uid[item.pod_uid], item) for item in stats if item.pod_uid in by_uid]
    return _text([*_machine(), *_usage(known), *_limits(known), *_networks(pods, networks)])


def of_probes(asked: Iterable[tuple[Object, Mapping[Asked, int]]]) -> bytes:
    """How often each probe of each pod's containers gave which answer."""
    from prometheus_client.core import CounterMetricFamily

    labels = ["container", "namespace", "pod", "pod_uid", "probe_type", "result"]
    total = CounterMetricFamily("prober_probe", "Probes by their answers.", labels=labels)
    for pod, counts in asked:
        meta = pod["metadata"]
        for (container, kind, good), count in sorted(counts.items()):
            result = "successful" if good else "failed"
            total.add_metric([container, meta["namespace"], meta["name"], meta["uid"], kind.capitalize(), result], count)
    return _text([total])


def _machine() -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    yield GaugeMetricFamily("machine_cpu_cores", "Processors.", value=hostinfo.cpu_count())
    yield GaugeMetricFamily("machine_memory_bytes", "Memory.", value=hostinfo.memory()["MemTotal"])


def _usage(known: Sequence[tuple[Object, ContainerStats]]) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    cpu = CounterMetricFamily("container_cpu_usage_seconds", "CPU time.", labels=[*_CONTAINER, "cpu"])
    faults = CounterMetricFamily("container_memory_failures", "Page faults.", labels=[*_CONTAINER, "failure_type", "scope"])
    sizes = {
        "container_memory_working_set_bytes": "working_set_bytes",
        "container_memory_usage_bytes": "usage_bytes",
        "container_memory_rss": "rss_bytes",
        "container_fs_usage_bytes": "layer_bytes",
        "container_last_seen": "timestamp_s",
    }
    gauges = {name: GaugeMetricFamily(name, field, labels=_CONTAINER) for name, field in sizes.items()}
    for pod, item in known:
        labels = _labels(pod, item)
        cpu.add_metric([*labels, "total"], item.cpu_ns / NANO)
        faults.add_metric([*labels, "pgfault", "container"], item.page_faults)
        faults.add_metric([*labels, "pgmajfault", "container"], item.major_page_faults)
        for name, field in sizes.items():
            gauges[name].add_metric(labels, getattr(item, field))
    yield cpu
    yield faults
    yield from gauges.values()


def _limits(known: Sequence[tuple[Object, ContainerStats]]) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    names = ("cpu_shares", "cpu_quota", "cpu_period", "memory_limit_bytes")
    gauges = {n: GaugeMetricFamily(f"container_spec_{n}", "As specified.", labels=_CONTAINER) for n in names}
    for pod, item in known:
        container = spec_of(pod, item.name)
        if container is None:
            continue
        request, limit, _, memory = amounts(container)
        values = {"cpu_shares": shares(request), "cpu_period": CPU_PERIOD_US, "memory_limit_bytes": memory}
        if limit:
            values["cpu_quota"] = quota_us(limit)
        for name, value in values.items():
            gauges[name].add_metric(_labels(pod, item), value)
    yield from gauges.values()


def _networks(pods: Iterable[Object], networks: Mapping[str, Network]) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily

    fields = {
        "receive_bytes": "rx_bytes",
        "transmit_bytes": "tx_bytes",
        "receive_errors": "rx_errors",
        "transmit_errors": "tx_errors",
    }
    counters = {n: CounterMetricFamily(f"container_network_{n}", "Of the pod.", labels=_POD) for n in fields}
    for pod in pods:
        meta = pod["metadata"]
        found = networks.get(meta["uid"])
        if found is not None:
            labels = [f"/pod{meta['uid']}", found.name, meta["namespace"], meta["name"]]
            for name, field in fields.items():
                counters[name].add_metric(labels, getattr(found, field))
    yield from counters.values()


def _labels(pod: Object, item: ContainerStats) -> list[str]:
    meta, container = pod["metadata"], spec_of(pod, item.name) or {}
    return [item.name, f"/pod{meta['uid']}/{item.id}", container.get("image", ""), item.id, meta["namespace"], meta["name"]]


def _text(families: "Iterable[Metric]") -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest

    class Families:
        def collect(self) -> "Iterable[Metric]":
            return families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    return generate_latest(registry)
