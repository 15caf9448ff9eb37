import pytest

from corral.node.resources import (
    container_resources,
    level_values,
    oom_score_adj,
    pod_amounts,
    pod_cgroup,
    pod_cgroup_values,
    quota_us,
    shares,
    wider,
)
from corral.testing.podstate import container, new_pod

GIB = 1024**3
GUARANTEED = {"requests": {"cpu": "500m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}
BURSTABLE = {"requests": {"cpu": "250m", "memory": "1Gi"}}


def linux(resources, v2=False):
    spec = container("c", resources=resources)
    return container_resources(new_pod(spec), spec, 8 * GIB, cgroup_v2=v2)


@pytest.mark.parametrize(("milli", "weight"), [(0, 2), (1, 2), (100, 102), (1000, 1024), (10**6, 262144)])
def test_shares(milli, weight):
    assert shares(milli) == weight


@pytest.mark.parametrize(("milli", "quota"), [(0, 0), (5, 1000), (500, 50_000), (2000, 200_000)])
def test_quota(milli, quota):
    assert quota_us(milli) == quota


def test_limits_become_cgroup_values():
    made = linux(GUARANTEED)
    assert made == {
        "cpu_shares": 512,
        "cpu_quota": 50_000,
        "cpu_period": 100_000,
        "memory_limit_in_bytes": 64 * 1024**2,
        "oom_score_adj": -997,
    }


def test_without_limits_there_is_only_a_weight():
    assert linux(BURSTABLE).keys() == {"cpu_shares", "oom_score_adj"}


def test_a_cgroup_of_version_2_is_killed_as_a_whole_and_does_not_swap():
    assert linux(GUARANTEED, v2=True)["unified"] == {"memory.oom.group": "1", "memory.swap.max": "0"}


@pytest.mark.parametrize(
    ("resources", "score"),
    [({}, 1000), (GUARANTEED, -997), (BURSTABLE, 875), ({"requests": {"cpu": "1"}}, 999), ({"requests": {"memory": "8Gi"}}, 3)],
)
def test_who_asked_for_less_is_killed_first(resources, score):
    spec = container("c", resources=resources)
    assert oom_score_adj(new_pod(spec), spec, 8 * GIB) == score


def test_system_critical_pods_are_killed_last():
    assert oom_score_adj(new_pod(priority=2_000_001_000), container("c"), GIB) == -997


def test_a_pods_limit_needs_a_limit_of_every_container():
    limited = container("a", resources=GUARANTEED)
    assert pod_amounts(new_pod(limited, limited | {"name": "b"})) == (1000, 1000, 128 * 1024**2)
    assert pod_amounts(new_pod(limited, container("b"))) == (500, 0, 0)


def test_init_containers_count_at_their_peak_and_sidecars_always():
    big = container("i", resources={"requests": {"cpu": "3"}})
    side = container("s", resources={"requests": {"cpu": "100m"}}, restartPolicy="Always")
    main = container("c", resources={"requests": {"cpu": "1"}})
    assert pod_amounts(new_pod(main, initContainers=[big]))[0] == 3000
    assert pod_amounts(new_pod(main, initContainers=[side]))[0] == 1100
    assert pod_amounts(new_pod(main, initContainers=[side, big]))[0] == 3100


def test_pods_lie_by_quality_of_service():
    assert pod_cgroup("/corral-x", new_pod()) == "/corral-x/besteffort/podu1"
    assert pod_cgroup("/corral-x", new_pod(container("c", resources=BURSTABLE))) == "/corral-x/burstable/podu1"
    assert pod_cgroup("/corral-x", new_pod(container("c", resources=GUARANTEED))) == "/corral-x/podu1"


def test_values_of_a_pods_cgroup():
    amounts = pod_amounts(new_pod(container("c", resources=GUARANTEED)))
    assert pod_cgroup_values(amounts, v2=False) == {
        "cpu": {"cpu.shares": "512", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"},
        "memory": {"memory.limit_in_bytes": str(64 * 1024**2)},
    }
    assert pod_cgroup_values(amounts, v2=True) == {
        "": {"cpu.weight": "20", "cpu.max": "50000 100000", "memory.max": str(64 * 1024**2)}
    }


def test_while_a_pod_is_resized_its_cgroup_has_room_for_before_and_after():
    assert wider((100, 200, 300), (200, 100, 400)) == (200, 200, 400)
    assert wider((100, 0, 300), (100, 500, 0)) == (100, 0, 0)


def test_burstable_pods_share_what_they_asked_for_and_best_effort_pods_the_rest():
    asking = container("c", resources=BURSTABLE)
    ended = {**new_pod(asking), "status": {"phase": "Succeeded"}}
    pods = [new_pod(asking), new_pod(asking), ended, new_pod(), new_pod(container("c", resources=GUARANTEED))]
    assert level_values(pods, v2=False) == {
        "burstable": {"cpu": {"cpu.shares": "512"}, "memory": {}},
        "besteffort": {"cpu": {"cpu.shares": "2"}, "memory": {}},
    }
    assert level_values([], v2=True) == {"burstable": {"": {"cpu.weight": "1"}}, "besteffort": {"": {"cpu.weight": "1"}}}
