"""Real packets through the rules of a node."""

import socket
import threading
import time
from collections import Counter

import pytest

from corral.network import conntrack, pods
from corral.network.services import plan

pytestmark = pytest.mark.cluster

VIP = "10.78.1.1"


@pytest.fixture
def web(make_service):
    return lambda **spec: make_service("web", VIP, **spec)


@pytest.fixture
def ends(node, make_slice):
    return lambda *names, **more: [make_slice("web", *(node.ips[n] if isinstance(n, str) else n for n in names), **more)]


def test_pods_reach_each_other_and_the_node_with_their_own_addresses(node):
    assert node.pods["a"].ask(node.ips["b"], 8080) == ("b", node.ips["a"])
    assert node.host.ask(node.ips["b"], 8080) == ("b", node.config.gateway)


def test_cluster_ip_is_balanced_from_pod_node_and_outside(node, web, ends):
    node.serve((web(), ends("a", "b", "c")))
    node.client.command("ip", "route", "replace", "10.78.0.0/16", "via", "192.168.77.1")
    for asker in (node.pods["a"], node.host, node.client):
        answers = Counter(asker.ask(VIP, 80)[0] for _ in range(60))
        assert set(answers) == set("abc")
        assert min(answers.values()) >= 5


def test_endpoint_sees_the_source_address(node, web, ends):
    node.serve((web(), ends("b")))
    assert node.pods["a"].ask(VIP, 80) == ("b", node.ips["a"])


def test_pod_reaches_itself_through_its_service(node, web, ends):
    node.serve((web(), ends("a")))
    assert node.pods["a"].ask(VIP, 80) == ("a", node.config.gateway)


def test_node_port_answers_on_every_address_of_the_node(node, web, ends):
    node.serve((web(type="NodePort", node_port=30080), ends("a", "b")))
    assert node.client.ask("192.168.77.1", 30080) in (("a", "192.168.77.2"), ("b", "192.168.77.2"))
    for address in ("127.0.0.1", "192.168.77.1", "127.0.0.5"):
        assert node.host.ask(address, 30080)[0] in "ab"
    assert node.pods["c"].ask("192.168.77.1", 30080)[0] in "ab"
    assert node.pods["a"].ask("192.168.77.1", 30080)[0] in "ab"


def test_loopback_addresses_are_not_reached_from_outside(node, web, ends):
    node.serve((web(type="NodePort", node_port=30080), ends("a")))
    node.client.command("ip", "link", "set", "lo", "down")
    node.client.command("ip", "address", "flush", "dev", "lo")
    node.client.command("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
    node.client.command("ip", "route", "add", "127.0.0.0/8", "via", "192.168.77.1", "dev", "eth0")
    with pytest.raises((TimeoutError, OSError)):
        node.client.ask("127.0.0.1", 30080, 0.3, "192.168.77.2")


def test_external_and_load_balancer_addresses(node, web, ends):
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    node.serve((web(type="LoadBalancer", node_port=30080, externalIPs=["198.51.100.7"], status=status), ends("a")))
    for address in ("203.0.113.9", "198.51.100.7"):
        assert node.client.ask(address, 80) == ("a", "192.168.77.2")
        assert node.pods["b"].ask(address, 80)[0] == "a"


def test_source_ranges_keep_others_out(node, web, ends):
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    spec = {"type": "LoadBalancer", "node_port": 30080, "status": status}
    node.serve((web(loadBalancerSourceRanges=["10.1.0.0/16"], **spec), ends("a")))
    with pytest.raises(TimeoutError):
        node.client.ask("203.0.113.9", 80, 0.3)
    node.change((web(loadBalancerSourceRanges=["10.1.0.0/16", "192.168.0.0/16"], **spec), ends("a")))
    assert node.client.ask("203.0.113.9", 80)[0] == "a"


def test_client_affinity_holds_until_its_endpoint_goes(node, web, ends):
    sticky = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 100}}}
    node.serve((web(**sticky), ends("a", "b", "c")))
    first = {node.pods["a"].ask(VIP, 80)[0] for _ in range(15)}
    assert len(first) == 1
    others = set("abc") - first
    node.change((web(**sticky), ends(*first, *list(others)[:1])))
    assert {node.pods["a"].ask(VIP, 80)[0] for _ in range(15)} == first
    node.change((web(**sticky), ends(*others)))
    second = {node.pods["a"].ask(VIP, 80)[0] for _ in range(15)}
    assert len(second) == 1
    assert second <= others


def test_affinity_times_out(node, web, ends):
    sticky = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}}
    node.serve((web(**sticky), ends("a", "b", "c")))
    answers = set()
    deadline_s = time.monotonic() + 30
    while len(answers) < 2 and time.monotonic() < deadline_s:
        answers.add(node.pods["a"].ask(VIP, 80)[0])
        time.sleep(1.2)
    assert len(answers) > 1


def test_service_without_endpoints_refuses_at_once(node, web, ends):
    node.serve((web(type="NodePort", node_port=30080, externalIPs=["198.51.100.7"]), ends()))
    for asker in (node.pods["a"], node.host):
        for address, port in ((VIP, 80), ("198.51.100.7", 80), ("192.168.77.1", 30080)):
            with pytest.raises(ConnectionRefusedError):
                asker.ask(address, port)
    for address, port in (("198.51.100.7", 80), ("192.168.77.1", 30080)):
        with pytest.raises(ConnectionRefusedError):
            node.client.ask(address, port)


def test_unknown_address_or_port_of_the_service_range_refuses_at_once(node, web, ends):
    node.serve((web(), ends("a")))
    for asker in (node.pods["a"], node.host):
        for address, port in ((VIP, 81), ("10.78.200.1", 80)):
            with pytest.raises(ConnectionRefusedError):
                asker.ask(address, port)


def test_without_rules_the_service_range_leaks_nowhere(node, web, ends):
    node.serve((web(), ends("a")))
    node.host.do(node.table.delete)
    node.client.command("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    for asker in (node.pods["a"], node.host):
        with pytest.raises((TimeoutError, OSError)):
            asker.ask(VIP, 80, 0.3)


def remote(ip):
    return {"addresses": [ip], "conditions": {"ready": True}, "nodeName": "elsewhere"}


def test_external_policy_local_serves_outsiders_from_here_and_insiders_from_everywhere(node, web, ends):
    local = {"type": "NodePort", "node_port": 30080, "externalTrafficPolicy": "Local"}
    node.serve((web(**local), ends("a", remote(node.ips["b"]))))
    assert {node.client.ask("192.168.77.1", 30080) for _ in range(15)} == {("a", "192.168.77.2")}
    for asker in (node.pods["c"], node.host):
        assert {asker.ask("192.168.77.1", 30080)[0] for _ in range(30)} == {"a", "b"}
    node.change((web(**local), ends(remote(node.ips["b"]))))
    with pytest.raises(TimeoutError):
        node.client.ask("192.168.77.1", 30080, 0.3)
    assert node.host.ask("192.168.77.1", 30080)[0] == "b"


def test_internal_policy_local_serves_from_here_only(node, web, ends):
    local = {"internalTrafficPolicy": "Local"}
    node.serve((web(**local), ends("a", remote(node.ips["b"]))))
    assert {node.pods["c"].ask(VIP, 80)[0] for _ in range(15)} == {"a"}


def test_pod_goes_out_with_the_address_of_the_node(node):
    node.serve()
    listening = node.client.run(lambda: socket.create_server(("0.0.0.0", 9999)))
    node.client.command("ip", "route", "delete", "default")
    talking = node.pods["a"].run(lambda: socket.create_connection(("192.168.77.2", 9999), 2))
    with listening, talking:
        connection, (seen, _) = listening.accept()
        connection.close()
    assert seen == "192.168.77.1"


def test_udp_flow_moves_when_its_endpoint_goes(node, web, ends):
    udp = {"protocol": "UDP"}
    node.serve((web(**udp), ends("a", **udp)))
    with node.pods["c"].udp_socket() as client:
        client.sendto(b"?", (VIP, 80))
        assert client.recv(100).startswith(b"a ")
        slices = ends("b", **udp)
        node.change((web(**udp), slices))
        node.host.do(lambda: conntrack.forget_stale(plan(web(**udp), slices, "node")))
        client.sendto(b"?", (VIP, 80))
        assert client.recv(100).startswith(b"b ")


def test_established_connection_survives_the_replacement_of_all_rules(node, web, ends, make_slice):
    node.serve((web(), ends("a")))
    listening = node.pods["a"].run(lambda: socket.create_server(("0.0.0.0", 7000)))
    slices = [make_slice("web", node.ips["a"])]
    slices[0]["ports"][0]["port"] = 7000
    node.change((web(), slices))
    talking = node.pods["b"].run(lambda: socket.create_connection((VIP, 80), 2))
    with listening, talking:
        connection, _ = listening.accept()
        node.serve((web(), ends("c")))
        connection.sendall(b"still here")
        assert talking.recv(100) == b"still here"
        connection.close()


def test_replacing_all_rules_loses_no_connection(node, web, ends):
    """A new connection while the whole table is replaced, again and again."""
    node.serve((web(), ends("a", "b")))
    failures = []

    def ask_many() -> None:
        for _ in range(150):
            try:
                with socket.create_connection((VIP, 80), 1) as connection:
                    connection.recv(10)
            except OSError as error:
                failures.append(error)

    asking = threading.Thread(target=lambda: node.pods["c"].run(ask_many))
    asking.start()
    while asking.is_alive():
        node.serve((web(), ends("a", "b")))
    assert failures == []


def test_tear_down_leaves_nothing(node, web, ends):
    node.serve((web(), ends("a")))
    config = node.config
    node.host.do(node.table.delete)
    node.host.do(lambda: pods.tear_down(config.name, config.state_dir, config.cni_conf_dir))
    assert node.host.command("nft", "list", "tables").strip() == ""
    links = node.host.command("ip", "-brief", "link").split()
    assert not any(word.startswith(("veth", "corral")) for word in links)
    assert "10.7" not in node.host.command("ip", "route")
    assert not (config.state_dir / "cni").exists()
    assert list(config.cni_conf_dir.iterdir()) == []
    node.host.do(lambda: pods.tear_down(config.name, config.state_dir, config.cni_conf_dir))
