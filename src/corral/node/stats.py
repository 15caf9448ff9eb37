"""What pods and the node use: `/stats/summary` and `/metrics/resource`, as metrics-server and `kubectl top` read them.

https://kubernetes.io/docs/reference/instrumentation/node-metrics/
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from msgspec import Struct

from corral.api.objects import Object
from corral.base.clock import rfc3339_micro
from corral.node import hostinfo
from corral.node.cri.types import ContainerStats

NANO = 1_000_000_000
HOST_MASK = "FFFFFFFF"
#: What the host's end sends is what the pod receives.
COUNTERS = ("tx_bytes", "rx_bytes", "tx_errors", "rx_errors")


class Network(Struct, frozen=True):
    """Bytes and errors of one interface since it was made."""

    name: str
    rx_bytes: int
    tx_bytes: int
    rx_errors: int
    tx_errors: int


class Rates:
    """CPU rates (nanocores) from the difference between two readings of the same container."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int, int]] = {}

    def of(self, id: str, timestamp_s: float, cpu_ns: int) -> int:
        """The rate since the reading before; 0 for the first."""
        before = self._last.get(id)
        if before is not None and timestamp_s <= before[0]:
            return before[2]
        rate = int((cpu_ns - before[1]) / (timestamp_s - before[0])) if before is not None else 0
        self._last[id] = (timestamp_s, cpu_ns, max(0, rate))
        return max(0, rate)

    def keep_only(self, ids: set[str]) -> None:
        """Forget all containers but these."""
        self._last = {id: value for id, value in self._last.items() if id in ids}


def summary(
    node_name: str,
    data_dir: Path,
    pods: Sequence[Object],
    stats: Iterable[ContainerStats],
    networks: Mapping[str, Network],
    rates: Rates,
    now_s: float,
) -> Object:
    """The stats/v1alpha1 Summary."""
    by_pod: dict[str, list[ContainerStats]] = {}
    found = list(stats)
    for item in found:
        by_pod.setdefault(item.pod_uid, []).append(item)
    made = [_pod(pod, by_pod.get(pod["metadata"]["uid"], []), networks, rates, now_s) for pod in pods]
    rates.keep_only({item.id for item in found} | {"node"})
    return {"node": _node(node_name, data_dir, rates, now_s), "pods": made}


def resource_metrics(pods: Sequence[Object], stats: Iterable[ContainerStats], now_s: float) -> str:
    """The same in Prometheus' text format."""
    names = {pod["metadata"]["uid"]: (pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods}
    cpu_ns, memory = host_cpu_ns(), host_memory()
    lines: dict[str, list[str]] = {
        "container_cpu_usage_seconds_total": [],
        "container_memory_working_set_bytes": [],
        "pod_cpu_usage_seconds_total": [],
        "pod_memory_working_set_bytes": [],
    }
    totals: dict[str, list[int]] = {}
    for item in stats:
        if item.pod_uid not in names:
            continue
        namespace, pod = names[item.pod_uid]
        labels = f'{{container="{item.name}",namespace="{namespace}",pod="{pod}"}}'
        stamp = int(item.timestamp_s * 1000)
        lines["container_cpu_usage_seconds_total"].append(f"{labels} {item.cpu_ns / NANO} {stamp}")
        lines["container_memory_working_set_bytes"].append(f"{labels} {item.working_set_bytes} {stamp}")
        total = totals.setdefault(item.pod_uid, [0, 0])
        total[0] += item.cpu_ns
        total[1] += item.working_set_bytes
    stamp = int(now_s * 1000)
    for uid, (cpu, working_set) in totals.items():
        labels = f'{{namespace="{names[uid][0]}",pod="{names[uid][1]}"}}'
        lines["pod_cpu_usage_seconds_total"].append(f"{labels} {cpu / NANO} {stamp}")
        lines["pod_memory_working_set_bytes"].append(f"{labels} {working_set} {stamp}")
    lines["node_cpu_usage_seconds_total"] = [f" {cpu_ns / NANO} {stamp}"]
    lines["node_memory_working_set_bytes"] = [f" {memory[1]} {stamp}"]
    lines["scrape_error"] = [" 0"]
    text = []
    for name, values in sorted(lines.items()):
        kind = "counter" if name.endswith("_total") else "gauge"
        if values:
            text += [f"# TYPE {name} {kind}", *(name + value for value in values)]
    return "\n".join(text) + "\n"


def host_cpu_ns() -> int:
    """Nanoseconds that the host's processors have worked."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    busy = sum(fields) - fields[3] - fields[4]
    return busy * NANO // os.sysconf("SC_CLK_TCK")


def host_memory() -> tuple[int, int, int]:
    """Used, working set, and available bytes."""
    memory = hostinfo.memory()
    used = memory["MemTotal"] - memory["MemFree"]
    return used, memory["MemTotal"] - memory.get("MemAvailable", memory["MemFree"]), memory.get("MemAvailable", 0)


def networks_of(pods: Iterable[Object], routes: str, interfaces: Path = Path("/sys/class/net")) -> dict[str, Network]:
    """The counters of each pod's interface, by uid: those of the host's end of its veth pair, seen from the other side.

    `routes` is the text of /proc/net/route. A pod has a route of its own, which names the device.
    """
    devices: dict[str, str] = {}
    for line in routes.splitlines()[1:]:
        columns = line.split()
        if columns[7] == HOST_MASK:
            devices[str(IPv4Address(bytes.fromhex(columns[1])[::-1]))] = columns[0]
    found: dict[str, Network] = {}
    for pod in pods:
        device = devices.get((pod.get("status") or {}).get("podIP", ""))
        if device is None or pod["spec"].get("hostNetwork"):
            continue
        counters = interfaces / device / "statistics"
        try:
            sent, received, lost, missed = (int((counters / name).read_text()) for name in COUNTERS)
        except (OSError, ValueError):
            continue  # The pod went.
        found[pod["metadata"]["uid"]] = Network("eth0", sent, received, lost, missed)
    return found


def _pod(
    pod: Object, containers: Sequence[ContainerStats], networks: Mapping[str, Network], rates: Rates, now_s: float
) -> Object:
    meta = pod["metadata"]
    made = [_container(item, rates) for item in containers]
    stamp = rfc3339_micro(now_s)
    result: Object = {
        "podRef": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        "startTime": (pod.get("status") or {}).get("startTime"),
        "containers": made,
        "cpu": {
            "time": stamp,
            "usageNanoCores": sum(c["cpu"]["usageNanoCores"] for c in made),
            "usageCoreNanoSeconds": sum(c["cpu"]["usageCoreNanoSeconds"] for c in made),
        },
        "memory": {
            "time": stamp,
            "usageBytes": sum(c["memory"]["usageBytes"] for c in made),
            "workingSetBytes": sum(c["memory"]["workingSetBytes"] for c in made),
            "rssBytes": sum(c["memory"]["rssBytes"] for c in made),
        },
        "ephemeral-storage": {"time": stamp, "usedBytes": sum(item.layer_bytes for item in containers)},
    }
    if (network := networks.get(meta["uid"])) is not None:
        result["network"] = {"time": stamp, **_network(network), "interfaces": [_network(network)]}
    return result


def _container(item: ContainerStats, rates: Rates) -> dict[str, Any]:
    stamp = rfc3339_micro(item.timestamp_s)
    return {
        "name": item.name,
        "startTime": stamp,
        "cpu": {
            "time": stamp,
            "usageNanoCores": rates.of(item.id, item.timestamp_s, item.cpu_ns),
            "usageCoreNanoSeconds": item.cpu_ns,
        },
        "memory": {
            "time": stamp,
            "usageBytes": item.usage_bytes,
            "workingSetBytes": item.working_set_bytes,
            "rssBytes": item.rss_bytes,
            "pageFaults": item.page_faults,
            "majorPageFaults": item.major_page_faults,
        },
        "rootfs": {"time": stamp, "usedBytes": item.layer_bytes, "inodesUsed": item.layer_inodes},
    }


def _node(name: str, data_dir: Path, rates: Rates, now_s: float) -> Object:
    stamp = rfc3339_micro(now_s)
    cpu_ns = host_cpu_ns()
    used, working_set, available = host_memory()
    disk = os.statvfs(data_dir)
    total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    filesystem = {
        "time": stamp,
        "availableBytes": free,
        "capacityBytes": total,
        "usedBytes": total - disk.f_bfree * disk.f_frsize,
        "inodesFree": disk.f_favail,
        "inodes": disk.f_files,
        "inodesUsed": disk.f_files - disk.f_ffree,
    }
    return {
        "nodeName": name,
        "cpu": {"time": stamp, "usageNanoCores": rates.of("node", now_s, cpu_ns), "usageCoreNanoSeconds": cpu_ns},
        "memory": {"time": stamp, "availableBytes": available, "usageBytes": used, "workingSetBytes": working_set},
        "fs": filesystem,
        "runtime": {"imageFs": filesystem, "containerFs": filesystem},
    }


def _network(network: Network) -> Object:
    return {
        "name": network.name,
        "rxBytes": network.rx_bytes,
        "rxErrors": network.rx_errors,
        "txBytes": network.tx_bytes,
        "txErrors": network.tx_errors,
    }
