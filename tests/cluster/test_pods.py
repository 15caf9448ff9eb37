"""What runs in a pod, in which order, with which files and variables, and what happens when it stops."""

import json
from collections.abc import Callable
from typing import Any

from tests.cluster.conftest import Cluster
from tests.waiting import eventually

Kubectl = Callable[..., str]
BUSYBOX = "corral.local/busybox:1"


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod whose containers run busybox unless they say otherwise."""
    filled = [{"name": f"c{i}", "image": BUSYBOX} | c for i, c in enumerate(containers)]
    spec.setdefault("terminationGracePeriodSeconds", 1)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": filled, **spec}}


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def status(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("pod", name, "-n", namespace)["status"]
    return found


def test_containers_share_volumes_network_and_fate(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    shared = {"name": "shared", "mountPath": "/shared"}
    writer = {"command": shell("echo from c0 > /shared/note; sleep 3600"), "volumeMounts": [shared]}
    reader = {"command": shell("until cat /shared/note; do sleep 0.1; done; sleep 3600"), "volumeMounts": [shared]}
    cluster.apply(pod("pair", writer, reader, volumes=[{"name": "shared", "emptyDir": {}}]), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/pair", "--timeout=30s")
    assert eventually(lambda: kubectl("logs", "pair", "-c", "c1")).strip().endswith("from c0")
    addresses = {kubectl("exec", "pair", "-c", c, "--", "cat", "/etc/hosts") for c in ("c0", "c1")}
    assert len(addresses) == 1


def test_init_containers_run_in_order_before_the_others(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    mount = [{"name": "d", "mountPath": "/d"}]
    init = [
        {"name": "one", "image": BUSYBOX, "command": shell("echo 1 >> /d/order"), "volumeMounts": mount},
        {"name": "two", "image": BUSYBOX, "command": shell("echo 2 >> /d/order"), "volumeMounts": mount},
    ]
    main = {"command": shell("cat /d/order"), "volumeMounts": mount}
    cluster.apply(
        pod("ordered", main, initContainers=init, volumes=[{"name": "d", "emptyDir": {}}], restartPolicy="Never"), namespace
    )
    eventually(lambda: status(cluster, namespace, "ordered")["phase"] == "Succeeded")
    assert kubectl("logs", "ordered") == "1\n2\n"


def test_a_killed_container_restarts_with_back_off_and_keeps_its_last_words(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    cluster.apply(pod("dies", {"command": shell("echo run; exit 3")}), namespace)

    def backing_off() -> bool:
        containers = status(cluster, namespace, "dies").get("containerStatuses") or [{}]
        return containers[0].get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"

    eventually(backing_off)
    container = status(cluster, namespace, "dies")["containerStatuses"][0]
    assert container["restartCount"] >= 1
    assert container["lastState"]["terminated"]["exitCode"] == 3
    assert kubectl("logs", "dies", "--previous") == "run\n"
    assert "Back-off restarting failed container" in kubectl("describe", "pod", "dies")


def test_config_reaches_a_container_by_environment_and_files(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "settings", "--from-literal=colour=red")
    kubectl("create", "secret", "generic", "keys", "--from-literal=password=s3cret")
    container = {
        "command": shell('echo "$COLOUR $PASSWORD $NAME $GREETING $LIMIT"; cat /config/colour /keys/password /podinfo/labels'),
        "env": [
            {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "GREETING", "value": "hello-$(COLOUR)"},
            {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        "resources": {"limits": {"memory": "64Mi"}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/config"},
            {"name": "keys", "mountPath": "/keys"},
            {"name": "podinfo", "mountPath": "/podinfo"},
        ],
    }
    labels = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    volumes = [
        {"name": "config", "configMap": {"name": "settings"}},
        {"name": "keys", "secret": {"secretName": "keys"}},
        {"name": "podinfo", "downwardAPI": {"items": [labels]}},
    ]
    manifest = pod("configured", container, volumes=volumes, restartPolicy="Never")
    manifest["metadata"]["labels"] = {"app": "x"}
    cluster.apply(manifest, namespace)
    eventually(lambda: status(cluster, namespace, "configured")["phase"] == "Succeeded")
    assert kubectl("logs", "configured") == 'red s3cret configured hello-red 64\nreds3cretapp="x"'


def test_a_service_account_token_opens_the_api_from_inside(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    script = (
        "cd /var/run/secrets/kubernetes.io/serviceaccount; ls; cat namespace; echo; "
        'test -s token && echo "$KUBERNETES_SERVICE_HOST"; nc -w 3 "$KUBERNETES_SERVICE_HOST" 443 </dev/null >/dev/null && echo open'
    )
    cluster.apply(pod("token", {"command": shell(script)}, restartPolicy="Never"), namespace)
    eventually(lambda: status(cluster, namespace, "token")["phase"] in ("Succeeded", "Failed"))
    lines = kubectl("logs", "token").split()
    assert lines[:4] == ["ca.crt", "namespace", "token", namespace]
    assert lines[-1] == "open"


def test_liveness_restarts_and_startup_holds_the_others_back(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/alive"]}, "periodSeconds": 1, "failureThreshold": 1}
    cluster.apply(pod("live", {"command": shell("touch /tmp/alive; sleep 2; sleep 3600"), "livenessProbe": probe}), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/live", "--timeout=30s")
    kubectl("exec", "live", "--", "/bin/busybox", "rm", "/tmp/alive")
    eventually(lambda: status(cluster, namespace, "live")["containerStatuses"][0]["restartCount"] >= 1)
    assert "Liveness probe failed" in kubectl("describe", "pod", "live")


def test_probes_by_http_and_tcp(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    web = {
        "image": "corral.local/web:1",
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
        "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
        "startupProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
    }
    cluster.apply(pod("web", web), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    container = status(cluster, namespace, "web")["containerStatuses"][0]
    assert container["started"] and container["ready"] and container["restartCount"] == 0


def test_a_container_finds_its_limits_in_its_cgroup(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    limits = {"requests": {"cpu": "100m"}, "limits": {"memory": "40Mi", "cpu": "250m"}}
    script = (
        "cd /sys/fs/cgroup; if [ -e cpu.max ]; then cat cpu.max memory.max; "
        "else cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpu/cpu.shares memory/memory.limit_in_bytes; fi"
    )
    cluster.apply(pod("bound", {"command": shell(script), "resources": limits}, restartPolicy="Never"), namespace)
    eventually(lambda: status(cluster, namespace, "bound")["phase"] == "Succeeded")
    found = [int(word) for word in kubectl("logs", "bound").split()]
    assert found in ([25_000, 100_000, 102, 40 << 20], [25_000, 100_000, 40 << 20])  # cgroup v1, v2


def test_a_greedy_container_is_killed(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    greedy = {
        "command": shell("x=a; while true; do x=$x$x; done"),
        "resources": {"limits": {"memory": "24Mi", "cpu": "500m"}},
    }
    cluster.apply(pod("greedy", greedy, restartPolicy="Never"), namespace)
    eventually(lambda: status(cluster, namespace, "greedy")["phase"] == "Failed")
    found = status(cluster, namespace, "greedy")
    assert found["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"
    assert found["qosClass"] == "Guaranteed"


def test_hooks_run_and_termination_is_graceful(cluster: Cluster, kubectl: Kubectl, namespace: str, tmp_path: Any) -> None:
    note = tmp_path / "note"
    container = {
        "command": shell("trap 'echo term >> /host/note; exit 0' TERM; while true; do sleep 0.1; done"),
        "lifecycle": {
            "postStart": {"exec": {"command": shell("echo start >> /host/note")}},
            "preStop": {"exec": {"command": shell("echo stop >> /host/note")}},
        },
        "volumeMounts": [{"name": "host", "mountPath": "/host"}],
    }
    volumes = [{"name": "host", "hostPath": {"path": str(tmp_path), "type": "Directory"}}]
    cluster.apply(pod("hooked", container, volumes=volumes, terminationGracePeriodSeconds=20), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/hooked", "--timeout=30s")
    kubectl("delete", "pod", "hooked", "--timeout=30s")
    assert note.read_text() == "start\nstop\nterm\n"


def test_an_image_that_does_not_exist_says_so(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl("run", "absent", "--image=127.0.0.1:9/no/such:1")

    def reason() -> str:
        containers = status(cluster, namespace, "absent").get("containerStatuses") or [{}]
        return str(containers[0].get("state", {}).get("waiting", {}).get("reason"))

    eventually(lambda: reason() in ("ErrImagePull", "ImagePullBackOff"))
    assert "127.0.0.1:9/no/such:1" in kubectl("describe", "pod", "absent")


def test_a_command_that_is_not_in_the_image_says_so(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    cluster.apply(pod("nothing", {"command": ["/no/such/program"]}, restartPolicy="Never"), namespace)
    eventually(lambda: status(cluster, namespace, "nothing")["phase"] == "Failed")
    ended = status(cluster, namespace, "nothing")["containerStatuses"][0]["state"]["terminated"]
    assert "/no/such/program" in ended["message"]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)


def test_a_pod_that_fits_nowhere_says_why(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    cluster.apply(pod("huge", {"resources": {"requests": {"cpu": "1000"}}}), namespace)
    eventually(lambda: status(cluster, namespace, "huge").get("conditions"))
    condition = status(cluster, namespace, "huge")["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")


def test_a_pod_is_running_soon_after_it_is_made(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    manifests = [pod(f"p{i}", {"command": ["sleep", "3600"]}) for i in range(10)]
    cluster.kubectl(
        "apply", "-n", namespace, "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    )
    kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=30s")
    assert len(cluster.get("pods", "-n", namespace)["items"]) == 10
