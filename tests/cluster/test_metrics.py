"""What pods use is measured, shown, and scaled by: from the kernel's counters to the number of replicas."""

import json
from collections.abc import Callable

from tests.cluster.conftest import Cluster
from tests.cluster.test_pods import BUSYBOX, pod, shell
from tests.waiting import eventually

from corral.api.quantity import parse

Kubectl = Callable[..., str]
#: A third of a core: what a container of it works, and what it may.
LIMIT = {"cpu": "300m", "memory": "64Mi"}


def test_kubectl_top_shows_what_a_busy_and_an_idle_pod_use(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    busy = {"command": shell("while :; do :; done"), "resources": {"limits": LIMIT}}
    cluster.apply(pod("busy", busy), namespace)
    cluster.apply(pod("idle", {"command": shell("sleep 3600")}), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/busy", "pod/idle", "--timeout=30s")

    def used() -> dict[str, int]:
        found = json.loads(kubectl("get", "--raw", f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"))
        uses = {item["metadata"]["name"]: item["containers"][0]["usage"]["cpu"] for item in found["items"]}
        return {name: parse(cpu).milli() for name, cpu in uses.items()} if len(uses) == 2 else {}

    cpu = eventually(used)
    # How much a busy container gets depends on what else this machine does; that it works and the other does not, does not.
    assert 10 < cpu["busy"] < 400
    assert cpu["idle"] < cpu["busy"] / 2
    lines = [line.split() for line in kubectl("top", "pods", "--no-headers").splitlines()]
    assert [line[0] for line in lines] == ["busy", "idle"]
    (node,) = kubectl("top", "nodes", "--no-headers").splitlines()
    assert node.split()[2].endswith("%")
    assert int(node.split()[1].removesuffix("m")) > 0


def test_an_autoscaler_adds_replicas_to_a_busy_deployment(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    resources = {"requests": {"cpu": "20m"}, "limits": LIMIT}
    container = {"name": "app", "image": BUSYBOX, "command": shell("while :; do :; done"), "resources": resources}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": {"app": "busy"}}, "spec": spec}
    about = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "busy"}}
    selector = {"matchLabels": {"app": "busy"}}
    cluster.apply({**about, "spec": {"replicas": 1, "selector": selector, "template": template}}, namespace)
    kubectl("rollout", "status", "deployment/busy", "--timeout=30s")
    kubectl("autoscale", "deployment/busy", "--min=1", "--max=2", "--cpu-percent=50")
    eventually(lambda: kubectl("get", "deployment", "busy", "-o", "jsonpath={.status.readyReplicas}") == "2", 60)
    told = "New size: 2; reason: cpu resource utilization (percentage of request) above target"
    query = ("events", "--field-selector=reason=SuccessfulRescale", "-o", "jsonpath={.items[*].message}")
    eventually(lambda: kubectl("get", *query) == told)  # Events are written a moment later.
