"""Pods as users handle them while they run: made, changed, looked into, deleted, evicted."""

from typing import Any
from urllib.parse import quote

from tests.conformance.operations import replace
from tests.conformance.pods import ENTRY_IMAGE, FOREVER, IMAGE, Pods, condition, is_ready, pod, restarts, status_of
from tests.conformance.rest import STRATEGIC
from tests.waiting import eventually


def test_a_pod_is_made_seen_and_removed(pods: Pods) -> None:
    """[sig-node] Pods should be submitted and removed [NodeConformance] [Conformance]
    [sig-node] Pods should be updated [NodeConformance] [Conformance]
    """
    listed = pods.get("pods", labelSelector="time=1")
    assert not listed["items"]
    watch = pods.watch("pods", labelSelector="time", resourceVersion=listed["metadata"]["resourceVersion"])
    pods.start(pod("p", meta={"labels": {"time": "1"}}, terminationGracePeriodSeconds=30))
    assert watch.next()["type"] == "ADDED"
    pods.running("p")
    found = pods.get("pods/p")
    found["metadata"]["labels"]["time"] = "2"
    pods.replace("pods/p", found)
    assert pods.names("pods", labelSelector="time=2") == ["p"] and not pods.names("pods", labelSelector="time=1")
    deleted = pods.delete("pods/p", {"gracePeriodSeconds": 30})
    assert deleted["metadata"]["deletionGracePeriodSeconds"] == 30 and deleted["metadata"]["deletionTimestamp"]
    last = watch.until(lambda event: event["type"] == "DELETED")["object"]
    watch.close()
    assert last["metadata"]["deletionTimestamp"] and last["spec"]["terminationGracePeriodSeconds"] == 30
    assert status_of(last)["state"]["terminated"]["exitCode"] == 0
    assert not pods.names("pods", labelSelector="time=2")


def test_exec_and_logs_over_websockets(pods: Pods) -> None:
    """[sig-node] Pods should support remote command execution over websockets [NodeConformance] [Conformance]
    [sig-node] Pods should support retrieving logs from the container over websockets [NodeConformance] [Conformance]
    """
    pods.start(pod("p", "echo container is alive; sleep 600"))
    pods.running("p")
    words = "&".join(f"command={quote(word)}" for word in ("echo", "remote execution test"))
    said = pods.messages(f"pods/p/exec?stdout=1&stderr=1&{words}", "channel.k8s.io")
    assert all(message[0] == 1 or len(message) == 1 for message in said if message)
    assert b"".join(message[1:] for message in said if message and message[0] == 1) == b"remote execution test\n"
    # The first words of a container may come a moment after it is said to run.
    log = eventually(lambda: b"".join(pods.messages("pods/p/log?container=c", "binary.k8s.io")))
    assert log == b"container is alive\n"


def test_generations_converge(pods: Pods) -> None:
    """[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34] [Conformance]"""
    pods.start(pod("p"))
    pods.until_pod("p", lambda p: p["status"].get("observedGeneration") == 1)
    for i in range(499):
        pods.patch("pods/p", {"spec": {"activeDeadlineSeconds": 5000 - i}})
    found = pods.until_pod("p", lambda p: p["status"].get("observedGeneration") == 500)
    assert found["metadata"]["generation"] == 500
    assert condition(found, "Ready")["observedGeneration"] == 500


def test_a_deadline_that_comes_nearer_ends_a_pod(pods: Pods) -> None:
    """[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance] [Conformance]"""
    pods.start(pod("p", restartPolicy="Always"))
    pods.running("p")
    pods.patch("pods/p", {"spec": {"activeDeadlineSeconds": 2}})
    status = pods.ended("p")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_pod_and_its_status_while_it_runs(pods: Pods) -> None:
    """[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]
    [sig-node] Pods should patch a pod status [Conformance]
    [sig-node] Pods should delete a collection of pods [Conformance]
    """
    labels = {"labels": {"test-pod-static": "true"}}
    watch = pods.watch("pods", labelSelector="test-pod-static=true", timeout_s=60)
    pods.start(
        pod("p", {"image": ENTRY_IMAGE, "command": FOREVER}, meta=labels, restartPolicy="Always"), pod("other", meta=labels)
    )
    pods.ready("p")
    change = {"metadata": {"labels": {"test-pod": "patched"}}, "spec": {"containers": [{"name": "c", "image": IMAGE}]}}
    pods.patch("pods/p", change, STRATEGIC)
    watch.until(lambda event: event["object"]["metadata"]["labels"].get("test-pod") == "patched")
    found = pods.until_pod("p", lambda p: restarts(p) == 1 and is_ready(p))
    assert status_of(found)["image"] == IMAGE
    lies = [{**c, "status": "False"} if c["type"] in ("Ready", "ContainersReady") else c for c in found["status"]["conditions"]]
    said = replace(pods, "pods/p/status", {**found, "status": {**found["status"], "conditions": lies}})
    assert {c["type"] for c in said["status"]["conditions"] if c["status"] == "False"} >= {"Ready", "ContainersReady"}
    said = pods.patch("pods/p/status", {"status": {"message": "Patched by e2e test", "reason": "E2E"}}, STRATEGIC)
    assert (said["status"]["message"], said["status"]["reason"]) == ("Patched by e2e test", "E2E")
    pods.delete("pods", {"gracePeriodSeconds": 1}, labelSelector="test-pod-static=true")
    gone: set[str] = set()
    while len(gone) < 2:
        event = watch.next()
        if event["type"] == "DELETED":
            gone.add(event["object"]["metadata"]["name"])
    watch.close()
    assert pods.names("pods", labelSelector="test-pod-static=true") == []


def test_pods_of_a_runtime_class_are_scheduled(pods: Pods) -> None:
    """[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance] [Conformance]
    [sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance] [Conformance]
    """
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    overhead = {"podFixed": {"cpu": "10m", "memory": "1Mi"}}
    made = {"plain": {"handler": "runc"}, "heavy": {"handler": "runc", "overhead": overhead}, "unknown": {"handler": "no-such"}}
    try:
        for name, fields in made.items():
            pods.create(classes, {"metadata": {"name": f"{name}-{pods.namespace}"}, **fields})
        for name in made:
            body = pod(name, "true", runtimeClassName=f"{name}-{pods.namespace}")
            eventually(lambda body=body: pods.raw("POST", "pods", body)[0] == 201)
        for name in made:
            pods.until_pod(name, lambda p: condition(p, "PodScheduled").get("status") == "True")
        assert pods.get("pods/heavy")["spec"]["overhead"] == overhead["podFixed"]
        assert "overhead" not in pods.get("pods/plain")["spec"]
        for name in ("plain", "heavy"):
            assert pods.ended(name)["status"]["phase"] == "Succeeded"
        eventually(lambda: "FailedCreatePodSandBox" in [e["reason"] for e in pods.events("unknown")])
    finally:
        for name in made:
            pods.delete(f"{classes}/{name}-{pods.namespace}")


def test_taints_that_do_not_let_pods_stay(pods: Pods) -> None:
    """[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive] [Conformance]
    [sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive] [Conformance]
    """
    node = f"/api/v1/nodes/{pods.cluster.node}"
    first, second = (f"{name}.example.com/{pods.namespace}" for name in ("first", "second"))

    def tolerates(**seconds: int) -> dict[str, Any]:
        """A pod that tolerates both taints, for ever unless a time is given."""
        keys = {first: seconds.get("first"), second: seconds.get("second")}
        every = ({"key": k, "operator": "Exists", "effect": "NoExecute"} for k in keys)
        return {"tolerations": [t | ({"tolerationSeconds": s} if s else {}) for t, s in zip(every, keys.values(), strict=True)]}

    pods.start(
        pod("stays", **tolerates(first=3)),
        pod("short", **tolerates(first=1)),
        pod("long", **tolerates(second=4)),
        pod("for-ever", **tolerates()),
    )
    for name in ("stays", "short", "long", "for-ever"):
        pods.running(name)
    try:
        taints = [{"key": key, "value": "evict", "effect": "NoExecute"} for key in (first, second)]
        pods.patch(node, {"spec": {"taints": taints}})
        pods.until_gone("pods/short")
        pods.patch(node, {"spec": {"taints": taints[1:]}})
        assert pods.find("pods/long")
        # A second after the other would have had to go too, had its taint stayed.
        pods.until_gone("pods/long")
    finally:
        pods.patch(node, {"spec": {"taints": None}})
    assert pods.names("pods") == ["for-ever", "stays"]
    assert not any("deletionTimestamp" in p["metadata"] for p in pods.get("pods")["items"])
