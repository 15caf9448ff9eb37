"""Services, endpoints, ingresses and addresses as objects; packets are tested with real containers."""

from typing import Any

import pytest
from tests.conformance.hollow import HollowNodes
from tests.conformance.objects import pod, service, workload
from tests.conformance.operations import all_verbs, everywhere, in_discovery, replace, status_verbs
from tests.conformance.rest import Api
from tests.waiting import eventually

SLICES = "endpointslices.discovery.k8s.io"


def test_the_api_server_is_a_service(api: Api) -> None:
    """[sig-network] API Server should provide secure master service [Conformance]"""
    found = api.get("/api/v1/namespaces/default/services/kubernetes")
    assert [(p["name"], p["port"]) for p in found["spec"]["ports"]] == [("https", 443)]


def test_the_api_server_has_endpoints(api: Api) -> None:
    """[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server [Conformance]"""
    endpoints = api.get("/api/v1/namespaces/default/endpoints/kubernetes")
    slices = api.get(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", labelSelector="kubernetes.io/service-name=kubernetes"
    )
    addresses = {a["ip"] for s in endpoints["subsets"] for a in s["addresses"]}
    assert addresses == {a for s in slices["items"] for e in s["endpoints"] for a in e["addresses"]} and addresses
    assert slices["items"][0]["ports"][0]["name"] == endpoints["subsets"][0]["ports"][0]["name"] == "https"


def test_ingresses(api: Api) -> None:
    """[sig-network] Ingress API should support creating Ingress API operations [Conformance]"""
    in_discovery(api, "networking.k8s.io", "v1", "ingresses", "ingresses/status")
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    rule = {"host": "test.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    body = {"metadata": {"name": "i"}, "spec": {"rules": [rule]}}
    all_verbs(api, "ingresses.networking.k8s.io", body)
    api.create("ingresses.networking.k8s.io", body)
    path = "ingresses.networking.k8s.io/i/status"
    patched = api.patch(path, {"status": {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}})
    assert patched["status"]["loadBalancer"]["ingress"] == [{"ip": "169.1.1.1"}]
    found = api.get(path)
    found["status"]["loadBalancer"] = {"ingress": [{"ip": "169.1.1.2"}]}
    assert replace(api, path, found)["status"]["loadBalancer"]["ingress"] == [{"ip": "169.1.1.2"}]


def test_ingress_classes(api: Api) -> None:
    """[sig-network] IngressClass API should support creating IngressClass API operations [Conformance]"""
    in_discovery(api, "networking.k8s.io", "v1", "ingressclasses")
    body = {"metadata": {"name": f"c-{api.namespace}"}, "spec": {"controller": "example.com/controller"}}
    all_verbs(api, "/apis/networking.k8s.io/v1/ingressclasses", body)


def test_endpoint_slices(api: Api) -> None:
    """[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]"""
    in_discovery(api, "discovery.k8s.io", "v1", "endpointslices")
    body = {
        "metadata": {"name": "es"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["1.2.3.4", "5.6.7.8"]}],
        "ports": [],
    }
    all_verbs(api, SLICES, body)


def _running(api: Api, name: str, ip: str, labels: dict[str, str], *ports: int) -> None:
    """A pod that says it is ready (and that no node will ever see)."""
    container = {"ports": [{"containerPort": port, "name": f"p{port}"} for port in ports]}
    api.create("pods", pod(name, labels=labels, container=container))
    api.create(
        f"pods/{name}/binding",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"kind": "Node", "name": "none"}},
    )
    status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [{"type": "Ready", "status": "True"}]}
    api.patch(f"pods/{name}/status", {"status": status})


def _endpoints(api: Api, name: str) -> set[tuple[str, int]]:
    """(address, port) of all slices of a Service."""
    slices = api.get(SLICES, labelSelector=f"kubernetes.io/service-name={name}")["items"]
    found = [(s, e) for s in slices for e in s.get("endpoints") or [] if e["conditions"]["ready"]]
    return {(a, p["port"]) for s, e in found for a in e["addresses"] for p in s.get("ports") or []}


def test_endpoints_follow_pods(api: Api) -> None:
    """[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service [Conformance]
    [sig-network] EndpointsController should create Endpoints for Pods matching a Service [Conformance]
    """
    api.until_pods_can_be_made()
    _running(api, "one", "10.9.8.1", {"app": "web"}, 3000)
    _running(api, "two", "10.9.8.2", {"app": "web"}, 3001)
    ports = [{"name": "first", "port": 80, "targetPort": "p3000"}, {"name": "all", "port": 81, "targetPort": 9000}]
    api.create("services", service("web", {"app": "web"}, *ports))
    want = {("10.9.8.1", 3000), ("10.9.8.1", 9000), ("10.9.8.2", 9000)}
    eventually(lambda: _endpoints(api, "web") == want)
    found = api.until("endpoints/web", lambda e: sum(len(s["addresses"]) for s in e.get("subsets") or []) >= 2)
    seen = {(a["ip"], p["port"]) for s in found["subsets"] for a in s["addresses"] for p in s["ports"]}
    assert seen == want
    api.patch("pods/one/status", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    eventually(lambda: _endpoints(api, "web") == {("10.9.8.2", 9000)})


def test_endpoints_of_nothing(api: Api) -> None:
    """[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [Conformance]
    [sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods [Conformance]
    """
    made = api.create("services", service("none", {"does-not-match": "any"}))
    slices = eventually(lambda: api.get(SLICES, labelSelector="kubernetes.io/service-name=none")["items"])
    assert (
        len(slices) == 1
        and not slices[0]["endpoints"]
        and slices[0]["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    )
    eventually(lambda: api.find("endpoints/none"))
    api.delete("services/none")
    eventually(
        lambda: not api.get(SLICES, labelSelector="kubernetes.io/service-name=none")["items"] and not api.find("endpoints/none")
    )


def test_endpoints_are_mirrored(api: Api) -> None:
    """[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete [Conformance]"""
    api.create("services", service("custom"))
    subset = {"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}
    api.create("endpoints", {"metadata": {"name": "custom"}, "subsets": [subset]})
    eventually(lambda: _endpoints(api, "custom") == {("10.1.2.3", 80)})
    (mirrored,) = api.get(SLICES, labelSelector="kubernetes.io/service-name=custom")["items"]
    assert (
        mirrored["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "endpointslicemirroring-controller.k8s.io"
    )
    found = api.get("endpoints/custom")
    found["subsets"] = [{"addresses": [{"ip": "10.2.3.4"}], "ports": [{"port": 81}]}]
    replace(api, "endpoints/custom", found)
    eventually(lambda: _endpoints(api, "custom") == {("10.2.3.4", 81)})
    api.delete("endpoints/custom")
    eventually(lambda: not _endpoints(api, "custom"))


def test_the_life_of_endpoints(api: Api) -> None:
    """[sig-network] Endpoints should test the lifecycle of an Endpoint [Conformance]"""
    body = {
        "metadata": {"name": "e"},
        "subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}],
    }
    all_verbs(
        api,
        "endpoints",
        body,
        {"subsets": [{"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080, "protocol": "TCP"}]}]},
    )


def test_addresses(api: Api) -> None:
    """[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]"""
    in_discovery(api, "networking.k8s.io", "v1", "ipaddresses")
    octet = sum(api.namespace.encode()) % 250 + 1
    body = {
        "metadata": {"name": f"192.0.2.{octet}"},
        "spec": {"parentRef": {"resource": "services", "name": "test", "namespace": api.namespace}},
    }
    all_verbs(api, "/apis/networking.k8s.io/v1/ipaddresses", body)


def test_ranges(api: Api) -> None:
    """[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]"""
    in_discovery(api, "networking.k8s.io", "v1", "servicecidrs", "servicecidrs/status")
    path = "/apis/networking.k8s.io/v1/servicecidrs"
    octet = sum(api.namespace.encode()) % 250 + 1
    body = {"metadata": {"name": f"cidr-{api.namespace}"}, "spec": {"cidrs": [f"10.77.{octet}.0/24"]}}
    all_verbs(api, path, body, gone_at_once=False)
    api.create(path, body)
    status_verbs(api, f"{path}/cidr-{api.namespace}")
    api.delete(f"{path}/cidr-{api.namespace}")


TYPES = [
    ("ExternalName", "ClusterIP"),
    ("ExternalName", "NodePort"),
    ("ClusterIP", "ExternalName"),
    ("NodePort", "ExternalName"),
]


@pytest.mark.parametrize(("before", "after"), TYPES)
def test_a_service_changes_its_type(api: Api, before: str, after: str) -> None:
    """[sig-network] Services should be able to change the type from ExternalName to ClusterIP [Conformance]
    [sig-network] Services should be able to change the type from ExternalName to NodePort [Conformance]
    [sig-network] Services should be able to change the type from ClusterIP to ExternalName [Conformance]
    [sig-network] Services should be able to change the type from NodePort to ExternalName [Conformance]
    """

    def spec(kind: str) -> dict[str, Any]:
        if kind == "ExternalName":
            return {"type": kind, "externalName": "foo.example.com", "selector": None, "ports": None, "clusterIP": ""}
        return {
            "type": kind,
            "externalName": None,
            "ports": [{"port": 80, "name": "http", "protocol": "TCP"}],
            "selector": {"a": "b"},
        }

    api.create("services", {"metadata": {"name": "s"}, "spec": {k: v for k, v in spec(before).items() if v}})
    changed = api.patch("services/s", {"spec": {**spec(after), **({"clusterIPs": None} if after == "ExternalName" else {})}})
    assert changed["spec"]["type"] == after
    if after == "ExternalName":
        assert "clusterIP" not in changed["spec"] and changed["spec"]["externalName"] == "foo.example.com"
    else:
        assert changed["spec"]["clusterIP"] and "externalName" not in changed["spec"]
        assert bool(changed["spec"]["ports"][0].get("nodePort")) == (after == "NodePort")


def test_the_status_of_a_service(api: Api) -> None:
    """[sig-network] Services should complete a service status lifecycle [Conformance]"""
    watch = api.watch("services")
    api.create(
        "services",
        {
            **service("s", None, {"name": "http", "port": 80}, type="LoadBalancer"),
            "metadata": {"name": "s", "labels": {"test-service-static": "true"}},
        },
    )
    assert watch.next()["type"] == "ADDED"
    patched = api.patch(
        "services/s/status",
        {
            "metadata": {"annotations": {"patchedstatus": "true"}},
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
        },
    )
    assert (
        patched["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1"
        and patched["metadata"]["annotations"]["patchedstatus"] == "true"
    )
    found = api.get("services/s/status")
    found["status"]["conditions"] = [
        {
            "type": "StatusUpdate",
            "status": "True",
            "reason": "E2E",
            "message": "Set from e2e test",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ]
    assert replace(api, "services/s/status", found)["status"]["conditions"][0]["type"] == "StatusUpdate"
    watch.until(lambda e: (e["object"]["status"].get("conditions") or [{}])[0].get("type") == "StatusUpdate")
    assert (
        api.patch("services/s", {"metadata": {"labels": {"test-service": "patched"}}})["metadata"]["labels"]["test-service"]
        == "patched"
    )
    api.delete("services/s")
    watch.until(lambda e: e["type"] == "DELETED")
    watch.close()


def test_collections_of_services(api: Api) -> None:
    """[sig-network] Services should delete a collection of services [Conformance]"""
    for name in "abc":
        api.create("services", {**service(name), "metadata": {"name": f"e2e-{name}", "labels": {"e2e": "collection"}}})
    api.delete("services", labelSelector="e2e=collection")
    assert api.names("services") == []


def test_services_of_all_namespaces(api: Api) -> None:
    """[sig-network] Services should find a service from listing all namespaces [Conformance]"""
    assert "kubernetes" in api.names(everywhere(api, "services"))


def test_endpoints_follow_a_hundred_services(api: Api, hollow: HollowNodes) -> None:
    """[sig-network] Service endpoints latency should not be very high [Conformance]

    How soon is measured by benchmarks; here each of them gets its endpoints before the next is asked for.
    """
    hollow.add("one")
    api.until_pods_can_be_made()
    api.create("replicationcontrollers", workload("ReplicationController", "svc-latency-rc", labels={"name": "latency"}))
    hollow.until(lambda: [p for p in hollow.pods("name=latency") if p["status"]["phase"] == "Running"])
    watch = api.watch("endpoints", resourceVersion=api.get("endpoints")["metadata"]["resourceVersion"], timeout_s=60)
    for i in range(100):
        name = f"latency-svc-{i}"
        api.create("services", service(name, {"name": "latency"}))
        watch.until(lambda e, name=name: e["object"]["metadata"]["name"] == name and bool(e["object"].get("subsets")))
    watch.close()
