"""What a user expects of persistent volumes: a claim gets one by itself, its data outlives pods, and goes with the claim."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.conftest import Cluster
from tests.cluster.test_pods import pod, shell
from tests.waiting import eventually

Kubectl = Callable[..., str]
MOUNT = [{"name": "data", "mountPath": "/data"}]


def claim(name: str, **spec: Any) -> dict[str, Any]:
    filled = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": filled}


def mounting(name: str, script: str, of: str = "data", **spec: Any) -> dict[str, Any]:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": of}}]
    container = {"command": shell(script), "volumeMounts": MOUNT}
    return pod(name, container, volumes=volumes, **{"restartPolicy": "Never", **spec})


def phase(cluster: Cluster, namespace: str, name: str) -> str:
    return str(cluster.get("pod", name, "-n", namespace)["status"]["phase"])


def ended(cluster: Cluster, namespace: str, name: str) -> bool:
    return phase(cluster, namespace, name) == "Succeeded"


def test_a_claim_gets_a_volume_with_its_first_pod_and_keeps_its_data(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    cluster.apply(claim("data"), namespace)
    waits = "waiting for first consumer to be created before binding"
    eventually(lambda: waits in kubectl("describe", "pvc", "data"))
    assert kubectl("get", "pvc", "data", "--no-headers").split()[:3] == ["data", "Pending", "standard"]
    cluster.apply(mounting("writes", "echo kept > /data/file", securityContext={"runAsUser": 1000}), namespace)
    eventually(lambda: ended(cluster, namespace, "writes"))
    (name,) = {item["spec"]["volumeName"] for item in cluster.get("pvc", "-n", namespace)["items"]}
    columns = kubectl("get", "pv", name, "--no-headers").split()
    assert columns[:7] == [name, "1Gi", "RWO", "Delete", "Bound", f"{namespace}/data", "standard"]
    cluster.apply(mounting("reads", "cat /data/file"), namespace)
    eventually(lambda: ended(cluster, namespace, "reads"))
    assert kubectl("logs", "reads") == "kept\n"
    folder = Path(cluster.get("pv", name)["spec"]["local"]["path"])
    assert (folder / "file").read_text() == "kept\n"
    kubectl("patch", "pvc", "data", "-p", json.dumps({"spec": {"resources": {"requests": {"storage": "2Gi"}}}}))
    eventually(lambda: cluster.get("pvc", "data", "-n", namespace)["status"]["capacity"] == {"storage": "2Gi"})
    kubectl("delete", "pod", "writes", "reads", "--wait=false")
    kubectl("delete", "pvc", "data")
    eventually(lambda: name not in cluster.kubectl("get", "pv", "-o", "name"))
    assert not folder.exists()


def test_a_claim_in_use_stays_until_its_pod_is_gone(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    cluster.apply(claim("data"), namespace)
    cluster.apply(mounting("uses", "sleep 600"), namespace)
    eventually(lambda: phase(cluster, namespace, "uses") == "Running")
    kubectl("delete", "pvc", "data", "--wait=false")
    assert kubectl("get", "pvc", "data", "--no-headers").split()[1] == "Terminating"
    kubectl("delete", "pod", "uses")
    eventually(lambda: not kubectl("get", "pvc", "-o", "name"))


def test_pods_with_volumes_of_their_own(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    template = {"spec": claim("x")["spec"]}
    container = {"command": shell("touch /data/x; sleep 600"), "volumeMounts": MOUNT}
    scratch = pod("scratch", container, volumes=[{"name": "data", "ephemeral": {"volumeClaimTemplate": template}}])
    cluster.apply(scratch, namespace)
    labels = {"app": "db"}
    stateful = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "replicas": 2,
            "serviceName": "db",
            "podManagementPolicy": "Parallel",
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Retain"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod("db", container)["spec"]},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim("x")["spec"]}],
        },
    }
    cluster.apply(stateful, namespace)
    kubectl("rollout", "status", "statefulset/db", "--timeout=30s")
    eventually(lambda: phase(cluster, namespace, "scratch") == "Running")

    def bound() -> set[str]:
        items = cluster.get("pvc", "-n", namespace)["items"]
        return {item["metadata"]["name"] for item in items if item["status"]["phase"] == "Bound"}

    assert bound() == {"scratch-data", "data-db-0", "data-db-1"}
    kubectl("scale", "statefulset", "db", "--replicas=1")
    kubectl("delete", "pod", "scratch", "--wait=false")
    eventually(lambda: bound() == {"data-db-0"})
    kubectl("delete", "statefulset", "db")
    eventually(lambda: not kubectl("get", "pods", "-o", "name"))
    assert bound() == {"data-db-0"}
    kubectl("delete", "pvc", "data-db-0")


def test_volumes_made_by_hand(cluster: Cluster, kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("from the host\n")
    name = f"hand-{namespace}"
    spec = {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany"], "storageClassName": name}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}}
    cluster.apply({**volume, "spec": {**spec, "hostPath": {"path": str(tmp_path)}}}, namespace)
    cluster.apply(claim("data", storageClassName=name, accessModes=["ReadWriteMany"]), namespace)
    cluster.apply(mounting("reads", "cat /data/note"), namespace)
    eventually(lambda: ended(cluster, namespace, "reads"))
    assert kubectl("logs", "reads") == "from the host\n"
    assert kubectl("get", "pvc", "data", "--no-headers").split()[:5] == ["data", "Bound", name, "5Gi", "RWX"]
    kubectl("delete", "pod", "reads")
    kubectl("delete", "pvc", "data")
    eventually(lambda: kubectl("get", "pv", name, "--no-headers").split()[4] == "Released")
    assert (tmp_path / "note").exists()
    kubectl("delete", "pv", name)
