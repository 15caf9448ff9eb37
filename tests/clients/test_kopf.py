"""A kopf operator (https://kopf.readthedocs.io) as its own process: handlers, finalizers, timers, status, events."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import eventually

from corral.testing.cluster import ControlPlane

OPERATOR = Path(__file__).parent / "gizmo_operator.py"


@pytest.fixture
def group(corral: ControlPlane, corral_namespace: str) -> Iterator[str]:
    """The API group of this test's Gizmos."""
    group = f"{corral_namespace}.example.com"
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    spec = {"group": group, "scope": "Namespaced", "names": {"plural": "gizmos", "kind": "Gizmo"}, "versions": [version]}
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    corral.request("POST", path, {**body, "metadata": {"name": f"gizmos.{group}"}, "spec": spec})
    yield group
    corral.request("DELETE", f"{path}/gizmos.{group}")


@pytest.fixture
def operator(corral: ControlPlane, corral_namespace: str, group: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """The running operator; call it for its log."""
    env = {**os.environ, "KUBECONFIG": str(corral.kubeconfig), "GIZMO_GROUP": group}
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", corral_namespace, str(OPERATOR)]
    log = tmp_path / "log"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env) as process:
        yield log.read_text
        process.terminate()
        process.wait(timeout=20)
    assert "Traceback" not in log.read_text(), log.read_text()


def test_an_operator_lives_here(corral: ControlPlane, corral_namespace: str, group: str, operator: Callable[[], str]) -> None:
    gizmos = f"/apis/{group}/v1/namespaces/{corral_namespace}/gizmos"
    maps = f"/api/v1/namespaces/{corral_namespace}/configmaps"

    def get(path: str) -> Any:
        try:
            return corral.request("GET", path)
        except RuntimeError as error:
            assert "NotFound" in str(error)
            return None

    gizmo = {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "g"}, "spec": {"size": 1}}
    corral.request("POST", gizmos, gizmo)
    made = eventually(lambda: get(f"{maps}/g"))
    assert made["data"] == {"size": "1"} and made["metadata"]["ownerReferences"][0]["kind"] == "Gizmo"
    now = eventually(lambda: (found := get(f"{gizmos}/g")).get("status", {}).get("created") and found)
    assert now["status"]["created"] == {"config": "g"} and now["metadata"]["finalizers"] == [f"{group}/finalizer"]
    eventually(lambda: get(f"{gizmos}/g")["status"].get("ticks") == 3)

    now = get(f"{gizmos}/g")
    while True:
        now["spec"]["size"] = 2
        try:
            corral.request("PUT", f"{gizmos}/g", now)
            break
        except RuntimeError as error:
            assert "Conflict" in str(error), error
            now = get(f"{gizmos}/g")
    eventually(lambda: get(f"{gizmos}/g")["status"].get("resized") == "1 to 2")
    assert get(f"{maps}/g")["data"] == {"size": "2"}

    watched = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "w", "labels": {"watched": "yes"}}}
    corral.request("POST", maps, watched)
    eventually(lambda: get(f"{maps}/w").get("data") == {"seen": "yes"})

    corral.request("DELETE", f"{gizmos}/g")
    eventually(lambda: get(f"{gizmos}/g") is None)
    assert get(f"{maps}/g-was-here")
    eventually(lambda: get(f"{maps}/g") is None)
    events = eventually(lambda: get(f"/api/v1/namespaces/{corral_namespace}/events?fieldSelector=reason=Seen")["items"])
    assert events[0]["involvedObject"]["kind"] == "Gizmo" and events[0]["message"] == "a gizmo came"
