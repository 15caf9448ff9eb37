"""The row of a pod: readiness, status in one word, restarts."""

import pytest

from corral.api.kinds.podrow import pod_cells


def cells(status, now_s=100.0, deleted=False, **spec):
    meta = {"name": "p", "creationTimestamp": "1970-01-01T00:00:00Z"}
    if deleted:
        meta["deletionTimestamp"] = "1970-01-01T00:01:00Z"
    obj = {"metadata": meta, "spec": {"containers": [{"name": "a"}], **spec}, "status": status}
    return pod_cells(obj, now_s)


def container(state, restarts=0, ready=False, **more):
    return {"name": "a", "state": state, "restartCount": restarts, "ready": ready, **more}


RUNNING = container({"running": {}}, ready=True)


def test_running():
    row = cells({"phase": "Running", "containerStatuses": [RUNNING], "podIPs": [{"ip": "10.1.1.1"}]}, nodeName="n1")
    assert row == ["p", "1/1", "Running", "0", "100s", "10.1.1.1", "n1", "<none>", "<none>"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "CrashLoopBackOff"),
        ({"terminated": {"exitCode": 3}}, "ExitCode:3"),
        ({"terminated": {"exitCode": 1, "signal": 9}}, "Signal:9"),
        ({"terminated": {"exitCode": 0, "reason": "Completed"}}, "Completed"),
    ],
)
def test_the_container_says_why(state, reason):
    assert cells({"phase": "Running", "containerStatuses": [container(state)]})[2] == reason


def test_restarts_say_when_the_last_was():
    last = {"lastState": {"terminated": {"finishedAt": "1970-01-01T00:01:35Z"}}}
    status = {"phase": "Running", "containerStatuses": [container({"running": {}}, 2, True, **last)]}
    assert cells(status)[3] == "2 (5s ago)"


def test_init_containers_count():
    status = {"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}
    assert cells(status, initContainers=[{"name": "i"}, {"name": "j"}])[2] == "Init:0/2"


def test_a_failed_init_container_is_told():
    status = {
        "phase": "Pending",
        "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
    }
    assert cells(status, initContainers=[{"name": "i"}])[2] == "Init:Error"


def test_a_sidecar_is_one_of_the_containers():
    side = {"name": "s", "state": {"running": {}}, "started": True, "ready": True}
    status = {"phase": "Running", "initContainerStatuses": [side], "containerStatuses": [RUNNING]}
    assert cells(status, initContainers=[{"name": "s", "restartPolicy": "Always"}])[1:3] == ["2/2", "Running"]


def test_one_done_and_one_running_is_not_ready():
    done = {"name": "b", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    assert cells({"phase": "Running", "containerStatuses": [done, RUNNING]})[2] == "NotReady"


def test_deleted_pods_are_terminating_unless_lost_or_over():
    assert cells({"phase": "Running", "containerStatuses": [RUNNING]}, deleted=True)[2] == "Terminating"
    assert cells({"phase": "Running", "reason": "NodeLost"}, deleted=True)[2] == "Unknown"
    assert cells({"phase": "Succeeded"}, deleted=True)[2] == "Succeeded"


def test_an_evicted_pod_says_so():
    assert cells({"phase": "Failed", "reason": "Evicted"})[2] == "Evicted"
