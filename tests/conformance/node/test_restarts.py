"""Who comes again, how often, and who waits meanwhile. All pods are started at once: a second restart takes ten seconds."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.conformance.pods import Pods, condition, is_ready, pod, restarts, shell, status_of
from tests.conformance.rest import Watch

#: Fails at first, succeeds then, and stays in the end.
THREE_LIVES = (
    "echo x >> /r/count; case $(wc -l < /r/count) in 1) exit 1;; 2) exit 0;; esac; "
    "trap 'exit 0' TERM; while :; do sleep 0.1; done"
)
POLICIES = ("Always", "OnFailure", "Never")
GOOD, BAD = {"command": ["true"]}, {"command": ["false"]}


def lives(policy: str) -> dict[str, Any]:
    volumes = [{"name": "r", "emptyDir": {"medium": "Memory"}}]
    container = shell(THREE_LIVES, volumeMounts=[{"name": "r", "mountPath": "/r"}])
    return pod(policy.lower(), container, restartPolicy=policy, volumes=volumes)


@pytest.fixture(scope="module")
def initialized(shared_pods: Pods) -> Iterator[Watch]:
    """What happens to pods whose init containers fail, and the others are started."""
    watch = shared_pods.watch("pods", timeout_s=60, labelSelector="initialized=never")
    meta = {"labels": {"initialized": "never"}}
    shared_pods.start(
        *(lives(policy) for policy in POLICIES),
        pod("init-never", initContainers=[GOOD, BAD], meta=meta),
        pod("init-always", initContainers=[BAD, GOOD], meta=meta, restartPolicy="Always"),
    )
    yield watch
    watch.close()


def test_a_container_comes_again_as_its_policy_says(shared_pods: Pods, initialized: Watch) -> None:
    """[sig-node] Container Runtime blackbox test when starting a container that exits should run with the expected status [NodeConformance] [Conformance]"""
    pods = shared_pods
    never, failing = pods.ended("never"), pods.ended("onfailure")
    assert (never["status"]["phase"], restarts(never), is_ready(never)) == ("Failed", 0, False)
    assert (failing["status"]["phase"], restarts(failing), is_ready(failing)) == ("Succeeded", 1, False)
    assert status_of(failing)["lastState"]["terminated"]["exitCode"] == 1
    always = pods.until_pod("always", lambda p: restarts(p) == 2 and is_ready(p))
    assert always["status"]["phase"] == "Running" and "running" in status_of(always)["state"]
    assert status_of(always)["lastState"]["terminated"]["exitCode"] == 0


def test_an_init_container_that_fails_keeps_the_others_from_starting(initialized: Watch) -> None:
    """[sig-node] InitContainer [NodeConformance] should not start app containers and fail the pod if init containers fail on a RestartNever pod [Conformance]
    [sig-node] InitContainer [NodeConformance] should not start app containers if init containers fail on a RestartAlways pod [Conformance]
    """
    # The second restart takes the whole of the first back-off; the reference's suite waits for a third.
    ends = {"init-never": lambda p: p["status"].get("phase") == "Failed", "init-always": lambda p: restarts(p, "i0") == 2}
    last = {}
    while ends:
        found = initialized.next()["object"]
        name = found["metadata"]["name"]
        for made in found["status"].get("containerStatuses") or ():
            assert made["state"] == {"waiting": {"reason": "PodInitializing"}}, found["status"]
        if name in ends and ends[name](found):
            last[name] = found
            del ends[name]
    for name, incomplete in (("init-never", "[i1]"), ("init-always", "[i0 i1]")):
        told = condition(last[name], "Initialized")
        said = (told["status"], told["reason"], told["message"])
        assert said == ("False", "ContainersNotInitialized", f"containers with incomplete status: {incomplete}")
    assert status_of(last["init-never"], "i1")["state"]["terminated"]["exitCode"] == 1
    assert last["init-always"]["status"]["phase"] == "Pending"
    assert status_of(last["init-always"], "i1")["state"] == {"waiting": {"reason": "PodInitializing"}}
