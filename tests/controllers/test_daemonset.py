"""DaemonSets: one pod a node, where it fits."""

from corral.controllers.daemonset import node_of, plan, pod_of
from corral.testing.objects import NOW_S, ago, meta, pod, template


def owner(**spec):
    return {
        "kind": "DaemonSet",
        "apiVersion": "apps/v1",
        "metadata": meta("agent"),
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template(), **spec},
        "status": {},
    }


def node(name, labels=None, taints=None):
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"taints": taints or []},
    }


def daemon(name, where, hash="new", **more):
    return pod(name, node=where, labels={"app": "web", "controller-revision-hash": hash}, **more)


def planned(owner, nodes, pods):
    return plan(owner, nodes, pods, "new", NOW_S)


def names(pods):
    return sorted(p["metadata"]["name"] for p in pods)


def test_every_node_without_one_gets_a_pod():
    result = planned(owner(), [node("a"), node("b")], [daemon("x", "a")])
    assert result.create == ["b"]
    assert result.status["desiredNumberScheduled"] == 2
    assert result.status["currentNumberScheduled"] == result.status["numberReady"] == 1
    assert result.status["numberUnavailable"] == 1


def test_selectors_and_taints_leave_nodes_out():
    picky = owner()
    picky["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    assert planned(picky, [node("a"), node("b", {"disk": "ssd"})], []).create == ["b"]
    tainted = [node("a", taints=[{"key": "team", "effect": "NoSchedule"}]), node("b")]
    assert planned(owner(), tainted, []).create == ["b"]


def test_troubled_and_cordoned_nodes_get_their_pod_all_the_same():
    taints = [{"key": f"node.kubernetes.io/{key}", "effect": "NoSchedule"} for key in ("unschedulable", "memory-pressure")]
    taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"})
    assert planned(owner(), [node("a", taints=taints)], []).create == ["a"]


def test_a_pod_on_a_node_that_it_does_not_fit_goes_unless_it_may_stay():
    nodes = [
        node("a", taints=[{"key": "team", "effect": "NoExecute"}]),
        node("b", taints=[{"key": "team", "effect": "NoSchedule"}]),
    ]
    result = planned(owner(), nodes, [daemon("x", "a"), daemon("y", "b")])
    assert names(result.delete) == ["x"]
    assert result.status["numberMisscheduled"] == 2


def test_of_two_on_a_node_the_older_stays_and_failed_ones_go():
    two = [daemon("old", "a", age_s=50), daemon("young", "a", age_s=5)]
    assert names(planned(owner(), [node("a")], two).delete) == ["young"]
    failed = planned(owner(), [node("a")], [daemon("x", "a", phase="Failed")])
    assert (names(failed.delete), failed.create) == (["x"], [])
    assert failed.notes[0].reason == "FailedDaemonPod"


def test_a_pod_is_made_for_one_node_only():
    made = pod_of(owner(), "a", "new")
    assert node_of(made) == "a"
    assert made["metadata"]["labels"]["controller-revision-hash"] == "new"
    assert {t["key"] for t in made["spec"]["tolerations"]} >= {
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/not-ready",
    }
    assert planned(owner(), [node("a")], [{**pod("x", node=""), "spec": made["spec"]}]).create == []


def test_an_update_takes_as_many_as_may_be_away():
    nodes = [node(name) for name in "abc"]
    pods = [daemon(name, name, hash="old") for name in "abc"]
    assert len(planned(owner(), nodes, pods).delete) == 1
    wide = owner(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "67%"}})
    assert len(planned(wide, nodes, pods).delete) == 3
    pods[0] = daemon("a", "a", hash="old", ready_for_s=None)
    assert names(planned(owner(), nodes, pods).delete) == ["a"], "one is away already"
    pods[0] = daemon("a", "a", ready_for_s=None)
    assert planned(owner(), nodes, pods).delete == [], "the new one is not there yet"
    assert planned(owner(updateStrategy={"type": "OnDelete"}), nodes, pods[1:]).delete == []


def test_a_daemon_set_that_is_being_deleted_does_nothing():
    ending = owner()
    ending["metadata"]["deletionTimestamp"] = ago(1)
    result = planned(ending, [node("a"), node("b")], [daemon("x", "a", hash="old")])
    assert (result.create, result.delete) == ([], [])
