"""Which endpoints serve which traffic."""

import pytest

from corral.network.services import Backends, Endpoint, plan


def endpoint(ip, node="node", **conditions):
    return {"addresses": [ip], "nodeName": node, "conditions": conditions}


@pytest.fixture
def planned(make_service, make_slice):
    def work(*endpoints, **spec):
        (port,) = plan(make_service(**spec), [make_slice("web", *endpoints)], "node")
        return port

    return work


def backends(*ips):
    return Backends(tuple(Endpoint(ip, 8080) for ip in ips))


def test_ready_endpoints_serve(planned):
    port = planned(endpoint("10.0.0.2", ready=True), endpoint("10.0.0.1"), endpoint("10.0.0.3", ready=False))
    assert port.internal == backends("10.0.0.1", "10.0.0.2")
    assert (port.protocol, port.port, port.cluster_ips, port.node_port) == ("tcp", 80, ("10.78.1.1",), 0)


def test_ending_endpoints_serve_when_none_is_ready(planned):
    ending = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    stopped = endpoint("10.0.0.2", ready=False, serving=False, terminating=True)
    assert planned(ending, stopped).internal == backends("10.0.0.1")
    assert planned(ending, endpoint("10.0.0.3", ready=True)).internal == backends("10.0.0.3")


def test_local_policy_prefers_an_ending_endpoint_here_to_a_ready_one_elsewhere(planned):
    ending = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    port = planned(ending, endpoint("10.0.0.3", "other"), type="NodePort", node_port=30000, externalTrafficPolicy="Local")
    assert port.external.endpoints == (Endpoint("10.0.0.1", 8080),)
    assert port.internal == port.cluster == backends("10.0.0.3")


def test_local_policy_without_local_endpoints_drops_what_another_node_could_serve(planned):
    port = planned(endpoint("10.0.0.3", "other"), internalTrafficPolicy="Local")
    assert port.internal == Backends((), "drop")
    assert planned(internalTrafficPolicy="Local").internal == Backends((), "refuse")


def test_endpoint_in_two_slices_counts_once(make_service, make_slice):
    slices = [make_slice("web", "10.0.0.1"), make_slice("web", "10.0.0.1", "10.0.0.2")]
    (port,) = plan(make_service(), slices, "node")
    assert port.internal == backends("10.0.0.1", "10.0.0.2")


def test_port_takes_the_slice_port_of_its_name_and_protocol(make_service, make_slice):
    slice = make_slice("web", "10.0.0.1")
    slice["ports"] = [
        {"name": "other", "port": 1, "protocol": "TCP"},
        {"name": "main", "port": 2, "protocol": "UDP"},
        {"name": "main", "port": 3},
        {"name": "main"},
    ]
    (port,) = plan(make_service(), [slice], "node")
    assert port.internal.endpoints == (Endpoint("10.0.0.1", 3),)


@pytest.mark.parametrize(
    "spec",
    [
        {"ip": "None"},
        {"ip": ""},
        {"type": "ExternalName", "externalName": "example.com"},
    ],
)
def test_headless_and_external_name_services_need_no_rules(make_service, spec):
    assert plan(make_service(**spec), [], "node") == []


def test_service_of_another_proxy_is_left_to_it(make_service):
    service = make_service()
    service["metadata"]["labels"] = {"service.kubernetes.io/service-proxy-name": "mine"}
    assert plan(service, [], "node") == []


def test_addresses_of_other_families_are_left_out(planned, make_slice):
    port = planned(clusterIPs=["10.78.1.1", "fd00::1"], externalIPs=["fd00::2", "198.51.100.7"])
    assert port.cluster_ips == ("10.78.1.1",)
    assert port.external_ips == ("198.51.100.7",)


def test_load_balancer_addresses_in_proxy_mode_are_left_out(planned):
    ingress = [{"ip": "203.0.113.1"}, {"ip": "203.0.113.2", "ipMode": "Proxy"}, {"hostname": "x"}]
    port = planned(type="LoadBalancer", status={"loadBalancer": {"ingress": ingress}})
    assert port.load_balancer_ips == ("203.0.113.1",)


def test_affinity_lasts_three_hours_unless_told(planned):
    assert planned().affinity_s == 0
    assert planned(sessionAffinity="ClientIP").affinity_s == 10800
    told = {"clientIP": {"timeoutSeconds": 5}}
    assert planned(sessionAffinity="ClientIP", sessionAffinityConfig=told).affinity_s == 5
