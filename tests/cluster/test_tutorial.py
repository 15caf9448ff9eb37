"""The tutorial that every user of Kubernetes has typed, with an unmodified kubectl, answered by curl."""

from collections.abc import Callable

from tests.cluster.conftest import Cluster, fetch
from tests.kubectl import HAS_EVENTS, minor_version
from tests.waiting import eventually

Kubectl = Callable[..., str]


def node_address(cluster: Cluster) -> str:
    return str(cluster.get("nodes")["items"][0]["status"]["addresses"][0]["address"])


def test_deployment_and_service_answer(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=corral.local/web:1", "--replicas=2")
    kubectl("expose", "deployment", "web", "--port=80", "--type=NodePort")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    service = cluster.get("service", "web", "-n", namespace)
    port = service["spec"]["ports"][0]["nodePort"]
    for url in (
        f"http://{node_address(cluster)}:{port}/",
        f"http://127.0.0.1:{port}/",
        f"http://{service['spec']['clusterIP']}/",
    ):
        assert eventually(lambda url=url: answer(url)) == "Hello from Corral, version 1\n"
    name = f"http://web.{namespace}.svc.cluster.local"
    kubectl("run", "client", "--image=corral.local/busybox:1", "--restart=Never", "--", "wget", "-qO-", name)
    eventually(lambda: phase(cluster, namespace, "client") in ("Succeeded", "Failed"))
    assert kubectl("logs", "client") == "Hello from Corral, version 1\n"


def answer(url: str) -> str:
    try:
        return fetch(url)
    except OSError:
        return ""


def phase(cluster: Cluster, namespace: str, pod: str) -> str:
    return str(cluster.get("pod", pod, "-n", namespace)["status"].get("phase"))


def test_get_shows_the_columns_people_know(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=corral.local/web:1", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    header, row = kubectl("get", "deployments").splitlines()
    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:4] == ["web", "2/2", "2", "2"]
    wide = kubectl("get", "pods", "-o", "wide").splitlines()
    assert wide[0].split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert all(line.split()[1:3] == ["1/1", "Running"] for line in wide[1:])
    assert kubectl("get", "nodes").splitlines()[1].split()[1] == "Ready"
    names = kubectl("get", "pods", "-o", "name").split()
    assert len(names) == 2 and all(name.startswith("pod/web-") for name in names)


def test_describe_tells_what_happened(kubectl: Kubectl) -> None:
    kubectl("run", "web", "--image=corral.local/web:1")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    described = kubectl("describe", "pod", "web")
    for word in ("Scheduled", "Pulled", "Created", "Started", "QoS Class:", "BestEffort", "corral.local/web:1"):
        assert word in described


def test_labels_annotations_patches_and_edits(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=corral.local/web:1")
    kubectl("label", "deployment", "web", "tier=front")
    kubectl("annotate", "deployment", "web", "note=hello")
    kubectl(
        "patch",
        "deployment",
        "web",
        "-p",
        '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"b"}]}]}}}}',
    )
    kubectl("scale", "deployment", "web", "--replicas=3")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    deployment = cluster.get("deployment", "web", "-n", namespace)
    assert deployment["metadata"]["labels"]["tier"] == "front"
    assert deployment["metadata"]["annotations"]["note"] == "hello"
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["name"] == "web" and container["env"] == [{"name": "A", "value": "b"}]
    assert deployment["status"]["readyReplicas"] == 3
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "3"


def test_apply_diff_and_delete(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red, size: '1'}\n"
    assert "created" in kubectl("apply", "-f", "-", input=manifest)
    assert "unchanged" in kubectl("apply", "-f", "-", input=manifest)
    changed = manifest.replace("red", "blue").replace(", size: '1'", "")
    difference = kubectl("diff", "-f", "-", input=changed, check=False).splitlines()
    assert {"-  colour: red", "+  colour: blue", '-  size: "1"'} <= set(difference)
    assert "configured" in kubectl("apply", "-f", "-", input=changed)
    assert cluster.get("configmap", "settings", "-n", namespace)["data"] == {"colour": "blue"}
    assert "deleted" in kubectl("delete", "-f", "-", input=changed)


def test_server_side_apply(kubectl: Kubectl) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n"
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", "-", input=manifest)
    taken = manifest.replace("red", "blue")
    refused = subprocess_error(kubectl, "apply", "--server-side", "--field-manager=other", "-f", "-", input=taken)
    assert 'conflict with "kubectl"' in refused
    assert "serverside-applied" in kubectl(
        "apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-", input=taken
    )


def subprocess_error(kubectl: Kubectl, *words: str, **more: str) -> str:
    try:
        kubectl(*words, **more)
    except AssertionError as error:
        return str(error)
    raise AssertionError("it was accepted")


def test_events_explain_api_resources_and_can_i(kubectl: Kubectl) -> None:
    kubectl("run", "web", "--image=corral.local/web:1")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    events = ("events",) if minor_version() >= HAS_EVENTS else ("get", "events")
    eventually(lambda: "Started" in kubectl(*events))  # They are written a moment later.
    assert "replicas" in kubectl("explain", "deployment.spec")
    resources = kubectl("api-resources")
    assert "deployments" in resources and "deploy" in resources
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    denied = kubectl("auth", "can-i", "create", "pods", "--as=nobody", check=False)
    assert denied.strip() == "no"


def test_wait_for_deletion(kubectl: Kubectl) -> None:
    kubectl("run", "web", "--image=corral.local/web:1")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    kubectl("delete", "pod", "web", "--timeout=40s")
    assert "NotFound" in subprocess_error(kubectl, "get", "pod", "web")
