"""Requests and limits as cgroup values, for both cgroup versions, and the hierarchy by quality of service.

https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/. CPU is in thousandths of a core (milli), memory
in bytes.
"""

import math
from collections.abc import Iterable
from typing import Any

from corral.api.kinds.qos import qos_class
from corral.api.objects import Object
from corral.api.quantity import parse

CPU_PERIOD_US = 100_000
MIN_QUOTA_US = 1000
MIN_SHARES = 2
MAX_SHARES = 262_144
SYSTEM_CRITICAL_PRIORITY = 2_000_000_000
OOM_GUARANTEED = -997
OOM_BEST_EFFORT = 1000


def milli(quantity: Any) -> int:
    """Thousandths of a core, rounded up."""
    return parse(str(quantity)).milli()


def whole(quantity: Any) -> int:
    """Bytes or pieces, rounded up."""
    return parse(str(quantity)).value()


def shares(cpu_milli: int) -> int:
    """The cgroup v1 weight of a request; runc turns it into the v2 weight."""
    return MIN_SHARES if cpu_milli == 0 else max(MIN_SHARES, min(MAX_SHARES, cpu_milli * 1024 // 1000))


def quota_us(cpu_milli: int) -> int:
    """Microseconds of CPU time for each period; 0 for no limit."""
    return 0 if cpu_milli == 0 else max(MIN_QUOTA_US, cpu_milli * CPU_PERIOD_US // 1000)


def amounts(container: Object) -> tuple[int, int, int, int]:
    """CPU request and limit (milli), memory request and limit (bytes); 0 where unset, a limit standing in for its request."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    cpu_limit = milli(limits["cpu"]) if "cpu" in limits else 0
    memory_limit = whole(limits["memory"]) if "memory" in limits else 0
    cpu_request = milli(requests["cpu"]) if "cpu" in requests else cpu_limit
    memory_request = whole(requests["memory"]) if "memory" in requests else memory_limit
    return cpu_request, cpu_limit, memory_request, memory_limit


def oom_score_adj(pod: Object, container: Object, node_memory_bytes: int) -> int:
    """How early the kernel kills this container when memory runs out: the more it asked for, the later."""
    if int(pod["spec"].get("priority") or 0) >= SYSTEM_CRITICAL_PRIORITY:
        return OOM_GUARANTEED
    qos = qos_class(pod)
    if qos == "Guaranteed":
        return OOM_GUARANTEED
    if qos == "BestEffort":
        return OOM_BEST_EFFORT
    score = 1000 - 1000 * amounts(container)[2] // max(1, node_memory_bytes)
    return 1000 + OOM_GUARANTEED if score < 1000 + OOM_GUARANTEED else min(score, OOM_BEST_EFFORT - 1)


def container_resources(pod: Object, container: Object, node_memory_bytes: int, *, cgroup_v2: bool) -> dict[str, Any]:
    """The CRI's LinuxContainerResources of a container."""
    cpu_request, cpu_limit, _, memory_limit = amounts(container)
    linux: dict[str, Any] = {
        "cpu_shares": shares(cpu_request),
        "oom_score_adj": oom_score_adj(pod, container, node_memory_bytes),
    }
    if cpu_limit:
        linux |= {"cpu_quota": quota_us(cpu_limit), "cpu_period": CPU_PERIOD_US}
    if memory_limit:
        linux["memory_limit_in_bytes"] = memory_limit
    if cgroup_v2:
        linux["unified"] = {"memory.oom.group": "1"}
        if memory_limit:
            linux["unified"]["memory.swap.max"] = "0"
    return linux


Amounts = tuple[int, int, int]


def pod_amounts(pod: Object) -> Amounts:
    """What a pod's cgroup gets: CPU request (milli), CPU limit and memory limit, 0 where one container is unlimited.

    Sidecars count with the containers that run beside them; an init container counts where it needs more than all of them.
    """
    spec = pod["spec"]
    mains = [amounts(c) for c in spec["containers"]]
    limited_cpu = all(a[1] for a in mains)
    limited_memory = all(a[3] for a in mains)
    cpu, cpu_limit, memory_limit = sum(a[0] for a in mains), sum(a[1] for a in mains), sum(a[3] for a in mains)
    beside = [0, 0, 0]
    peak = [0, 0, 0]
    for container in spec.get("initContainers") or ():
        request, limit, _, memory = amounts(container)
        limited_cpu, limited_memory = limited_cpu and limit > 0, limited_memory and memory > 0
        wanted = (request, limit, memory)
        peak = [max(p, b + w) for p, b, w in zip(peak, beside, wanted, strict=True)]
        if container.get("restartPolicy") == "Always":
            beside = [b + w for b, w in zip(beside, wanted, strict=True)]
    totals = [max(t + b, p) for t, b, p in zip((cpu, cpu_limit, memory_limit), beside, peak, strict=True)]
    cpu, cpu_limit, memory_limit = totals[0], totals[1] if limited_cpu else 0, totals[2] if limited_memory else 0
    overall = spec.get("resources") or {}
    if overall.get("requests", {}).get("cpu"):
        cpu = milli(overall["requests"]["cpu"])
    if overall.get("limits", {}).get("cpu"):
        cpu_limit = milli(overall["limits"]["cpu"])
    if overall.get("limits", {}).get("memory"):
        memory_limit = whole(overall["limits"]["memory"])
    overhead = spec.get("overhead") or {}
    cpu += milli(overhead.get("cpu", "0"))
    cpu_limit += milli(overhead.get("cpu", "0")) if cpu_limit else 0
    memory_limit += whole(overhead.get("memory", "0")) if memory_limit else 0
    return cpu, cpu_limit, memory_limit


def pod_cgroup(root: str, pod: Object) -> str:
    """The path of a pod's cgroup below the mount: `/ROOT/burstable/podUID`; guaranteed pods lie directly below the root."""
    qos = qos_class(pod)
    between = "" if qos == "Guaranteed" else f"/{qos.lower()}"
    return f"{root}{between}/pod{pod['metadata']['uid']}"


def wider(one: Amounts, other: Amounts) -> Amounts:
    """Amounts within which both find room, as no container's cgroup may exceed its pod's while both are changed."""
    cpu_limit, memory_limit = (0 if 0 in pair else max(pair) for pair in zip(one[1:], other[1:], strict=True))
    return max(one[0], other[0]), cpu_limit, memory_limit


def pod_cgroup_values(amounts: Amounts, *, v2: bool) -> dict[str, dict[str, str]]:
    """What to write into the cgroup of a pod of these amounts: controller → file → value (for v2 the controller is '')."""
    cpu, cpu_limit, memory_limit = amounts
    weight = shares(cpu)
    quota = quota_us(cpu_limit)
    if v2:
        files = {"cpu.weight": str(1 + (weight - MIN_SHARES) * 9999 // (MAX_SHARES - MIN_SHARES))}
        if quota:
            files["cpu.max"] = f"{quota} {CPU_PERIOD_US}"
        if memory_limit:
            files["memory.max"] = str(memory_limit)
        return {"": files}
    values: dict[str, dict[str, str]] = {"cpu": {"cpu.shares": str(weight)}, "memory": {}}
    if quota:
        values["cpu"] |= {"cpu.cfs_period_us": str(CPU_PERIOD_US), "cpu.cfs_quota_us": str(quota)}
    if memory_limit:
        values["memory"]["memory.limit_in_bytes"] = str(memory_limit)
    return values


def level_values(pods: Iterable[Object], *, v2: bool) -> dict[str, dict[str, dict[str, str]]]:
    """Class of service → what to write into the cgroup above its pods.

    Where CPU is short, burstable pods share what they asked for in sum, and best-effort pods what nobody else wants.
    """
    live = (p for p in pods if (p.get("status") or {}).get("phase") not in ("Succeeded", "Failed"))
    burstable = sum(pod_amounts(pod)[0] for pod in live if qos_class(pod) == "Burstable")
    return {
        "burstable": pod_cgroup_values((burstable, 0, 0), v2=v2),
        "besteffort": pod_cgroup_values((0, 0, 0), v2=v2),
    }


def divided(quantity_bytes_or_milli: int, divisor: str, *, cpu: bool) -> str:
    """The value of a resourceFieldRef: an amount in units of `divisor`, rounded up."""
    if cpu:
        unit = milli(divisor) if parse(divisor) else 1000
        return str(math.ceil(quantity_bytes_or_milli / unit))
    return str(math.ceil(quantity_bytes_or_milli / (whole(divisor) or 1)))
