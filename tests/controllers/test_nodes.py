"""Nodes: silence, taints, evictions, ranges, and the pods of nodes that are gone."""

import ipaddress

import pytest

from corral.base.clock import rfc3339
from corral.controllers import node_ipam, node_lifecycle, podgc, taint_eviction
from corral.controllers.actions import Again, Delete, Note, Patch
from corral.testing.objects import NOW_S, ago, meta, pod


def node(name="n1", ready="True", taints=None, **spec):
    conditions = [
        {"type": t, "status": "False", "lastHeartbeatTime": ago(5)} for t in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    conditions.append({"type": "Ready", "status": ready, "lastHeartbeatTime": ago(5), "lastTransitionTime": ago(500)})
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": meta(name),
        "spec": {**spec, **({"taints": taints} if taints else {})},
        "status": {"conditions": conditions},
    }


def taints(node, may_evict=True):
    conditions = node["status"]["conditions"]
    return [
        (t["key"].rpartition("/")[2], t["effect"]) for t in node_lifecycle.wanted_taints(node, conditions, may_evict, NOW_S)
    ]


def test_a_node_that_lives_is_looked_at_when_its_grace_would_end():
    assert node_lifecycle.plan(node(), 10, True, [], NOW_S) == [Again(40)]


def test_a_silent_node_becomes_unknown_and_its_pods_not_ready():
    actions = node_lifecycle.plan(node(), 51, True, [pod("a"), pod("b", ready_for_s=None)], NOW_S)
    first, *rest = actions
    conditions = first.patch["status"]["conditions"]
    assert {c["type"]: c["status"] for c in conditions} == dict.fromkeys(
        ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"), "Unknown"
    )
    assert {c["message"] for c in conditions} == {"Kubelet stopped posting node status."}
    assert [a.key.name for a in rest if isinstance(a, Patch)] == ["a"]
    assert "NodeNotReady" in [a.reason for a in rest if isinstance(a, Note)]


def test_a_node_that_never_spoke_gets_longer():
    silent = node()
    silent["status"]["conditions"] = []
    assert [a for a in node_lifecycle.plan(silent, 55, True, [], NOW_S) if isinstance(a, Patch)] == []
    (patch, *_) = node_lifecycle.plan(silent, 61, True, [], NOW_S)
    assert patch.patch["status"]["conditions"][0]["reason"] == "NodeStatusNeverUpdated"


def test_conditions_become_taints_and_taints_of_others_stay():
    assert taints(node(ready="False")) == [("not-ready", "NoSchedule"), ("not-ready", "NoExecute")]
    assert taints(node(ready="Unknown"), may_evict=False) == [("unreachable", "NoSchedule")]
    assert taints(node(unschedulable=True)) == [("unschedulable", "NoSchedule")]
    foreign = {"key": "team", "value": "a", "effect": "NoSchedule"}
    stale = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    assert taints(node(taints=[stale, foreign])) == [("team", "NoSchedule")]


@pytest.mark.parametrize(
    ("ready", "unready", "allowed"), [(3, 0, True), (1, 2, True), (0, 1, False), (2, 3, False), (9, 3, True)]
)
def test_many_unready_nodes_at_once_are_not_emptied(ready, unready, allowed):
    assert node_lifecycle.may_evict(ready + unready, unready) is allowed


UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": ago(100)}


def test_a_pod_that_tolerates_nothing_goes_at_once_and_says_why():
    note, patch, delete = taint_eviction.plan([UNREACHABLE], pod("a"), NOW_S)
    assert note.message == "Marking for deletion Pod default/a"
    assert patch.patch["status"]["conditions"][0]["reason"] == "DeletionByTaintManager"
    assert isinstance(delete, Delete)


def test_a_pod_that_tolerates_for_a_time_goes_when_that_is_over():
    toleration = {"key": UNREACHABLE["key"], "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    tolerant = pod("a", spec={"tolerations": [toleration]})
    assert taint_eviction.plan([UNREACHABLE], tolerant, NOW_S) == [Again(200)]
    assert taint_eviction.plan([UNREACHABLE], tolerant, NOW_S + 200)[-1].key.name == "a"
    del toleration["tolerationSeconds"]
    assert taint_eviction.plan([UNREACHABLE], tolerant, NOW_S) == []


def test_other_effects_evict_nobody():
    assert taint_eviction.plan([{"key": "a", "effect": "NoSchedule"}], pod("a"), NOW_S) == []


def test_a_taint_without_a_time_counts_from_when_it_was_first_seen():
    taint = {"key": "a", "effect": "NoExecute"}
    tolerant = pod("a", spec={"tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 5}]})
    seen = taint_eviction.sightings({}, [taint], NOW_S)
    assert taint_eviction.plan([taint], tolerant, NOW_S, seen) == [Again(5)]
    seen = taint_eviction.sightings(seen, [taint], NOW_S + 5)
    assert taint_eviction.plan([taint], tolerant, NOW_S + 5, seen)[-1].key.name == "a"


def test_a_taint_that_went_and_came_back_counts_anew():
    taint = {"key": "a", "effect": "NoExecute"}
    seen = taint_eviction.sightings({}, [taint], NOW_S)
    seen = taint_eviction.sightings(seen, [], NOW_S + 3)
    assert list(taint_eviction.sightings(seen, [taint], NOW_S + 4).values()) == [NOW_S + 4]


def test_a_node_gets_the_first_free_range_and_keeps_it():
    networks = [ipaddress.ip_network("10.244.0.0/22")]
    (patch,) = node_ipam.plan(node(), networks, {"10.244.0.0/24"})
    assert patch.patch == {"spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]}}
    assert node_ipam.plan(node(podCIDRs=["10.244.3.0/24"]), networks, set()) == []
    (note,) = node_ipam.plan(node(), networks, {f"10.244.{i}.0/24" for i in range(4)})
    assert note.reason == "CIDRNotAvailable"


def test_pods_of_a_missing_node_fail_and_go_after_a_quarantine():
    assert podgc.plan(pod("a"), True, 0, NOW_S) == []
    assert podgc.plan(pod("a"), False, 10, NOW_S) == [Again(30)]
    patch, delete = podgc.plan(pod("a"), False, 41, NOW_S)
    assert patch.patch["status"]["phase"] == "Failed"
    assert delete.grace_period_s == 0
    assert [type(a) for a in podgc.plan(pod("a", phase="Succeeded"), False, 41, NOW_S)] == [Delete]


def test_pods_deleted_before_they_had_a_node_go_at_once():
    assert podgc.plan(pod("a", node=""), True, 0, NOW_S) == []
    assert [a.key.name for a in podgc.plan(pod("a", node="", deletionTimestamp=ago(1)), True, 0, NOW_S)] == ["a"]


def test_of_too_many_finished_pods_the_oldest_go():
    pods = [pod(f"p{i}", phase="Succeeded", age_s=i) for i in range(5)]
    assert [a.key.name for a in podgc.surplus(pods, 3)] == ["p4", "p3"]


def test_times_are_written_as_the_api_shows_them():
    (patch, *_) = node_lifecycle.plan(node(), 51, True, [], NOW_S)
    assert patch.patch["status"]["conditions"][0]["lastTransitionTime"] == rfc3339(NOW_S)
