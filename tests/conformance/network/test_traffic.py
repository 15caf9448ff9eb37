"""Packets between pods, their node and Services."""

import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.conformance.netpods import HTTP, UDP, address, dial, fetch, prepare, server
from tests.conformance.netserver import dial as dial_from_node
from tests.conformance.objects import service
from tests.conformance.pods import Pods
from tests.waiting import eventually

Object = dict[str, Any]
BACKENDS = ("net-0", "net-1", "net-2")
CLIENT_IP = {"sessionAffinity": "ClientIP"}


class Net(NamedTuple):
    """Three pods that serve, by name, and one that asks; the node's address."""

    pods: Pods
    backends: dict[str, str]
    client: str
    node: str


@pytest.fixture(scope="module")
def net(shared_pods: Pods) -> Net:
    prepare(shared_pods)
    shared_pods.start(*(server(name, {"app": "net"}) for name in BACKENDS), server("client"))
    backends = {name: address(shared_pods, name) for name in BACKENDS}
    (node,) = shared_pods.get("/api/v1/nodes")["items"]
    (inner,) = [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
    return Net(shared_pods, backends, address(shared_pods, "client"), inner)


def _seen(ask: Callable[[], str], times: int = 24) -> set[str]:
    """Who has answered; nobody must have failed to."""
    found = {ask() for _ in range(times)}
    assert "" not in found
    return found


@pytest.mark.parametrize(("protocol", "port"), [("http", HTTP), ("udp", UDP)])
def test_pods_reach_each_other(net: Net, protocol: str, port: int) -> None:
    """[sig-network] Networking Granular Checks: Pods should function for intra-pod communication: http [NodeConformance] [Conformance]
    [sig-network] Networking Granular Checks: Pods should function for intra-pod communication: udp [NodeConformance] [Conformance]
    """
    for name, ip in net.backends.items():
        assert dial(net.client, protocol, ip, port) == name


@pytest.mark.parametrize(("protocol", "port"), [("http", HTTP), ("udp", UDP)])
def test_the_node_reaches_pods(net: Net, protocol: str, port: int) -> None:
    """[sig-network] Networking Granular Checks: Pods should function for node-pod communication: http [LinuxOnly] [NodeConformance] [Conformance]
    [sig-network] Networking Granular Checks: Pods should function for node-pod communication: udp [LinuxOnly] [NodeConformance] [Conformance]
    """
    for name, ip in net.backends.items():
        assert dial_from_node(protocol, ip, port) == {"answer": name}


def test_a_node_port(net: Net) -> None:
    """[sig-network] Services should be able to create a functioning NodePort service [Conformance]"""
    made = net.pods.create("services", service("nodeport", {"app": "net"}, {"port": 80, "targetPort": HTTP}, type="NodePort"))
    (port,) = made["spec"]["ports"]
    assert 30000 <= port["nodePort"] <= 32767
    eventually(lambda: dial(net.client, "http", made["spec"]["clusterIP"], 80))
    for host, number in (
        ("nodeport", 80),
        (made["spec"]["clusterIP"], 80),
        (net.node, port["nodePort"]),
    ):
        assert _seen(lambda host=host, number=number: dial(net.client, "http", host, number)) == set(BACKENDS)
    assert _seen(lambda: fetch(net.node, port["nodePort"])) == set(BACKENDS)


@pytest.mark.parametrize("type", ["ClusterIP", "NodePort"])
def test_a_client_stays_with_its_pod(net: Net, type: str) -> None:
    """[sig-network] Services should have session affinity work for service with type clusterIP [LinuxOnly] [Conformance]
    [sig-network] Services should have session affinity work for NodePort service [LinuxOnly] [Conformance]
    [sig-network] Services should be able to switch session affinity for service with type clusterIP [LinuxOnly] [Conformance]
    [sig-network] Services should be able to switch session affinity for NodePort service [LinuxOnly] [Conformance]
    """
    name = f"affinity-{type.lower()}"
    port = {"port": 80, "targetPort": HTTP}
    made = net.pods.create("services", service(name, {"app": "net"}, port, type=type, **CLIENT_IP))
    host, number = made["spec"]["clusterIP"], 80
    if type == "NodePort":
        host, number = net.node, made["spec"]["ports"][0]["nodePort"]

    def ask() -> str:
        return dial(net.client, "http", host, number)

    eventually(ask)
    assert len(_seen(ask)) == 1
    net.pods.patch(f"services/{name}", {"spec": {"sessionAffinity": "None"}})
    eventually(lambda: _seen(ask) == set(BACKENDS))
    net.pods.patch(f"services/{name}", {"spec": CLIENT_IP})
    eventually(lambda: len(_seen(ask)) == 1)
    assert len(_seen(ask)) == 1


def _endpoints(net: Net, name: str) -> dict[str, set[int]]:
    """Address → ports, of the Endpoints object; the slices say the same."""
    found = net.pods.find(f"endpoints/{name}") or {}
    old: dict[str, set[int]] = {}
    for subset in found.get("subsets") or ():
        for one in subset.get("addresses") or ():
            old.setdefault(one["ip"], set()).update(port["port"] for port in subset["ports"])
    new: dict[str, set[int]] = {}
    where = {"labelSelector": f"kubernetes.io/service-name={name}"}
    for slice in net.pods.get("endpointslices.discovery.k8s.io", **where)["items"]:
        for one in slice["endpoints"] or ():
            if one["conditions"].get("ready"):
                new.setdefault(one["addresses"][0], set()).update(port["port"] for port in slice["ports"])
    return old if old == new else {"": set()}


def test_endpoints_come_and_go_with_pods(net: Net) -> None:
    """[sig-network] Services should serve a basic endpoint from pods [Conformance]"""
    made = net.pods.create("services", service("basic", {"name": "basic"}, {"port": 80, "targetPort": HTTP}))
    cluster_ip = made["spec"]["clusterIP"]
    eventually(lambda: net.pods.find("endpoints/basic"))
    assert _endpoints(net, "basic") == {}
    net.pods.start(*(server(name, {"name": "basic"}) for name in ("basic1", "basic2")))
    one, two = (address(net.pods, name) for name in ("basic1", "basic2"))
    eventually(lambda: _endpoints(net, "basic") == {one: {HTTP}, two: {HTTP}})
    eventually(lambda: _seen(lambda: dial(net.client, "http", cluster_ip, 80)) == {"basic1", "basic2"})
    net.pods.delete("pods/basic1")
    eventually(lambda: _endpoints(net, "basic") == {two: {HTTP}})
    eventually(lambda: _seen(lambda: dial(net.client, "http", cluster_ip, 80), 8) == {"basic2"})
    net.pods.delete("pods/basic2")
    eventually(lambda: _endpoints(net, "basic") == {})
    eventually(lambda: dial(net.client, "http", cluster_ip, 80) == "")


def test_ports_by_name_lead_to_different_pods(net: Net) -> None:
    """[sig-network] Services should serve multiport endpoints from pods [Conformance]"""
    ports = [{"name": f"portname{i}", "port": 80 + i, "targetPort": f"portname{i}"} for i in (1, 2)]
    made = net.pods.create("services", service("multi", {"name": "multi"}, *ports))
    cluster_ip = made["spec"]["clusterIP"]
    eventually(lambda: net.pods.find("endpoints/multi"))
    numbers = {1: 8091, 2: 8092}
    for i, number in numbers.items():
        named = [{"name": f"portname{i}", "containerPort": number}]
        net.pods.start(server(f"multi{i}", {"name": "multi"}, http=(HTTP, number), udp=(), ports=named))
    one, two = (address(net.pods, f"multi{i}") for i in numbers)
    eventually(lambda: _endpoints(net, "multi") == {one: {8091}, two: {8092}})
    for i in numbers:
        eventually(lambda i=i: dial(net.client, "http", cluster_ip, 80 + i) == f"multi{i}")
    net.pods.delete("pods/multi1")
    eventually(lambda: _endpoints(net, "multi") == {two: {8092}})
    eventually(lambda: dial(net.client, "http", cluster_ip, 81) == "")
    assert dial(net.client, "http", cluster_ip, 82) == "multi2"
    net.pods.delete("pods/multi2")
    eventually(lambda: _endpoints(net, "multi") == {})


def test_one_port_of_two_protocols(net: Net) -> None:
    """[sig-network] Services should serve endpoints on same port and different protocols [Conformance]"""
    ports = {
        "TCP": {"name": "tcp-port", "port": 80, "protocol": "TCP", "targetPort": HTTP},
        "UDP": {"name": "udp-port", "port": 80, "protocol": "UDP", "targetPort": UDP},
    }
    made = net.pods.create("services", service("both", {"app": "net"}, *ports.values()))
    cluster_ip = made["spec"]["clusterIP"]

    def answered() -> tuple[bool, bool]:
        return tuple(bool(dial(net.client, protocol, cluster_ip, 80)) for protocol in ("http", "udp"))  # type: ignore[return-value]

    eventually(lambda: answered() == (True, True))
    for kept, wanted in (("TCP", (True, False)), ("UDP", (False, True))):
        current = net.pods.get("services/both")
        current["spec"]["ports"] = [ports[kept]]
        net.pods.replace("services/both", current)
        eventually(lambda wanted=wanted: answered() == wanted)


def _slice(net: Net, of: str, name: str, ip: str, port: int) -> None:
    body = {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": of}},
        "addressType": "IPv4",
        "ports": [{"name": f"to-{port}", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [ip]}],
    }
    net.pods.create("endpointslices.discovery.k8s.io", body)


@pytest.mark.parametrize("one_address", [True, False])
def test_slices_that_somebody_wrote(net: Net, one_address: bool) -> None:
    """[sig-network] EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices [Conformance]
    [sig-network] EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices [Conformance]
    """
    name = f"written-{one_address}".lower()
    names = (f"{name}-1", f"{name}-2")
    numbers = (8090, 8091)
    for one in names:
        net.pods.start(server(one, http=(HTTP, *numbers), udp=()))
    first, second = (address(net.pods, one) for one in names)
    ports = [{"name": f"to-{number}", "port": number - 8000, "targetPort": number} for number in numbers]
    made = net.pods.create("services", service(name, None, *ports))
    for i, (number, ip) in enumerate(zip(numbers, (first, first if one_address else second), strict=True)):
        _slice(net, name, f"{name}-{i}", ip, number)
    for number, who in zip(numbers, (names[0], names[0] if one_address else names[1]), strict=True):
        eventually(lambda number=number, who=who: dial(net.client, "http", made["spec"]["clusterIP"], number - 8000) == who)


def test_host_ports_that_differ_in_address_or_protocol(net: Net) -> None:
    """[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [Conformance]"""
    with socket.socket() as probe:
        probe.bind(("", 0))
        number = probe.getsockname()[1]
    for name, host, protocol in (("pod1", "127.0.0.1", "TCP"), ("pod2", net.node, "TCP"), ("pod3", net.node, "UDP")):
        inner = HTTP if protocol == "TCP" else UDP
        port = {"containerPort": inner, "hostPort": number, "hostIP": host, "protocol": protocol}
        net.pods.start(server(name, ports=[port]))
    for name in ("pod1", "pod2", "pod3"):
        address(net.pods, name)
    eventually(lambda: dial_from_node("http", "127.0.0.1", number) == {"answer": "pod1"})
    eventually(lambda: dial_from_node("http", net.node, number) == {"answer": "pod2"})
    eventually(lambda: dial_from_node("udp", net.node, number) == {"answer": "pod3"})
    # Also where the loopback is asked from the node's other address.
    with socket.create_connection(("127.0.0.1", number), 5, source_address=(net.node, 0)) as one:
        one.sendall(b"GET /hostname HTTP/1.0\r\n\r\n")
        assert one.recv(1000)
    # And from a pod, by the node's address.
    assert dial(net.client, "http", net.node, number) == "pod2"
