"""How pods find each other and how the host reaches them."""

import collections
from collections.abc import Callable

from tests.cluster.conftest import Cluster, fetch
from tests.cluster.test_pods import pod, shell
from tests.waiting import eventually

Kubectl = Callable[..., str]


def test_a_service_spreads_requests_over_its_pods(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    for name, version in (("a", 1), ("b", 2)):
        manifest = pod(name, {"image": f"corral.local/web:{version}"})
        manifest["metadata"]["labels"] = {"app": "web"}
        cluster.apply(manifest, namespace)
    kubectl("create", "service", "clusterip", "web", "--tcp=80:80")
    kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=30s")
    address = cluster.get("service", "web", "-n", namespace)["spec"]["clusterIP"]

    def both() -> bool:
        counted = collections.Counter(fetch(f"http://{address}/") for _ in range(40))
        return len(counted) == 2 and min(counted.values()) > 3

    eventually(both)


def test_a_service_without_endpoints_refuses_at_once(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "service", "clusterip", "empty", "--tcp=80:80")
    address = cluster.get("service", "empty", "-n", namespace)["spec"]["clusterIP"]

    def refused() -> bool:
        try:
            fetch(f"http://{address}/", timeout=2)
        except OSError as error:
            return "refused" in str(error)
        return False

    eventually(refused)


def test_names_resolve_inside_a_pod(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    manifest = pod("web", {"image": "corral.local/web:1"}, hostname="one", subdomain="headless")
    manifest["metadata"]["labels"] = {"app": "headless"}
    cluster.apply(manifest, namespace)
    kubectl("create", "service", "clusterip", "headless", "--clusterip=None")
    kubectl("create", "service", "externalname", "outside", "--external-name=web.example.test")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    address = cluster.get("pod", "web", "-n", namespace)["status"]["podIP"]
    for name in ("headless", f"one.headless.{namespace}.svc.cluster.local"):
        eventually(lambda name=name: address in kubectl("exec", "web", "--", "nslookup", name, check=False), 20, name)
    # The nslookup of busybox does not try the search domains for a name with a dot; the C library does.
    assert "version 1" in kubectl("exec", "web", "--", "wget", "-T5", "-qO-", f"http://headless.{namespace}")
    api = cluster.get("service", "kubernetes", "-n", "default")["spec"]["clusterIP"]
    assert api in kubectl("exec", "web", "--", "nslookup", "kubernetes.default.svc.cluster.local")


def test_session_affinity_stays_with_one_pod(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    for name, version in (("a", 1), ("b", 2)):
        manifest = pod(name, {"image": f"corral.local/web:{version}"})
        manifest["metadata"]["labels"] = {"app": "web"}
        cluster.apply(manifest, namespace)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], "sessionAffinity": "ClientIP"},
    }
    cluster.apply(service, namespace)
    kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=30s")
    address = cluster.get("service", "web", "-n", namespace)["spec"]["clusterIP"]
    eventually(lambda: len(cluster.get("endpointslices", "-n", namespace)["items"][0].get("endpoints") or ()) == 2)
    first = eventually(lambda: reach(f"http://{address}/"))
    assert {fetch(f"http://{address}/") for _ in range(20)} == {first}


def reach(url: str) -> str:
    try:
        return fetch(url)
    except OSError:
        return ""


def test_a_pod_reaches_itself_through_its_service(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("run", "web", "--image=corral.local/web:1", "--labels=app=web")
    kubectl("expose", "pod", "web", "--port=80")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    eventually(lambda: "version 1" in kubectl("exec", "web", "--", "wget", "-T2", "-qO-", "http://web", check=False), 20)


def test_host_ports_and_the_hosts_network(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    script = shell("cat /proc/sys/kernel/hostname; sleep 3600")
    cluster.apply(pod("host", {"command": script}, hostNetwork=True), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/host", "--timeout=30s")
    found = cluster.get("pod", "host", "-n", namespace)["status"]
    assert found["podIP"] == found["hostIP"]
