"""How many replicas a resource metric asks for: the reference's rules about pods that are not ready or not measured.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from corral.api.objects import Object
from corral.api.quantity import parse
from corral.base.clock import parse_rfc3339
from corral.controllers.conditions import condition
from corral.controllers.pods import is_ready

#: A pod this young may be busy with its start: its CPU counts only while it is ready.
INITIALIZATION_S = 300.0
#: A pod that turned unready this soon after its start has never been ready.
FIRST_READINESS_S = 30.0


class PodMetric(NamedTuple):
    """What a pod uses, in thousandths, on average over the window that ends at `at_s`."""

    value: int
    at_s: float
    window_s: float


class Tolerance(NamedTuple):
    """How far the ratio of use to target may be off without consequences."""

    down: float = 0.1
    up: float = 0.1

    def holds(self, ratio: float) -> bool:
        """Whether the ratio is near enough to 1."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Proposal(NamedTuple):
    """How many replicas; and what was measured: percent of what is requested (None where that was not asked), thousandths."""

    replicas: int
    utilization: int | None
    average: int


class MetricError(Exception):
    """No number of replicas follows from what is known; the text is the reference's."""


class Groups(NamedTuple):
    """Pods by what their metrics are worth."""

    ready: int
    unready: set[str]
    missing: set[str]
    ignored: set[str]


def by_utilization(
    current: int,
    target_percent: int,
    resource: str,
    pods: Sequence[Object],
    metrics: Mapping[str, PodMetric],
    tolerance: Tolerance,
    now_s: float,
    *,
    container: str = "",
) -> Proposal:
    """For a target in percent of what pods request. Raises MetricError."""
    groups, counted = _sorted(resource, pods, metrics, now_s)
    requests = {pod["metadata"]["name"]: requested(pod, resource, container) for pod in pods}

    def ratio(of: Mapping[str, int]) -> tuple[float, int, int]:
        known = {name: value for name, value in of.items() if name in requests}
        asked = sum(requests[name] for name in known)
        if not asked:
            raise MetricError("no metrics returned matched known pods")
        utilization = sum(known.values()) * 100 // asked
        return utilization / target_percent, utilization, sum(known.values()) // len(known)

    fallback = max(100, target_percent)
    missing = {name: requests[name] * fallback // 100 for name in groups.missing}
    first, utilization, average = ratio(counted)
    replicas = _replicas(current, groups, counted, missing, first, lambda of: ratio(of)[0], tolerance)
    return Proposal(replicas, utilization, average)


def by_average(
    current: int,
    target: int,
    resource: str,
    pods: Sequence[Object],
    metrics: Mapping[str, PodMetric],
    tolerance: Tolerance,
    now_s: float,
) -> Proposal:
    """For a target in thousandths a pod. Raises MetricError."""
    groups, counted = _sorted(resource, pods, metrics, now_s)

    def average_of(of: Mapping[str, int]) -> int:
        return sum(of.values()) // len(of)

    average = average_of(counted)
    missing = dict.fromkeys(groups.missing, target)
    first = average / target
    replicas = _replicas(current, groups, counted, missing, first, lambda of: average_of(of) / target, tolerance)
    return Proposal(replicas, None, average)


def by_value(current: int, target: int, value: int, pods: Sequence[Object], tolerance: Tolerance) -> Proposal:
    """For a target that one value of the whole (an object's, something external) is to have, in thousandths."""
    ratio = value / target
    if current == 0:
        return Proposal(math.ceil(ratio), None, value)
    if tolerance.holds(ratio):
        return Proposal(current, None, value)
    ready = sum(pod.get("status", {}).get("phase") == "Running" and is_ready(pod) for pod in pods)
    return Proposal(math.ceil(ratio * ready), None, value)


def by_share(replicas: int, target: int, value: int, tolerance: Tolerance) -> Proposal:
    """For a target that each replica's share of such a value is to have. `replicas` are those that there are."""
    average = math.ceil(value / replicas) if replicas else value
    if replicas and tolerance.holds(value / (target * replicas)):
        return Proposal(replicas, None, average)
    return Proposal(math.ceil(value / target), None, average)


def grouped(pods: Sequence[Object], metrics: Mapping[str, PodMetric], resource: str, now_s: float) -> Groups:
    """Which pods count, which are not ready to, which are not measured, which are of no interest."""
    ready = 0
    unready, missing, ignored = set[str](), set[str](), set[str]()
    for pod in pods:
        name, phase = pod["metadata"]["name"], pod.get("status", {}).get("phase")
        if pod["metadata"].get("deletionTimestamp") or phase == "Failed":
            ignored.add(name)
        elif phase == "Pending":
            unready.add(name)
        elif name not in metrics:
            missing.add(name)
        elif resource == "cpu" and _is_unready(pod, metrics[name], now_s):
            unready.add(name)
        else:
            ready += 1
    return Groups(ready, unready, missing, ignored)


def requested(pod: Object, resource: str, container: str = "") -> int:
    """What a pod, or one container of it, requests, in thousandths. Raises MetricError where a container requests none."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    whole = ((spec.get("resources") or {}).get("requests") or {}).get(resource)
    if whole is not None and not container:
        return parse(whole).milli()
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    total = 0
    for one in (*spec["containers"], *sidecars):
        if container and one["name"] != container:
            continue
        amount = ((one.get("resources") or {}).get("requests") or {}).get(resource)
        if amount is None:
            raise MetricError(f"missing request for {resource} in container {one['name']} of Pod {name}")
        total += parse(amount).milli()
    return total


def _sorted(
    resource: str, pods: Sequence[Object], metrics: Mapping[str, PodMetric], now_s: float
) -> tuple[Groups, dict[str, int]]:
    """The pods in groups, and the use of those that count."""
    if not pods:
        raise MetricError("no pods returned by selector while calculating replica count")
    groups = grouped(pods, metrics, resource, now_s)
    uncounted = groups.ignored | groups.unready
    counted = {name: metric.value for name, metric in metrics.items() if name not in uncounted}
    if not counted:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    return groups, counted


def _replicas(
    current: int,
    groups: Groups,
    counted: Mapping[str, int],
    missing: Mapping[str, int],
    first: float,
    ratio: Callable[[Mapping[str, int]], float],
    tolerance: Tolerance,
) -> int:
    """From the ratio of use to target, damped: what is not known counts against the direction that is taken."""
    up_with_unready = bool(groups.unready) and first > 1.0
    if not up_with_unready and not missing:
        return current if tolerance.holds(first) else math.ceil(first * groups.ready)
    assumed = dict(counted)
    if first < 1.0:
        assumed |= missing
    elif first > 1.0:
        assumed |= dict.fromkeys(missing, 0)
    if up_with_unready:
        assumed |= dict.fromkeys(groups.unready, 0)
    second = ratio(assumed)
    if tolerance.holds(second) or (first < 1.0 < second) or (second < 1.0 < first):
        return current
    replicas = math.ceil(second * len(assumed))
    if (second < 1.0 and replicas > current) or (second > 1.0 and replicas < current):
        return current
    return replicas


def _is_unready(pod: Object, metric: PodMetric, now_s: float) -> bool:
    status = pod.get("status", {})
    ready, started = condition(status.get("conditions") or (), "Ready"), status.get("startTime")
    if ready is None or not started:
        return True
    started_s, since_s = parse_rfc3339(started), parse_rfc3339(ready["lastTransitionTime"])
    if started_s + INITIALIZATION_S > now_s:
        return ready["status"] == "False" or metric.at_s < since_s + metric.window_s
    return ready["status"] == "False" and started_s + FIRST_READINESS_S > since_s
