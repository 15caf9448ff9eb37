from pathlib import Path

from corral.node.config import NodeConfig
from corral.node.spec.sandbox import dns_config, hostname, hosts_file, parse_resolv_conf, port_mappings, sandbox_config
from corral.testing.podstate import container, new_pod

CONFIG = NodeConfig("x", "n1", "192.0.2.1", Path("/data"), "/run/cri.sock", cluster_dns_ip="10.96.0.10")
RESOLV = "# made by hand\nnameserver 192.0.2.53\nsearch corp.example.\noptions timeout:1\n"


def test_names_labels_and_cgroup():
    made = sandbox_config(new_pod(meta={"labels": {"app": "web"}}), CONFIG, 2, RESOLV)
    assert made["metadata"] == {"name": "web", "uid": "u1", "namespace": "default", "attempt": 2}
    assert made["labels"]["app"] == "web"
    assert made["labels"]["io.kubernetes.pod.uid"] == "u1"
    assert made["linux"]["cgroup_parent"] == "/corral-x/besteffort/podu1"
    assert made["log_directory"] == "/data/logs/default_web_u1"
    assert made["hostname"] == "web"


def test_the_hosts_namespaces():
    made = sandbox_config(new_pod(hostNetwork=True, hostPID=True, hostIPC=True), CONFIG, 0, RESOLV)
    assert made["linux"]["security_context"]["namespace_options"] == {"network": "NODE", "ipc": "NODE", "pid": "NODE"}
    assert "hostname" not in made


def test_a_shared_process_namespace():
    made = sandbox_config(new_pod(shareProcessNamespace=True), CONFIG, 0, RESOLV)
    assert made["linux"]["security_context"]["namespace_options"]["pid"] == "POD"


def test_the_process_that_waits_is_filtered_where_containers_can_reach_it():
    def profile(**spec):
        return sandbox_config(new_pod(**spec), CONFIG, 0, RESOLV)["linux"]["security_context"]["seccomp"]["profile_type"]

    assert profile() == "Unconfined"
    assert profile(shareProcessNamespace=True) == "RuntimeDefault"
    assert profile(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}) == "RuntimeDefault"


class TestDns:
    def test_cluster_first(self):
        assert dns_config(new_pod(), CONFIG, RESOLV) == {
            "servers": ["10.96.0.10"],
            "searches": ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"],
            "options": ["ndots:5"],
        }

    def test_default_and_the_hosts_network_use_the_hosts_resolver(self):
        host = {"servers": ["192.0.2.53"], "searches": ["corp.example"], "options": ["timeout:1"]}
        assert dns_config(new_pod(dnsPolicy="Default"), CONFIG, RESOLV) == host
        assert dns_config(new_pod(hostNetwork=True), CONFIG, RESOLV) == host
        with_cluster = new_pod(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")
        assert dns_config(with_cluster, CONFIG, RESOLV)["servers"] == ["10.96.0.10"]

    def test_the_pods_own_configuration_is_added(self):
        own = {
            "nameservers": ["9.9.9.9"],
            "searches": ["a.example"],
            "options": [{"name": "ndots", "value": "2"}, {"name": "x"}],
        }
        made = dns_config(new_pod(dnsConfig=own), CONFIG, "")
        assert made["servers"] == ["10.96.0.10", "9.9.9.9"]
        assert made["searches"][-1] == "a.example"
        assert made["options"] == ["ndots:2", "x"]
        alone = dns_config(new_pod(dnsConfig=own, dnsPolicy="None"), CONFIG, RESOLV)
        assert (alone["servers"], alone["searches"]) == (["9.9.9.9"], ["a.example"])

    def test_resolv_conf(self):
        assert parse_resolv_conf("nameserver ::1 # x\nsearch .\n; no\n")["servers"] == ["::1"]


class TestHosts:
    def test_of_a_pod(self):
        text = hosts_file(new_pod(), CONFIG, ("10.0.0.5",), "")
        assert "127.0.0.1\tlocalhost\n" in text
        assert text.endswith("10.0.0.5\tweb\n")

    def test_of_a_pod_with_a_subdomain_and_aliases(self):
        pod = new_pod(hostname="db-0", subdomain="db", hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}])
        lines = hosts_file(pod, CONFIG, ("10.0.0.5",), "").splitlines()
        assert "10.0.0.5\tdb-0.db.default.svc.cluster.local\tdb-0" in lines
        assert lines[-1] == "1.2.3.4\ta\tb"

    def test_of_a_pod_on_the_hosts_network(self):
        assert "192.0.2.9\tme" in hosts_file(new_pod(hostNetwork=True), CONFIG, (), "192.0.2.9\tme\n")


def test_hostnames():
    assert hostname(new_pod(hostname="db-0"), "cluster.local") == "db-0"
    assert hostname(new_pod(meta={"name": "x" * 62 + "-y"}), "cluster.local") == "x" * 62
    full = new_pod(hostname="a", subdomain="b", setHostnameAsFQDN=True)
    assert hostname(full, "cluster.local") == "a.b.default.svc.cluster.local"


def test_host_ports():
    pod = new_pod(container("c", ports=[{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]))
    assert port_mappings(pod) == [{"protocol": "TCP", "container_port": 80, "host_port": 8080}]
