"""Init containers and sidecars: who runs before whom, and what a failure stops."""

from pathlib import Path

from tests.conformance.pods import FOREVER, Pods, condition, is_ready, pod, restarts, shell, status_of
from tests.conformance.rest import STRATEGIC
from tests.waiting import eventually

#: Writes when it starts and when it is told to end.
DIARY = "echo {0}+ >> /d/diary; trap 'echo {0}- >> /d/diary; exit 0' TERM; while :; do sleep 0.05; done"
MOUNT = [{"name": "d", "mountPath": "/d"}]


def test_they_run_first_and_one_by_one(pods: Pods) -> None:
    """[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartNever pod [Conformance]
    [sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartAlways pod [Conformance]
    """
    two = [{"command": ["true"]}, {"command": ["true"]}]
    pods.start(
        pod("never", {"command": ["true"]}, initContainers=two),
        pod("always", initContainers=two, restartPolicy="Always"),
    )
    for name, found in (("never", pods.ended("never")), ("always", pods.running("always"))):
        assert condition(found, "Initialized")["status"] == "True", name
        inits = found["status"]["initContainerStatuses"]
        assert [(s["ready"], s["state"]["terminated"]["exitCode"]) for s in inits] == [(True, 0)] * 2
    assert pods.get("pods/never")["status"]["phase"] == "Succeeded"
    first, second = (status_of(pods.get("pods/always"), name)["state"]["terminated"] for name in ("i0", "i1"))
    assert first["finishedAt"] <= second["startedAt"]


def test_sidecars_start_in_order_and_end_in_reverse_after_the_others(pods: Pods, tmp_path: Path) -> None:
    """KEP-753: each is started, its startup probe included, before the next begins; the main containers end first."""
    probe = {"startupProbe": {"exec": {"command": ["test", "-e", "/d/go"]}, "periodSeconds": 1}}
    sidecars = [
        {"name": name, **shell(DIARY.format(name), volumeMounts=MOUNT), "restartPolicy": "Always", **more}
        for name, more in (("a", {}), ("b", probe))
    ]
    between = {"name": "once", **shell("echo once >> /d/diary", volumeMounts=MOUNT)}
    main = shell(DIARY.format("c"), volumeMounts=MOUNT)
    volumes = [{"name": "d", "hostPath": {"path": str(tmp_path), "type": "Directory"}}]
    inits = [sidecars[0], between, sidecars[1]]
    pods.start(pod("p", main, initContainers=inits, volumes=volumes, restartPolicy="Always", terminationGracePeriodSeconds=20))
    found = pods.until_pod("p", lambda p: "running" in status_of(p, "b").get("state", {}))
    assert not status_of(found, "b")["started"] and "waiting" in status_of(found)["state"]
    assert condition(found, "Initialized")["message"] == "containers with incomplete status: [b]"
    pods.exec("p", "touch", "/d/go", container="a")
    found = pods.ready("p")
    assert [status_of(found, n)["started"] for n in ("a", "b", "c")] == [True] * 3
    pods.delete("pods/p")
    pods.until_gone("pods/p")
    diary = (tmp_path / "diary").read_text()
    assert diary.split() == ["a+", "once", "b+", "c+", "c-", "b-", "a-"]


def test_a_sidecar_comes_again_and_does_not_keep_a_pod_from_ending(pods: Pods) -> None:
    """KEP-753: it is restarted whatever the pod's policy, before and beside the main containers."""
    flaky = {"name": "side", "restartPolicy": "Always"} | shell(
        "test -e /d/x && sleep 600; touch /d/x; exit 3", volumeMounts=MOUNT
    )
    main = shell("until test -e /d/stop; do sleep 0.1; done", volumeMounts=MOUNT)
    pods.start(pod("p", main, initContainers=[flaky], volumes=[{"name": "d", "emptyDir": {}}]))
    found = pods.until_pod("p", lambda p: restarts(p, "side") == 1 and "running" in status_of(p, "side")["state"])
    assert status_of(found, "side")["lastState"]["terminated"]["exitCode"] == 3
    pods.until_pod("p", is_ready)
    pods.exec("p", "touch", "/d/stop", container="c")
    found = pods.ended("p")
    assert found["status"]["phase"] == "Succeeded"
    assert "terminated" in status_of(found, "side")["state"]


def test_an_ephemeral_container_looks_into_a_running_pod(pods: Pods) -> None:
    """[sig-node] Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod [Conformance]"""
    pods.start(pod("p", {"command": FOREVER, "env": [{"name": "MARK", "value": "target"}]}))
    pods.running("p")
    debug = {"name": "debugger", "image": pods.get("pods/p")["spec"]["containers"][0]["image"], "targetContainerName": "c"}
    debug |= shell("echo polo; tr '\\0' '\\n' < /proc/1/environ; sleep 600")
    pods.patch("pods/p/ephemeralcontainers", {"spec": {"ephemeralContainers": [debug]}}, STRATEGIC)
    pods.until_pod("p", lambda p: "running" in status_of(p, "debugger").get("state", {}))
    said = eventually(lambda: (text := pods.log("p", "debugger")).count("\n") > 1 and text)
    assert said.startswith("polo\n") and "MARK=target" in said
    assert is_ready(pods.get("pods/p"))
