"""What names mean: in pods, and to whoever asks the cluster's DNS."""

from typing import Any, NamedTuple

import dns.message
import dns.query
import dns.rdatatype
import dns.reversename
import pytest
from tests.conformance.netpods import HTTP, address, prepare, resolve, server
from tests.conformance.objects import service
from tests.conformance.pods import Pods
from tests.waiting import eventually

Object = dict[str, Any]
WEB = {"name": "http", "port": 80, "targetPort": HTTP}


class Names(NamedTuple):
    """A namespace in which the pod at `querier` asks; `zone` is what names of its Services end in, `server` is the cluster's DNS."""

    pods: Pods
    querier: str
    zone: str
    server: str

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False) -> list[str]:
        """The answers of the cluster's DNS, sorted; a name is whole, or within the zone."""
        whole = name if name.endswith(".") else f"{name}.{self.zone}"
        query = dns.message.make_query(whole, kind)
        call = dns.query.tcp if tcp else dns.query.udp
        answer = call(query, self.server, timeout=5)
        wanted = dns.rdatatype.from_text(kind)
        return sorted(item.to_text() for found in answer.answer if found.rdtype == wanted for item in found)


@pytest.fixture(scope="module")
def names(shared_pods: Pods) -> Names:
    prepare(shared_pods)
    shared_pods.create("services", service("dns-test-service", {"dns-test": "true"}, WEB, clusterIP="None"))
    shared_pods.create("services", service("test-service-2", {"dns-test": "true"}, WEB))
    labels = {"dns-test": "true"}
    shared_pods.start(server("querier", labels, hostname="dns-querier", subdomain="dns-test-service"))
    cluster_ip = shared_pods.get("/api/v1/namespaces/kube-system/services/kube-dns")["spec"]["clusterIP"]
    querier = address(shared_pods, "querier")
    found = Names(shared_pods, querier, f"{shared_pods.namespace}.svc.cluster.local.", cluster_ip)
    eventually(lambda: found.ask("dns-test-service"))
    return found


def test_the_cluster_has_a_name(names: Names) -> None:
    """[sig-network] DNS should provide DNS for the cluster [Conformance]"""
    api = names.pods.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]
    for tcp in (False, True):
        assert names.ask("kubernetes.default.svc.cluster.local.", tcp=tcp) == [api]
    assert resolve(names.querier, "kubernetes.default.svc.cluster.local") == [api]


def test_services_have_names_ports_and_addresses(names: Names) -> None:
    """[sig-network] DNS should provide DNS for services [Conformance]"""
    cluster_ip = names.pods.get("services/test-service-2")["spec"]["clusterIP"]
    for tcp in (False, True):
        assert names.ask("dns-test-service", tcp=tcp) == [names.querier]
        assert names.ask("test-service-2", tcp=tcp) == [cluster_ip]
        for name, port in (("dns-test-service", HTTP), ("test-service-2", 80)):
            (answer,) = names.ask(f"_http._tcp.{name}", "SRV", tcp=tcp)
            assert answer.split()[2] == str(port) and answer.endswith(f"{name}.{names.zone}")
        reverse = dns.reversename.from_address(cluster_ip).to_text()
        assert names.ask(reverse, "PTR", tcp=tcp) == [f"test-service-2.{names.zone}"]


def test_names_in_part(names: Names) -> None:
    """[sig-network] DNS should resolve DNS of partial qualified names for services [LinuxOnly] [Conformance]"""
    api = names.pods.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]
    for name in ("kubernetes.default", "kubernetes.default.svc"):
        assert resolve(names.querier, name) == [api]
    namespace = names.pods.namespace
    for name in ("dns-test-service", f"dns-test-service.{namespace}", f"dns-test-service.{namespace}.svc"):
        assert resolve(names.querier, name) == [names.querier]
    assert resolve(names.querier, "no-such-service") == []


def test_a_pod_knows_its_own_name(names: Names) -> None:
    """[sig-network] DNS should provide /etc/hosts entries for the cluster [Conformance]"""
    whole = f"dns-querier.dns-test-service.{names.zone}".removesuffix(".")
    hosts = [line.split() for line in names.pods.exec("querier", "cat", "/etc/hosts").splitlines()]
    assert [names.querier, whole, "dns-querier"] in hosts
    assert names.pods.exec("querier", "hostname", "-f").strip() == whole
    for name in (whole, "dns-querier"):
        assert resolve(names.querier, name) == [names.querier]


def test_pods_have_names_by_their_hostname(names: Names) -> None:
    """[sig-network] DNS should provide DNS for pods for Hostname [Conformance]"""
    assert names.ask("dns-querier.dns-test-service") == [names.querier]
    assert names.ask("dns-querier.dns-test-service", tcp=True) == [names.querier]
    assert names.ask("other.dns-test-service") == []


def test_pods_have_names_by_their_subdomain(names: Names) -> None:
    """[sig-network] DNS should provide DNS for pods for Subdomain [Conformance]"""
    names.pods.create("services", service("dns-test-service-3", {"of": "subdomain"}, WEB, clusterIP="None"))
    names.pods.start(server("sub", {"of": "subdomain"}, subdomain="dns-test-service-3"))
    ip = address(names.pods, "sub")
    eventually(lambda: names.ask("dns-test-service-3") == [ip])
    assert resolve(names.querier, "dns-test-service-3") == [ip]


def test_names_outside(names: Names) -> None:
    """[sig-network] DNS should provide DNS for ExternalName services [Conformance]"""
    body = {"metadata": {"name": "outside"}, "spec": {"type": "ExternalName", "externalName": "foo.example.com"}}
    names.pods.create("services", body)
    eventually(lambda: names.ask("outside", "CNAME") == ["foo.example.com."])
    names.pods.patch("services/outside", {"spec": {"externalName": "bar.example.com"}})
    eventually(lambda: names.ask("outside", "CNAME") == ["bar.example.com."])
    # A name of the cluster leads to its address.
    names.pods.patch("services/outside", {"spec": {"externalName": f"test-service-2.{names.zone}".removesuffix(".")}})
    there = names.ask("test-service-2")
    eventually(lambda: names.ask("outside") == there)
    assert resolve(names.querier, "outside") == there
    made = names.pods.get("services/outside")
    made["spec"] = {"type": "ClusterIP", "ports": [{"port": 80, "name": "http", "protocol": "TCP"}]}
    made = names.pods.replace("services/outside", made)
    assert made["spec"]["clusterIP"] and "externalName" not in made["spec"]
    eventually(lambda: names.ask("outside") == [made["spec"]["clusterIP"]])
    assert names.ask("outside", "CNAME") == []


def test_a_pod_with_servers_of_its_own(names: Names) -> None:
    """[sig-network] DNS should support configurable pod DNS nameservers [Conformance]"""
    own = {"nameservers": ["192.0.2.53"], "searches": ["resolv.conf.local"], "options": [{"name": "ndots", "value": "2"}]}
    names.pods.start(server("own", dnsPolicy="None", dnsConfig=own))
    address(names.pods, "own")
    lines = names.pods.exec("own", "cat", "/etc/resolv.conf").split("\n")
    assert [line for line in lines if line] == ["search resolv.conf.local", "nameserver 192.0.2.53", "options ndots:2"]
