"""What kubectl says and does, against a control plane."""

import http.client
import json
import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests import kubectl as client
from tests.conformance.conftest import Kubectl
from tests.conformance.hollow import HollowNodes
from tests.conformance.objects import pod, workload
from tests.conformance.rest import Api
from tests.waiting import eventually

from corral.testing.cluster import ControlPlane

Object = dict[str, Any]


@pytest.fixture
def primary(api: Api, hollow: HollowNodes) -> str:
    """The name of the only pod of a ReplicationController `primary`, which runs."""
    hollow.add("one")
    api.until_pods_can_be_made()
    made = workload("ReplicationController", "primary")
    made["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"name": "server", "containerPort": 6379}]
    api.create("replicationcontrollers", made)
    (found,) = hollow.until(lambda: [p for p in hollow.pods() if p["status"]["phase"] == "Running"])
    return str(found["metadata"]["name"])


def test_versions_of_the_api(kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions [Conformance]"""
    assert "v1" in kubectl("api-versions").splitlines()


@client.since(client.TELLS_VERSIONS_IN_SHORT)
def test_version(kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Kubectl version should check is all data is printed [Conformance]"""
    said = kubectl("version")
    assert re.search(r"^Client Version: v1\.\d+", said, re.MULTILINE)
    assert re.search(r"^Server Version: v1\.36\.", said, re.MULTILINE)
    # Whatever is after the JSON warns of another version of kubectl.
    told, _ = json.JSONDecoder().raw_decode(kubectl("version", "-o", "json"))
    told = told["serverVersion"]
    assert {"major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "platform"} <= told.keys()
    assert (told["major"], told["minor"]) == ("1", "36")


def test_where_the_control_plane_is(kubectl: Kubectl, corral: ControlPlane) -> None:
    """[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info [Conformance]"""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", kubectl("cluster-info"))
    assert f"Kubernetes control plane is running at {corral.server}" in plain


def test_a_difference(kubectl: Kubectl) -> None:
    """[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments [Conformance]"""
    body = workload("Deployment", "httpd", replicas=1)
    kubectl("create", "-f", "-", input=body)
    old = body["spec"]["template"]["spec"]["containers"][0]["image"]
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/busybox:1"
    said = kubectl("diff", "-f", "-", input=body, code=1)
    lines = [line for line in said.splitlines() if " image:" in line]
    assert [(line[0], line.split()[-1]) for line in lines] == [("-", old), ("+", "registry.example/busybox:1")]
    assert kubectl("get", "deploy/httpd", "-o", "jsonpath={.spec.template.spec.containers[0].image}") == old


def test_a_label_comes_and_goes(kubectl: Kubectl, primary: str) -> None:
    """[sig-cli] Kubectl client Kubectl label should update the label on a resource [Conformance]"""
    kubectl("label", "pods", primary, "testing-label=testing-label-value")
    assert "testing-label-value" in kubectl("get", "pod", primary, "-L", "testing-label")
    kubectl("label", "pods", primary, "testing-label-")
    assert "testing-label-value" not in kubectl("get", "pod", primary, "-L", "testing-label")


def test_an_annotation_by_a_patch(kubectl: Kubectl, primary: str, api: Api) -> None:
    """[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc [Conformance]"""
    assert kubectl("patch", "pod", primary, "-p", '{"metadata":{"annotations":{"x":"y"}}}') == f"pod/{primary} patched\n"
    assert api.get(f"pods/{primary}")["metadata"]["annotations"]["x"] == "y"


def test_services_of_a_controller_and_of_a_service(kubectl: Kubectl, primary: str, api: Api, hollow: HollowNodes) -> None:
    """[sig-cli] Kubectl client Kubectl expose should create services for rc [Conformance]"""
    address = api.get(f"pods/{primary}")["status"]["podIP"]

    def leads_to_it(name: str, port: int) -> None:
        service = api.get(f"services/{name}")
        assert [(p["port"], p["targetPort"]) for p in service["spec"]["ports"]] == [(port, 6379)]
        (subset,) = eventually(lambda: (api.find(f"endpoints/{name}") or {}).get("subsets"))
        assert [a["ip"] for a in subset["addresses"]] == [address] and subset["ports"][0]["port"] == 6379

    kubectl("expose", "rc", "primary", "--name=rm2", "--port=1234", "--target-port=6379")
    leads_to_it("rm2", 1234)
    kubectl("expose", "service", "rm2", "--name=rm3", "--port=2345", "--target-port=6379")
    leads_to_it("rm3", 2345)


def test_another_image_by_replace(kubectl: Kubectl, api: Api, hollow: HollowNodes) -> None:
    """[sig-cli] Kubectl client Kubectl replace should update a single-container pod's image [Conformance]"""
    hollow.add("one")
    api.until_pods_can_be_made()
    kubectl("run", "e2e-pod", "--image=registry.example/httpd:1", "--labels=run=e2e-pod")
    hollow.until(lambda: hollow.pods("run=e2e-pod")[0]["status"]["phase"] == "Running")
    text = kubectl("get", "pod", "e2e-pod", "-o", "json").replace("registry.example/httpd:1", "registry.example/busybox:1")
    assert kubectl("replace", "-f", "-", input=text) == "pod/e2e-pod replaced\n"
    assert api.get("pods/e2e-pod")["spec"]["containers"][0]["image"] == "registry.example/busybox:1"


def test_a_dry_run_on_the_server_changes_nothing(kubectl: Kubectl, api: Api) -> None:
    """[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods [Conformance]"""
    api.until_pods_can_be_made()
    api.create("pods", pod("e2e-pod", labels={"run": "e2e-pod"}))
    image = api.get("pods/e2e-pod")["spec"]["containers"][0]["image"]
    text = kubectl("get", "pod", "e2e-pod", "-o", "json").replace(image, "registry.example/busybox:1")
    said = kubectl("replace", "-f", "-", "--dry-run=server", input=text)
    assert said == "pod/e2e-pod replaced (server dry run)\n"
    patch = json.dumps({"spec": {"containers": [{"name": "c", "image": "registry.example/busybox:1"}]}})
    assert kubectl("patch", "pod", "e2e-pod", "-p", patch, "--dry-run=server").startswith("pod/e2e-pod patched")
    assert api.get("pods/e2e-pod")["spec"]["containers"][0]["image"] == image


@contextmanager
def _proxy(corral: ControlPlane, *words: str) -> Iterator[str]:
    """`kubectl proxy`; where it serves, as it says."""
    command = ["kubectl", "--kubeconfig", str(corral.kubeconfig), "proxy", "--disable-filter", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"Starting to serve on (\S+)", process.stdout.readline())
            assert found
            yield found[1]
        finally:
            process.terminate()


def test_a_proxy_on_any_port(kubectl: Kubectl, corral: ControlPlane) -> None:
    """[sig-cli] Kubectl client Proxy server should support proxy with --port 0 [Conformance]"""
    with _proxy(corral, "--port", "0") as address, urllib.request.urlopen(f"http://{address}/api/", timeout=10) as answer:
        assert json.load(answer)["versions"] == ["v1"]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def test_a_proxy_on_a_unix_socket(kubectl: Kubectl, corral: ControlPlane, tmp_path: Path) -> None:
    """[sig-cli] Kubectl client Proxy server should support --unix-socket=/path [Conformance]"""
    path = tmp_path / "s"
    with _proxy(corral, f"--unix-socket={path}"):
        connection = _UnixConnection(path)
        connection.request("GET", "/api/")
        assert json.load(connection.getresponse())["versions"] == ["v1"]
        connection.close()
