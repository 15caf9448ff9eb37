"""How many replicas a metric asks for, with pods that are not ready or not measured."""

import pytest

from corral.api.objects import Object
from corral.base.clock import rfc3339
from corral.controllers.replicacount import MetricError, PodMetric, Tolerance, by_average, by_utilization, grouped, requested

NOW = 10_000.0


def pod(
    name: str, *, cpu: str = "1", phase: str = "Running", ready: bool = True, age_s: float = 1000, since_s: float = 900
) -> Object:
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": rfc3339(NOW - since_s)}
    status = {"phase": phase, "startTime": rfc3339(NOW - age_s), "conditions": [condition]}
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}, "status": status}


def used(**milli: int) -> dict[str, PodMetric]:
    return {name: PodMetric(value, NOW, 60) for name, value in milli.items()}


def replicas(current: int, pods: list[Object], metrics: dict[str, PodMetric], percent: int = 50, resource: str = "cpu") -> int:
    return by_utilization(current, percent, resource, pods, metrics, Tolerance(), NOW).replicas


def test_replicas_grow_with_the_ratio_of_use_to_target():
    pods = [pod("a"), pod("b"), pod("c")]
    assert replicas(3, pods, used(a=1000, b=1000, c=1000)) == 6
    assert replicas(3, pods, used(a=100, b=100, c=100)) == 1
    found = by_utilization(3, 50, "cpu", pods, used(a=300, b=500, c=700), Tolerance(), NOW)
    assert (found.replicas, found.utilization, found.average) == (3, 50, 500)


@pytest.mark.parametrize(("milli", "wanted"), [(540, 3), (560, 4), (460, 3), (440, 3), (330, 2)])
def test_small_differences_are_of_no_consequence(milli, wanted):
    assert replicas(3, [pod("a"), pod("b"), pod("c")], used(a=milli, b=milli, c=milli)) == wanted


def test_pods_without_metrics_hold_back_in_either_direction():
    pods = [pod("a"), pod("b"), pod("c")]
    # Down: the missing one is taken to use all that it requests.
    assert replicas(3, pods, used(a=300, b=300)) == 3
    # Up: it is taken to use nothing.
    assert replicas(3, pods, used(a=1000, b=1000)) == 4
    assert replicas(3, pods, used(a=700, b=700)) == 3


def test_pods_that_are_not_ready_yet_hold_back_growth_only():
    pods = [pod("a"), pod("b"), pod("c", ready=False, age_s=60, since_s=60)]
    assert replicas(3, pods, used(a=1000, b=1000, c=1000)) == 4
    assert replicas(3, pods, used(a=100, b=100, c=100)) == 1


def test_pods_that_end_or_wait_do_not_count():
    leaving = pod("d")
    leaving["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    pods = [pod("a"), pod("b", phase="Pending"), pod("c", phase="Failed"), leaving]
    groups = grouped(pods, used(a=1, c=1, d=1), "cpu", NOW)
    assert groups == (1, {"b"}, set(), {"c", "d"})


@pytest.mark.parametrize(
    ("given", "is_unready"),
    [
        ({"ready": False, "age_s": 100, "since_s": 100}, True),
        ({"ready": True, "age_s": 100, "since_s": 30}, True),  # Ready for less than the metric's window.
        ({"ready": True, "age_s": 100, "since_s": 90}, False),
        ({"ready": False, "age_s": 1000, "since_s": 990}, True),  # Never ready.
        ({"ready": False, "age_s": 1000, "since_s": 100}, False),  # Was ready: its load counts.
    ],
)
def test_cpu_of_starting_pods_counts_once_they_are_ready(given, is_unready):
    assert bool(grouped([pod("a", **given)], used(a=1), "cpu", NOW).unready) is is_unready
    assert not grouped([pod("a", **given)], used(a=1), "memory", NOW).unready


def test_an_average_needs_no_requests():
    pods = [pod("a"), pod("b")]
    for one in pods:
        one["spec"]["containers"][0].pop("resources")
    found = by_average(2, 100, "cpu", pods, used(a=300, b=100), Tolerance(), NOW)
    assert (found.replicas, found.utilization, found.average) == (4, None, 200)


def test_tolerance_is_of_each_direction():
    pods = [pod("a"), pod("b"), pod("c")]
    wide = Tolerance(down=0.5, up=0.0)
    assert by_utilization(3, 50, "cpu", pods, used(a=260, b=260, c=260), wide, NOW).replicas == 3
    assert by_utilization(3, 50, "cpu", pods, used(a=510, b=510, c=510), wide, NOW).replicas == 4


@pytest.mark.parametrize(
    ("pods", "metrics", "message"),
    [
        ([], used(a=1), "no pods returned by selector while calculating replica count"),
        ([pod("a")], {}, "did not receive metrics for targeted pods (pods might be unready)"),
        ([pod("a", cpu="0")], used(a=1), "no metrics returned matched known pods"),
    ],
)
def test_where_nothing_follows_it_is_said_why(pods, metrics, message):
    with pytest.raises(MetricError) as error:
        replicas(1, pods, metrics)
    assert str(error.value) == message


def test_requests_are_of_all_containers_of_one_or_of_the_pod():
    one = pod("a", cpu="100m")
    sidecar = {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}}
    one["spec"]["initContainers"] = [sidecar, {"name": "i", "resources": {"requests": {"cpu": "5"}}}]
    assert requested(one, "cpu") == 150
    assert requested(one, "cpu", "c") == 100
    with pytest.raises(MetricError, match="missing request for memory in container c of Pod a"):
        requested(one, "memory")
    one["spec"]["resources"] = {"requests": {"cpu": "1"}}
    assert requested(one, "cpu") == 1000
