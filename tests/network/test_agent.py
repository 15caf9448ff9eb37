"""The agent as the node process runs it: from nothing to answers, stopped without harm, torn down without a trace."""

import asyncio
import json

import dns.message
import dns.query
import pytest

from corral.base.errors import CorralError
from corral.network import pods
from corral.network.agent import NetworkAgent, tear_down
from corral.network.config import device_name, table_name

pytestmark = pytest.mark.cluster


def lookup(space, name, server="10.78.0.10"):
    response = space.run(lambda: dns.query.udp(dns.message.make_query(name, "A"), server, 2))
    return [item.to_text() for rrset in response.answer for item in rrset]


async def eventually(check, wanted):
    async with asyncio.timeout(10):
        while True:
            if await asyncio.to_thread(check) == wanted:
                return
            await asyncio.sleep(0.01)


def test_pods_and_node_resolve_and_reach_services(node, api, make_service, make_slice):
    async def scenario():
        api.put_service(make_service())
        dns = make_service("kube-dns", "10.78.0.10", protocol="UDP")  # As a cluster has it: without endpoints.
        dns["spec"]["ports"][0]["port"] = 53
        api.put_service(dns)
        api.put_slice(make_slice("web", node.ips["a"]))
        agent = NetworkAgent(api.client, node.config)
        await agent.start()
        await agent.wait_synced()
        for space in (node.pods["c"], node.host):
            name = "web.default.svc.cluster.local."
            assert await asyncio.to_thread(lookup, space, name) == ["10.78.1.1"]
            assert (await asyncio.to_thread(space.ask, "10.78.1.1", 80))[0] == "a"
        await agent.stop()
        assert (await asyncio.to_thread(node.pods["c"].ask, "10.78.1.1", 80))[0] == "a"
        again = NetworkAgent(api.client, node.config)
        await again.start()
        await eventually(lambda: lookup(node.pods["c"], "web.default.svc.cluster.local."), ["10.78.1.1"])
        await again.stop()
        await tear_down("test", node.config.state_dir, node.config.cni_conf_dir)
        await tear_down("test", node.config.state_dir, node.config.cni_conf_dir)

    node.host.do(scenario)
    assert node.host.command("nft", "list", "tables").strip() == ""
    assert "10.7" not in node.host.command("ip", "route") + node.host.command("ip", "address")
    assert node.host.command("sysctl", "-n", "net.ipv4.conf.all.route_localnet").strip() == "0"


def test_clusters_on_one_host_do_not_touch_each_other(node, api, make_service, make_slice):
    """A second cluster comes and goes; the first still answers."""
    other = node.config._replace(
        name="a-cluster-with-a-long-name",
        pod_cidr="10.87.0.0/24",
        service_cidr="10.88.0.0/16",
        dns_ip="10.88.0.10",
        cni_conf_dir=node.config.cni_conf_dir.with_name("cni2"),
        state_dir=node.config.state_dir.with_name("state2"),
    )

    async def scenario():
        api.put_service(make_service())
        api.put_slice(make_slice("web", node.ips["a"]))
        agents = [NetworkAgent(api.client, config) for config in (node.config, other)]
        for agent in agents:
            await agent.start()
            await agent.wait_synced()
        tables = node.host.command("nft", "list", "tables").split()
        assert {table_name("test"), table_name(other.name)} <= set(tables)
        await agents[1].stop()
        await tear_down(other.name, other.state_dir, other.cni_conf_dir)
        assert (await asyncio.to_thread(node.pods["c"].ask, "10.78.1.1", 80))[0] == "a"
        assert (await asyncio.to_thread(node.host.ask, node.ips["b"], 8080))[0] == "b"
        assert await asyncio.to_thread(lookup, node.pods["b"], "web.default.svc.cluster.local.") == ["10.78.1.1"]
        await agents[0].stop()

    node.host.do(scenario)
    assert node.host.command("sysctl", "-n", "net.ipv4.conf.all.route_localnet").strip() == "1"


def test_set_up_again_changes_nothing(node):
    before = node.host.command("ip", "route"), node.host.command("ip", "-4", "address")
    written = node.config.cni_conf_dir / pods.CONFLIST
    at = written.stat().st_mtime_ns
    node.host.do(lambda: pods.set_up(node.config))
    assert (node.host.command("ip", "route"), node.host.command("ip", "-4", "address")) == before
    assert written.stat().st_mtime_ns == at


def test_pods_pass_a_firewall_that_drops_by_default(node):
    for chain in ("INPUT", "FORWARD"):
        node.host.command("iptables", "-P", chain, "DROP")
    with pytest.raises(TimeoutError):
        node.pods["a"].ask(node.ips["b"], 8080, 0.3)
    node.host.do(lambda: pods.set_up(node.config))
    assert node.pods["a"].ask(node.ips["b"], 8080)[0] == "b"
    node.host.do(lambda: pods.set_up(node.config))
    assert node.host.command("iptables", "-S").count("corral:test") == 3
    node.host.do(lambda: pods.tear_down("test"))
    assert "corral" not in node.host.command("iptables", "-S")


def test_missing_rights_are_told_with_a_remedy(node, monkeypatch):
    bad = node.config._replace(dns_ip="not an address")
    with pytest.raises(CorralError) as error:
        node.host.do(lambda: pods.set_up(bad))
    assert error.value.remedy


def test_names_of_devices_fit_and_differ():
    assert device_name("dev") == "corral-dev"
    long = device_name("a-rather-long-name")
    assert len(long) == 15
    assert long != device_name("a-rather-long-nama")


def test_conflist_names_the_range_and_its_state(node):
    conflist = json.loads((node.config.cni_conf_dir / pods.CONFLIST).read_text())
    ipam = conflist["plugins"][0]["ipam"]
    assert (conflist["name"], ipam["ranges"]) == ("corral-test", [[{"subnet": "10.77.0.0/24"}]])
    assert ipam["dataDir"].startswith(str(node.config.state_dir))
