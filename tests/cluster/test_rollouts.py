"""Updates without a lost request, roll-back, and pods that are replaced."""

import threading
import urllib.request
from collections.abc import Callable

from tests.cluster.conftest import Cluster
from tests.waiting import eventually

Kubectl = Callable[..., str]


class Load:
    """Requests one after the other, from several threads, until stopped; a new connection each."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.url = url
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            try:
                with urllib.request.urlopen(self.url, timeout=5) as answer:
                    self.answers.append(answer.read().decode())
            except OSError as error:
                self.failures.append(repr(error))


def test_a_rolling_update_under_load_loses_no_request_and_undo_brings_the_old_version_back(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    # Without a probe it would be ready as soon as its process is there, which is some milliseconds before it listens.
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
    labels = {"app": "web"}
    containers = [{"name": "web", "image": "corral.local/web:1", "readinessProbe": probe}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}, namespace)
    kubectl("expose", "deployment", "web", "--port=80")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    address = cluster.get("service", "web", "-n", namespace)["spec"]["clusterIP"]
    with Load(f"http://{address}/") as load:
        eventually(lambda: len(load.answers) > 50)
        kubectl("set", "image", "deployment/web", "web=corral.local/web:2")
        kubectl("rollout", "status", "deployment/web", "--timeout=90s")
        eventually(lambda: load.answers[-1].endswith("version 2\n"))
        kubectl("rollout", "undo", "deployment/web")
        kubectl("rollout", "status", "deployment/web", "--timeout=90s")
        eventually(lambda: load.answers[-1].endswith("version 1\n"))
    assert load.failures == []
    assert {a.strip() for a in load.answers} == {"Hello from Corral, version 1", "Hello from Corral, version 2"}
    history = kubectl("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line.strip()] == ["2", "3"]


def test_rollout_restart_replaces_every_pod(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=corral.local/web:1", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    before = set(kubectl("get", "pods", "-o", "name").split())
    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    eventually(lambda: not before & set(kubectl("get", "pods", "-o", "name").split()), 60)


def test_a_deleted_pod_is_replaced(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=corral.local/web:1")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    old = kubectl("get", "pods", "-o", "name").strip()
    kubectl("delete", old)
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert eventually(lambda: kubectl("get", "pods", "-o", "name").strip()) != old


def test_a_failing_readiness_probe_takes_a_pod_out_of_the_service_and_back(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 1}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "web", "image": "corral.local/web:1", "readinessProbe": probe}],
        },
    }
    cluster.apply(pod, namespace)
    kubectl("expose", "pod", "web", "--port=80")

    def ready_addresses() -> list[str]:
        slices = cluster.get("endpointslices", "-n", namespace, "-l", "kubernetes.io/service-name=web")["items"]
        return [a for s in slices for e in s.get("endpoints") or () if e["conditions"]["ready"] for a in e["addresses"]]

    eventually(lambda: cluster.get("pod", "web", "-n", namespace)["status"]["phase"] == "Running")
    assert ready_addresses() == []
    kubectl("exec", "web", "--", "sh", "-c", "echo yes > /tmp/ready")
    eventually(ready_addresses, 15)
    kubectl("exec", "web", "--", "sh", "-c", "/bin/busybox rm /tmp/ready")
    eventually(lambda: not ready_addresses(), 15)
