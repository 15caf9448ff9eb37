"""Pods and Services through the proxy of the API server."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.conformance.netpods import address, prepare, server
from tests.conformance.objects import service
from tests.conformance.pods import Pods
from tests.waiting import eventually

from corral.server import pki

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
LINK = '<a href="%s/rewriteme">test</a>'
AT_ONCE = 8


@pytest.fixture(scope="module")
def porter(shared_pods: Pods, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A pod with a Service of its name; the path of its namespace."""
    keys = pki.ensure(tmp_path_factory.mktemp("tls"), server_hosts=["porter"], now=datetime.now(UTC))
    prepare(shared_pods, Path(keys.server_certificate).read_text() + Path(keys.server_key).read_text())
    ports = [
        {"name": "plain", "containerPort": 8080},
        {"name": "dest1", "containerPort": 8160},
        {"name": "tlsdest1", "containerPort": 8460},
    ]
    shared_pods.start(server("porter", {"app": "porter"}, http=(8080, 8160), udp=(), tls=(8460,), ports=ports))
    of_service = [
        {"name": "portname1", "port": 80, "targetPort": "dest1"},
        {"name": "portname2", "port": 81, "targetPort": 8080},
        {"name": "tlsportname1", "port": 443, "targetPort": "tlsdest1"},
    ]
    shared_pods.create("services", service("porter", {"app": "porter"}, *of_service))
    address(shared_pods, "porter")
    eventually(lambda: (shared_pods.find("endpoints/porter") or {}).get("subsets"))
    yield f"/api/v1/namespaces/{shared_pods.namespace}"


def test_ports_and_schemes(shared_pods: Pods, porter: str) -> None:
    """[sig-network] Proxy version v1 should proxy through a service and a pod [Conformance]"""
    services = ("porter:portname1", "http:porter:portname1", "porter:portname2", "https:porter:tlsportname1", "porter:80")
    pods = ("porter", "porter:8160", "http:porter:8160", "https:porter:8460")
    prefixes = [f"{porter}/services/{name}/proxy" for name in services] + [f"{porter}/pods/{name}/proxy" for name in pods]

    def asked(prefix: str) -> tuple[str, str]:
        with Pods.of(shared_pods.cluster.data_dir, shared_pods.server, shared_pods.namespace) as api:
            link = api.get(f"{prefix}/echo", msg=LINK % "")
            return api.get(f"{prefix}/hostname"), link

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(asked, prefixes * 3))
    # Links in pages lead through the proxy as well.
    assert answers == [("porter", LINK % prefix) for prefix in prefixes * 3]


def _request(api: Pods, method: str, path: str) -> tuple[int, str, str]:
    code, body, headers = api.raw(method, path, None if method in ("GET", "HEAD") else "a body", type="text/plain")
    return code, body, headers.get("Location", "")


@pytest.mark.parametrize("kind", ["pods", "services"])
def test_methods_with_a_path(shared_pods: Pods, porter: str, kind: str) -> None:
    """[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath [Conformance]"""
    name = "porter" if kind == "pods" else "porter:portname1"
    for method in METHODS:
        code, body, _ = _request(shared_pods, method, f"{porter}/{kind}/{name}/proxy/some/path/with/{method}")
        assert code == 200
        if method == "HEAD":
            assert body == ""
            continue
        told = json.loads(body)
        assert (told["Method"], told["Path"]) == (method, f"/some/path/with/{method}")
        assert told["Body"] == ("" if method == "GET" else "a body")


@pytest.mark.parametrize("kind", ["pods", "services"])
def test_methods_without_a_path(shared_pods: Pods, porter: str, kind: str) -> None:
    """[sig-network] Proxy version v1 A set of valid responses are returned for both pod and service Proxy [Conformance]"""
    name = "porter" if kind == "pods" else "porter:portname1"
    where = f"{porter}/{kind}/{quote(name)}/proxy?method="
    for method in METHODS:
        code, body, location = _request(shared_pods, method, where + method)
        if method in ("GET", "HEAD"):
            assert code == http.client.MOVED_PERMANENTLY
            assert location.endswith(f"{porter}/{kind}/{name}/proxy/?method={method}")
        else:
            assert code == 200 and json.loads(body)["Method"] == method
