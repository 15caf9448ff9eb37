"""Requests and limits that change while containers run (KEP-1287)."""

from typing import Any

from tests.conformance.pods import Pods, condition, is_ready, pod, restarts, shell, status_of
from tests.conformance.rest import STRATEGIC

from corral.api.quantity import parse

Object = dict[str, Any]
Sizes = dict[str, Object]

LOW, BASE, HIGH = ("10m", "15Mi"), ("20m", "20Mi"), ("30m", "30Mi")
#: What the container's cgroup says: weight, quota of 100 ms, memory; of either version.
LOOK = (
    "cd /sys/fs/cgroup; if [ -e cpu.max ]; then cat cpu.weight cpu.max memory.max; "
    "else cat cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes; fi"
)


def guaranteed(size: tuple[str, str]) -> Object:
    return {field: {"cpu": size[0], "memory": size[1]} for field in ("requests", "limits")}


def burstable(cpu: str = "", memory: str = "", cpu_limit: str = "", memory_limit: str = "") -> Object:
    fields = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory_limit}}
    kept = {field: {k: v for k, v in amounts.items() if v} for field, amounts in fields.items()}
    return {field: amounts for field, amounts in kept.items() if amounts}


def sized(name: str, sizes: Sizes) -> Object:
    return pod(name, *({"name": n, **shell("sleep 600"), "resources": r} for n, r in sizes.items()))


def resized(pods: Pods, name: str, sizes: Sizes) -> Object:
    """The pod, once all of it runs under these, and nothing more is to come."""

    def settled(found: Object) -> bool:
        done = not condition(found, "PodResizePending") and not condition(found, "PodResizeInProgress")
        return done and is_ready(found) and all(status_of(found, n).get("resources") == r for n, r in sizes.items())

    found = pods.until_pod(name, settled)
    for n, resources in sizes.items():
        assert restarts(found, n) == 0
        assert status_of(found, n).get("allocatedResources", {}) == resources.get("requests", {})
        _check_cgroup(pods, name, n, resources)
    assert [made["name"] for made in found["status"]["containerStatuses"]] == list(sizes)
    return found


def _check_cgroup(pods: Pods, name: str, container: str, resources: Object) -> None:
    weight, quota, period, memory = pods.exec(name, "sh", "-c", LOOK, container=container).split()
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    if quota in ("-1", "max"):
        assert "cpu" not in limits
    else:
        assert int(quota) == max(1000, parse(limits["cpu"]).milli() * int(period) // 1000)
    if memory == "max" or int(memory) > 1 << 50:
        assert "memory" not in limits
    else:
        assert int(memory) == parse(limits["memory"]).value()
    # The weight of version 2 is runc's affair; version 1 shows the shares as they were asked for.
    shares = max(2, parse(requests.get("cpu", "0")).milli() * 1024 // 1000)
    assert int(weight) == shares or int(weight) <= 100


def resize(pods: Pods, name: str, sizes: Sizes) -> None:
    change = {"spec": {"containers": [{"name": n, "resources": r} for n, r in sizes.items()]}}
    pods.patch(f"pods/{name}/resize", change, STRATEGIC)


GUARANTEED = {
    "up-and-down": (HIGH, HIGH, LOW),
    "mostly-down": (HIGH, LOW, LOW),
    "mixed": (("30m", "20Mi"), ("10m", "30Mi"), ("30m", "30Mi")),
}


def test_guaranteed_pods(pods: Pods) -> None:
    """[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase [MinimumKubeletVersion:1.34] [Conformance]
    [sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease [MinimumKubeletVersion:1.34] [Conformance]
    [sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2) [MinimumKubeletVersion:1.34] [Conformance]
    """
    before = {f"c{i}": guaranteed(BASE) for i in (1, 2, 3)}
    pods.start(*(sized(name, before) for name in GUARANTEED))
    for name in GUARANTEED:
        resized(pods, name, before)
    after = {name: {f"c{i}": guaranteed(s) for i, s in enumerate(sizes, 1)} for name, sizes in GUARANTEED.items()}
    for name, sizes in after.items():
        resize(pods, name, sizes)
    for name, sizes in after.items():
        resized(pods, name, sizes)


def test_burstable_pods(pods: Pods) -> None:
    """[sig-node] Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests) [MinimumKubeletVersion:1.34] [Conformance]
    [sig-node] Pod InPlace Resize Container burstable pods - extended resize with equivalents [MinimumKubeletVersion:1.34] [Conformance]
    """
    before = {
        "c1": burstable("20m"),
        "c2": burstable("", "20Mi"),
        "c3": burstable("20m", "20Mi"),
        "c4": burstable("20m"),
        "c5": burstable("", "20Mi"),
        "c6": burstable("20m", "20Mi", "40m", "40Mi"),
    }
    after = {
        "c1": burstable("30m", "", "50m"),
        "c2": burstable("", "15Mi", "", "50Mi"),
        "c3": burstable("20m", "15Mi"),
        "c4": burstable("10m", "20Mi"),
        "c5": burstable("20m", "30Mi"),
        "c6": burstable("10m", "30Mi", "30m", "50Mi"),
    }
    small, smaller = {"c1": burstable("2m", "", "10m")}, {"c1": burstable("1m", "", "5m")}
    pods.start(sized("six", before), sized("equal", small))
    resized(pods, "six", before)
    resized(pods, "equal", small)
    resize(pods, "six", after)
    resize(pods, "equal", smaller)
    resized(pods, "six", after)
    resized(pods, "equal", smaller)
    resize(pods, "equal", small)
    resized(pods, "equal", small)


def test_a_resize_by_replacement(pods: Pods) -> None:
    """[sig-node] Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34] [Conformance]"""
    pods.start(sized("p", {"c1": guaranteed(BASE)}))
    resized(pods, "p", {"c1": guaranteed(BASE)})
    found = pods.get("pods/p")
    found["spec"]["containers"][0]["resources"] = guaranteed(HIGH)
    pods.replace("pods/p/resize", found)
    resized(pods, "p", {"c1": guaranteed(HIGH)})
    assert pods.get("pods/p/resize") == pods.get("pods/p")


def test_a_limit_below_what_is_in_use(pods: Pods) -> None:
    """It is not put in force, the pod says why, and another resize takes its place."""
    pods.start(sized("p", {"c1": guaranteed(BASE)}))
    resized(pods, "p", {"c1": guaranteed(BASE)})
    resize(pods, "p", {"c1": guaranteed(("20m", "10Ki"))})
    found = pods.until_pod("p", lambda p: condition(p, "PodResizeInProgress").get("reason") == "Error")
    assert "memory limit (10240) below current usage" in condition(found, "PodResizeInProgress")["message"]
    assert status_of(found, "c1")["resources"] == guaranteed(BASE)
    resize(pods, "p", {"c1": guaranteed(HIGH)})
    resized(pods, "p", {"c1": guaranteed(HIGH)})
