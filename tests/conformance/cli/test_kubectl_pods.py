"""kubectl and what runs: logs, descriptions, a small application."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conformance.objects import service
from tests.conformance.pods import IMAGE, Pods, container, shell
from tests.waiting import eventually

Object = dict[str, Any]


class Kubectl:
    """kubectl in the namespace of `pods`."""

    def __init__(self, pods: Pods) -> None:
        self._pods = pods

    def __call__(self, *words: str, input: str | None = None) -> str:
        return self._pods.cluster.kubectl("-n", self._pods.namespace, *words, input=input)


@pytest.fixture
def kubectl(shared_pods: Pods) -> Kubectl:
    return Kubectl(shared_pods)


def _controller(called: str, run: Object, replicas: int = 1, **labels: str) -> Object:
    labels = {"app": called, **labels}
    spec = {"containers": [container(run, "main")], "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": called, "labels": labels},
        "spec": {"replicas": replicas, "selector": labels, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def _running(pods: Pods, selector: str, count: int) -> list[str]:
    """The names of the pods, once there are so many and all run."""

    def names() -> list[str] | None:
        found = [p for p in pods.get("pods", labelSelector=selector)["items"] if not p["metadata"].get("deletionTimestamp")]
        phases = [p["status"].get("phase") for p in found]
        return [p["metadata"]["name"] for p in found] if phases == ["Running"] * count else None

    result: list[str] = eventually(names, 40)
    return result


def test_parts_of_a_log(shared_pods: Pods, kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl logs logs should be able to retrieve and filter logs [Conformance]"""
    script = "for i in $(seq 40); do echo line $i; done; while :; do sleep 0.3; echo more; done"
    kubectl("run", "logs-generator", f"--image={IMAGE}", "--restart=Never", "--command", "--", "sh", "-c", script)
    shared_pods.running("logs-generator")
    eventually(lambda: len(kubectl("logs", "logs-generator").splitlines()) > 40)
    assert kubectl("logs", "logs-generator", "logs-generator").startswith("line 1\nline 2\n")
    assert len(kubectl("logs", "logs-generator", "--tail=1").splitlines()) == 1
    assert kubectl("logs", "logs-generator", "--limit-bytes=1") == "l"
    (line,) = kubectl("logs", "logs-generator", "--tail=1", "--timestamps").splitlines()
    stamp, _, text = line.partition(" ")
    told = datetime.fromisoformat(stamp[:19]).replace(tzinfo=UTC)
    assert stamp.endswith("Z") and len(stamp) == 30 and text == "more"
    assert abs((datetime.now(UTC) - told).total_seconds()) < 60

    def some_and_all() -> bool:
        return 0 < len(kubectl("logs", "logs-generator", "--since=1s").splitlines()) < 40

    eventually(some_and_all)
    assert len(kubectl("logs", "logs-generator", "--since=24h").splitlines()) > 40


def test_a_pod_that_is_run_once(shared_pods: Pods, kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never [Conformance]"""
    kubectl("run", "e2e-test-pod", "--restart=Never", "--pod-running-timeout=2m0s", f"--image={IMAGE}")
    found = shared_pods.get("pods/e2e-test-pod")
    assert found["spec"]["containers"][0]["image"] == IMAGE and found["spec"]["restartPolicy"] == "Never"
    shared_pods.ended("e2e-test-pod")
    assert kubectl("delete", "pods", "e2e-test-pod").startswith('pod "e2e-test-pod" deleted')


def _after(text: str, *needles: str) -> None:
    """The needles are in the text, one after the other, each in one line."""
    lines = iter(text.splitlines())
    for needle in needles:
        parts = needle.split()
        assert any(all(part in line for part in parts) for line in lines), f"no {needle!r} in its place in\n{text}"


def test_descriptions(shared_pods: Pods, kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods [Conformance]"""
    run = shell("trap 'exit 0' TERM; while :; do sleep 0.1; done", ports=[{"name": "server", "containerPort": 6379}])
    kubectl("create", "-f", "-", input=json.dumps(_controller("primary", run, role="primary")))
    labels = {"app": "primary", "role": "primary"}
    kubectl("create", "-f", "-", input=json.dumps(service("primary", labels, {"port": 6379, "targetPort": "server"})))
    (name,) = _running(shared_pods, "app=primary", 1)
    space = shared_pods.namespace
    _after(
        kubectl("describe", "pod", name),
        *(f"Name: {name}", f"Namespace: {space}", "Node:", "Labels: app=primary", "role=primary", "Annotations:"),
        *("Status: Running", "IP:", "Controlled By: ReplicationController/primary", f"Image: {IMAGE}", "State: Running"),
        *("QoS Class: BestEffort",),
    )
    eventually(lambda: "Created pod: " + name in kubectl("describe", "rc", "primary"))
    _after(
        kubectl("describe", "rc", "primary"),
        *("Name: primary", f"Namespace: {space}", "Selector: app=primary,role=primary", "Labels: app=primary"),
        *("role=primary", "Annotations:", "Replicas: 1 current / 1 desired", "Pods Status: 1 Running / 0 Waiting"),
        *("Pod Template:", f"Image: {IMAGE}", "Events:"),
    )
    _after(
        kubectl("describe", "service", "primary"),
        *("Name: primary", f"Namespace: {space}", "Labels:", "Annotations:", "Selector: app=primary,role=primary"),
        *("Type: ClusterIP", "IP:", "Port: <unset> 6379/TCP", "Endpoints:", "Session Affinity: None"),
    )
    _after(
        kubectl("describe", "node", shared_pods.cluster.node),
        *(f"Name: {shared_pods.cluster.node}", "Labels:", "Annotations:", "CreationTimestamp:", "Conditions:"),
        *("Type Status LastHeartbeatTime LastTransitionTime Reason Message", "Addresses:", "Capacity:", "System Info:"),
        *("Kernel Version:", "OS Image:", "Operating System:", "Architecture:", "Container Runtime Version:"),
        "Kubelet Version:",
    )
    _after(kubectl("describe", "namespace", space), f"Name: {space}", "Labels:", "Annotations:", "Status: Active")


WEB = 'mkdir -p /www && echo \'{"image": "kitten"}\' > /www/data.json && exec httpd -f -p 80 -h /www'


def test_a_controller_is_scaled(shared_pods: Pods, kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Update Demo should create and stop a replication controller [Conformance]
    [sig-cli] Kubectl client Update Demo should scale a replication controller [Conformance]
    """
    run = shell(WEB, ports=[{"containerPort": 80}])
    kubectl("create", "-f", "-", input=json.dumps(_controller("update-demo-nautilus", run, 2, name="update-demo")))
    for count in (2, 1, 2):
        if count != 2 or len(shared_pods.names("pods", labelSelector="name=update-demo")) == 1:
            kubectl("scale", "rc", "update-demo-nautilus", f"--replicas={count}", "--timeout=5m")
        for name in _running(shared_pods, "name=update-demo", count):
            template = (
                '{{if (exists . "status" "containerStatuses")}}{{range .status.containerStatuses}}'
                '{{if (and (eq .name "main") (exists . "state" "running"))}}true{{end}}{{end}}{{end}}'
            )
            assert kubectl("get", "pods", name, "-o", "template", f"--template={template}") == "true"
            eventually(lambda name=name: _data(shared_pods, name) == {"image": "kitten"})
    config = json.dumps(_controller("update-demo-nautilus", run, 2, name="update-demo"))
    kubectl("delete", "--grace-period=0", "--force", "-f", "-", input=config)
    eventually(lambda: not shared_pods.names("pods", labelSelector="name=update-demo"))
    assert kubectl("get", "rc,svc", "-l", "name=update-demo", "--no-headers") == ""


def _data(pods: Pods, name: str) -> Any:
    code, answer, _ = pods.raw("GET", f"pods/{name}/proxy/data.json")
    # busybox calls every file application/octet-stream.
    return json.loads(answer) if code == 200 else None


#: A page that keeps a message where the store has it: busybox's httpd runs what is in cgi-bin.
FRONT = """
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/guestbook <<'EOF'
#!/bin/sh
echo 'Content-Type: application/json'; echo
case "$QUERY_STRING" in
  cmd=set*) wget -qO- "http://$STORE_SERVICE_HOST/cgi-bin/set?${QUERY_STRING##*value=}" ;;
  *) wget -qO- "http://$STORE_SERVICE_HOST/cgi-bin/get" ;;
esac
EOF
chmod +x /www/cgi-bin/guestbook
exec httpd -f -p 80 -h /www
"""
STORE = """
mkdir -p /www/cgi-bin; touch /tmp/value
printf '#!/bin/sh\\necho; echo "$QUERY_STRING" > /tmp/value; echo "{\\\\"message\\\\": \\\\"Updated\\\\"}"\\n' > /www/cgi-bin/set
printf '#!/bin/sh\\necho; echo "{\\\\"data\\\\": \\\\"$(cat /tmp/value)\\\\"}"\\n' > /www/cgi-bin/get
chmod +x /www/cgi-bin/*
exec httpd -f -p 80 -h /www
"""


def _tier(name: str, script: str, replicas: int) -> list[Object]:
    labels = {"app": "guestbook", "tier": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container(script, "c")], "terminationGracePeriodSeconds": 0},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }
    return [service(name, labels), deployment]


def test_a_guestbook(shared_pods: Pods, kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Guestbook application should create and stop a working application [Conformance]"""
    items = [*_tier("store", STORE, 1), *_tier("frontend", FRONT, 3)]
    config = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    kubectl("create", "-f", "-", input=config)
    _running(shared_pods, "app=guestbook,tier=frontend", 3)

    def page(query: str) -> Any:
        code, answer, _ = shared_pods.raw("GET", f"services/frontend/proxy/cgi-bin/guestbook?{query}")
        return answer if code == 200 else None

    eventually(lambda: page("cmd=get&key=messages&value=") == {"data": ""}, 30)
    assert page("cmd=set&key=messages&value=TestEntry") == {"message": "Updated"}
    for _ in range(6):
        assert page("cmd=get&key=messages&value=") == {"data": "TestEntry"}
    kubectl("delete", "--grace-period=0", "--force", "-f", "-", input=config)
    eventually(lambda: not shared_pods.names("pods", labelSelector="app=guestbook"))
