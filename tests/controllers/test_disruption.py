"""Budgets, and Jobs whose time is over."""

import pytest

from corral.controllers import ttl_after_finished
from corral.controllers.actions import Again, Delete
from corral.controllers.disruption import expected_pods, plan
from corral.testing.objects import NOW_S, ago, deployment, meta, owned_by, pod, replica_set


def budget(status=None, **spec):
    return {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": meta("b"),
        "spec": spec,
        "status": status or {},
    }


def status_of(budget, pods, expected):
    return next(a.object["status"] for a in plan(budget, pods, expected, NOW_S) if not isinstance(a, Again))


@pytest.mark.parametrize(
    ("spec", "ready", "expected", "allowed"),
    [
        ({"minAvailable": 2}, 3, 3, 1),
        ({"minAvailable": 3}, 3, 3, 0),
        ({"minAvailable": "50%"}, 4, 5, 1),
        ({"maxUnavailable": 1}, 3, 3, 1),
        ({"maxUnavailable": 1}, 2, 3, 0),
        ({"maxUnavailable": "30%"}, 10, 10, 3),
    ],
)
def test_what_is_healthy_beyond_what_is_asked_for_may_go(spec, ready, expected, allowed):
    pods = [pod(f"p{i}") for i in range(ready)] + [pod("unready", ready_for_s=None)]
    status = status_of(budget(**spec), pods, expected)
    assert (status["disruptionsAllowed"], status["currentHealthy"]) == (allowed, ready)
    assert status["conditions"][0]["reason"] == ("SufficientPods" if allowed else "InsufficientPods")


def test_granted_evictions_count_until_the_pod_has_gone_or_time_is_over():
    pods = [pod("a"), pod("b"), pod("c")]
    fresh = budget({"disruptedPods": {"a": ago(10), "gone": ago(10), "b": ago(200)}}, minAvailable=1)
    status = status_of(fresh, pods, 3)
    assert list(status["disruptedPods"]) == ["a"]
    assert status["disruptionsAllowed"] == 1
    assert plan(fresh, pods, 3, NOW_S)[-1] == Again(110)


def test_a_settled_status_is_not_written_again():
    settled = budget(status_of(budget(minAvailable=1), [pod("a")], 1), minAvailable=1)
    assert plan(settled, [pod("a")], 1, NOW_S + 60) == []


def test_controllers_say_how_many_are_expected():
    dep = deployment(5)
    rs = replica_set("web-1", 3)
    rs["metadata"]["ownerReferences"] = [owned_by(dep)]
    found = {("ReplicaSet", "web-1"): rs, ("Deployment", "web"): dep}
    pods = [pod("a", owner=rs), pod("b", owner=rs), pod("bare")]
    assert expected_pods(pods, lambda kind, namespace, name: found.get((kind, name))) == 6


def test_a_finished_job_goes_when_its_time_is_over():
    done = {"type": "Complete", "status": "True", "lastTransitionTime": ago(60)}
    job = {"metadata": meta("j"), "spec": {"ttlSecondsAfterFinished": 100}, "status": {"conditions": [done]}}
    assert ttl_after_finished.plan(job, NOW_S) == [Again(40)]
    assert isinstance(ttl_after_finished.plan(job, NOW_S + 41)[0], Delete)
    assert ttl_after_finished.plan({**job, "status": {}}, NOW_S + 41) == []
    assert ttl_after_finished.plan({**job, "spec": {}}, NOW_S + 41) == []
