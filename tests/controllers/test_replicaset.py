"""ReplicaSets: how many pods, which go first, and the status."""

from corral.controllers.podcontrol import Failure
from corral.controllers.replicaset import plan, plan_status
from corral.testing.objects import NOW_S, ago, pod, replica_set


def names(pods):
    return [p["metadata"]["name"] for p in pods]


def test_missing_pods_are_made_at_most_a_burst_at_once():
    rs = replica_set("web", 3)
    assert plan(rs, [pod("a")], [], NOW_S).create == 2
    assert plan(replica_set("web", 2000), [], [], NOW_S).create == 500


def test_finished_and_ending_pods_do_not_count():
    rs = replica_set("web", 2)
    pods = [pod("a"), pod("b", phase="Failed"), pod("c", deletionTimestamp=ago(1))]
    assert plan(rs, pods, [], NOW_S).create == 1


def test_a_replica_set_that_is_being_deleted_does_nothing():
    rs = replica_set("web", 3, deletionTimestamp=ago(1))
    assert plan(rs, [], [], NOW_S).create == 0


def test_the_least_loss_goes_first():
    rs = replica_set("web", 0)
    pods = [
        pod("old", ready_for_s=10_000, age_s=10_000),
        pod("young", ready_for_s=10, age_s=10_000),
        pod("unready", ready_for_s=None),
        pod("pending", phase="Pending", ready_for_s=None),
        pod("unassigned", phase="Pending", ready_for_s=None, node=""),
        pod("cheap", annotations={"controller.kubernetes.io/pod-deletion-cost": "-5"}),
    ]
    rs["spec"]["replicas"] = 1
    assert names(plan(rs, pods, pods, NOW_S).delete) == ["unassigned", "pending", "unready", "cheap", "young"]


def test_pods_of_crowded_nodes_go_first():
    rs = replica_set("web", 2)
    pods = [pod("a1", node="a", age_s=1), pod("b1", node="b", age_s=9000), pod("b2", node="b", age_s=9000)]
    assert names(plan(rs, pods, pods, NOW_S).delete)[0].startswith("b")


def test_more_restarts_go_before_fewer():
    steady, shaky = pod("steady"), pod("shaky")
    shaky["status"]["containerStatuses"] = [{"restartCount": 7}]
    assert names(plan(replica_set("web", 1), [steady, shaky], [], NOW_S).delete) == ["shaky"]


def test_status_counts_pods():
    rs = replica_set("web", 3)
    rs["spec"]["minReadySeconds"] = 50
    pods = [pod("a"), pod("b", ready_for_s=10), pod("c", ready_for_s=None), pod("d", deletionTimestamp=ago(1))]
    assert plan_status(rs, pods, None, NOW_S, True) == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 1,
    }


def test_a_refused_create_is_told_and_forgotten_with_the_next_success():
    rs = replica_set("web", 1)
    failed = plan_status(rs, [], Failure("FailedCreate", ValueError("exceeded quota")), NOW_S, True)
    (condition,) = failed["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("ReplicaFailure", "True", "FailedCreate")
    assert condition["message"] == "exceeded quota"
    assert "conditions" not in plan_status({**rs, "status": failed}, [], None, NOW_S, True)
