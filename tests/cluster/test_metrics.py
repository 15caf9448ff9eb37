"""What pods use is measured, shown, and scaled by: from the kernel's counters to the number of replicas."""

import json
from collections.abc import Callable, Iterator

import pytest
from tests.cluster.conftest import Cluster
from tests.cluster.test_pods import BUSYBOX, pod, shell
from tests.waiting import eventually

from corral.api.quantity import parse

Kubectl = Callable[..., str]
#: A third of a core: what a container of it works, and what it may.
LIMIT = {"cpu": "300m", "memory": "64Mi"}


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Iterator[Kubectl]:
    """kubectl in a namespace with a busy pod, an idle one, and a busy Deployment that is scaled: all are measured meanwhile."""
    name = "t-metrics"
    cluster.kubectl("create", "namespace", name)
    busy = {"command": shell("while :; do :; done"), "resources": {"limits": LIMIT}}
    cluster.apply(pod("busy", busy), name)
    cluster.apply(pod("idle", {"command": shell("sleep 3600")}), name)
    container = {"name": "app", "image": BUSYBOX, **busy, "resources": {"requests": {"cpu": "20m"}, "limits": LIMIT}}
    template = {
        "metadata": {"labels": {"app": "scaled"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    about = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "scaled"}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "scaled"}}, "template": template}
    cluster.apply({**about, "spec": spec}, name)
    cluster.kubectl("autoscale", "-n", name, "deployment/scaled", "--min=1", "--max=2", "--cpu-percent=50")
    yield lambda *words, **more: cluster.kubectl("-n", name, *words, **more)
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_kubectl_top_shows_what_a_busy_and_an_idle_pod_use(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=condition=Ready", "pod/busy", "pod/idle", "--timeout=30s")

    def used() -> dict[str, int]:
        found = json.loads(kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1/namespaces/t-metrics/pods"))
        uses = {item["metadata"]["name"]: item["containers"][0]["usage"]["cpu"] for item in found["items"]}
        return {name: parse(uses[name]).milli() for name in ("busy", "idle")} if {"busy", "idle"} <= uses.keys() else {}

    cpu = eventually(used)
    # How much a busy container gets depends on what else this machine does; that it works and the other does not, does not.
    assert 10 < cpu["busy"] < 400
    assert cpu["idle"] < cpu["busy"] / 2
    lines = [line.split() for line in kubectl("top", "pods", "--no-headers").splitlines()]
    assert {"busy", "idle"} <= {line[0] for line in lines}
    (node,) = kubectl("top", "nodes", "--no-headers").splitlines()
    assert node.split()[2].endswith("%")
    assert int(node.split()[1].removesuffix("m")) > 0


def test_an_autoscaler_adds_replicas_to_a_busy_deployment(kubectl: Kubectl) -> None:
    eventually(lambda: kubectl("get", "deployment", "scaled", "-o", "jsonpath={.status.readyReplicas}") == "2", 60)
    told = "New size: 2; reason: cpu resource utilization (percentage of request) above target"
    query = ("events", "--field-selector=reason=SuccessfulRescale", "-o", "jsonpath={.items[*].message}")
    eventually(lambda: kubectl("get", *query) == told)  # Events are written a moment later.
