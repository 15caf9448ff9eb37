"""Replicas that serve, each as itself; one that its node has no port for; and one that somebody calls failed."""

import pytest
from tests.conformance.objects import workload
from tests.conformance.pods import FOREVER, IMAGE, Pods, pod, status_of
from tests.waiting import eventually

WEB = "mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www"
KINDS = {"ReplicaSet": "replicasets.apps", "ReplicationController": "replicationcontrollers"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_replica_serves(pods: Pods, kind: str) -> None:
    """[sig-apps] ReplicaSet should serve a basic image on each replica with a public image [Conformance]
    [sig-apps] ReplicationController should serve a basic image on each replica with a public image [Conformance]
    """
    body = workload(kind, "basic", replicas=2)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container |= {"image": IMAGE, "command": ["sh", "-c", WEB], "ports": [{"containerPort": 80}]}
    body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
    pods.create(KINDS[kind], body)
    names = eventually(lambda: len(found := pods.names("pods", labelSelector="app=basic")) == 2 and found)
    for name in names:
        pods.running(name)
        eventually(lambda name=name: pods.raw("GET", f"pods/{name}/proxy/index.html")[:2] == (200, f"{name}\n"))
    pods.until(f"{KINDS[kind]}/basic", lambda found: found["status"].get("availableReplicas") == 2)


def test_a_pod_whose_port_is_taken_is_made_again_until_it_is_free(pods: Pods) -> None:
    """The part of [sig-apps] "Should recreate evicted statefulset" that needs a node: see test_statefulsets.py."""
    port = {"ports": [{"containerPort": 21017, "hostPort": 21017, "name": "conflict"}]}
    pods.start(pod("test-pod", {"command": FOREVER, **port}, nodeName=pods.cluster.node))
    pods.running("test-pod")
    body = workload("StatefulSet", "ss")
    spec = body["spec"]["template"]["spec"]
    spec |= {"nodeName": pods.cluster.node, "terminationGracePeriodSeconds": 0}
    spec["containers"][0] |= {"image": IMAGE, "command": FOREVER, **port}
    watch = pods.watch("pods", resourceVersion=pods.get("pods")["metadata"]["resourceVersion"])
    pods.create("statefulsets.apps", body)
    refused = watch.until(lambda event: event["object"]["status"].get("phase") == "Failed")["object"]
    assert refused["metadata"]["name"] == "ss-0" and refused["status"]["reason"] == "NodePorts"
    assert status_of(refused) == {}
    watch.until(lambda event: event["type"] == "DELETED" and event["object"]["metadata"]["name"] == "ss-0")
    watch.close()
    pods.delete("pods/test-pod")
    found = eventually(lambda: (p := pods.find("pods/ss-0")) and p["status"].get("phase") == "Running" and p)
    assert found["metadata"]["uid"] != refused["metadata"]["uid"]


def test_a_pod_that_is_called_failed_is_made_again(pods: Pods) -> None:
    """The part of [sig-apps] "should retry creating failed daemon pods" that needs a node: see test_daemonsets.py."""
    body = workload("DaemonSet", "ds", replicas=None)
    body["spec"]["template"]["spec"]["containers"][0] |= {"image": IMAGE, "command": FOREVER}
    pods.create("daemonsets.apps", body)
    (name,) = eventually(lambda: pods.names("pods", labelSelector="app=ds"))
    pods.running(name)
    pods.patch(f"pods/{name}/status", {"status": {"phase": "Failed"}})
    pods.until_gone(f"pods/{name}", 40)
    (again,) = eventually(lambda: pods.names("pods", labelSelector="app=ds"))
    pods.running(again)
