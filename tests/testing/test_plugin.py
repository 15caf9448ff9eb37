"""The fixtures that Corral gives to other projects' tests: an API server, with controllers, and a fresh namespace in it."""

import subprocess
import time

import pytest

from corral.testing.cluster import ControlPlane

pytestmark = pytest.mark.server


def test_the_fixture_is_a_kubernetes_api(corral: ControlPlane, corral_namespace: str) -> None:
    path = f"/api/v1/namespaces/{corral_namespace}/configmaps"
    corral.request("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"b": "c"}})
    assert corral.request("GET", f"{path}/a")["data"] == {"b": "c"}


def test_its_controllers_work(corral: ControlPlane, corral_namespace: str) -> None:
    path = f"/api/v1/namespaces/{corral_namespace}/serviceaccounts"
    deadline_s = time.monotonic() + 20
    while not corral.request("GET", path)["items"]:
        assert time.monotonic() < deadline_s, "no default service account"
        time.sleep(0.02)


def test_kubectl_reads_its_kubeconfig(corral: ControlPlane) -> None:
    command = ["kubectl", "--kubeconfig", str(corral.kubeconfig), "get", "namespaces", "-o", "name"]
    assert "namespace/default" in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_an_error_answer_is_raised_with_its_status(corral: ControlPlane, corral_namespace: str) -> None:
    with pytest.raises(RuntimeError, match="NotFound"):
        corral.request("GET", f"/api/v1/namespaces/{corral_namespace}/pods/none")
