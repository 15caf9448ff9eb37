"""The service proxy follows the API into the kernel."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from corral.client.informer import Informer
from corral.network.proxy import ServiceProxy

pytestmark = pytest.mark.cluster


@asynccontextmanager
async def proxying(node, api):
    services, slices = Informer(api.client, "services"), Informer(api.client, "endpointslices.discovery.k8s.io")
    pods = Informer(api.client, "pods")
    proxy = ServiceProxy(services, slices, node.table, node.ranges, "node", pods)
    tasks = [asyncio.create_task(work()) for work in (services.run, slices.run, pods.run, proxy.run)]
    try:
        await asyncio.wait_for(proxy.synced.wait(), 10)
        yield proxy
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(check, *wanted):
    """Wait until `check` gives one of `wanted`, or raises it."""
    async with asyncio.timeout(10):
        while True:
            try:
                got = await asyncio.to_thread(check)
            except OSError as error:
                got = type(error)
            if got in wanted:
                return got
            await asyncio.sleep(0.02)


def test_it_follows_services_and_endpoints(node, api, make_service, make_slice):
    ask = lambda: node.pods["c"].ask("10.78.1.1", 80, 0.5)[0]  # noqa: E731
    service = make_service()

    async def scenario() -> None:
        api.put_service(service)
        async with proxying(node, api):
            await until(ask, ConnectionRefusedError)
            api.put_slice(make_slice("web", node.ips["a"]))
            await until(ask, "a")
            api.put_slice(make_slice("web", node.ips["b"]))
            await until(ask, "b")
            for i in range(50):
                api.put_service(make_service(f"other-{i}", f"10.78.2.{i}"))
                api.put_slice(make_slice(f"other-{i}", node.ips["a"]))
            await until(lambda: node.pods["c"].ask("10.78.2.49", 80, 0.5)[0], "a")
            api.remove_service(service)
            await until(ask, ConnectionRefusedError)
            api.put_service(service)
            await until(ask, "b")

    node.host.do(scenario)


def test_restart_replaces_what_has_changed_meanwhile(node, api, make_service, make_slice):
    async def first() -> None:
        api.put_service(make_service("gone", "10.78.1.2"))
        api.put_service(make_service())
        for name in ("gone", "web"):
            api.put_slice(make_slice(name, node.ips["a"]))
        async with proxying(node, api):
            pass

    async def second() -> None:
        api.remove_service(make_service("gone"))
        api.put_slice(make_slice("web", node.ips["b"]))
        assert node.pods["c"].ask("10.78.1.1", 80)[0] == "a"
        async with proxying(node, api):
            assert node.pods["c"].ask("10.78.1.1", 80)[0] == "b"
            with pytest.raises(ConnectionRefusedError):
                node.pods["c"].ask("10.78.1.2", 80)

    node.host.do(first)
    node.host.do(second)


def test_rules_that_somebody_flushed_come_back(node, api, make_service, make_slice, monkeypatch):
    monkeypatch.setattr("corral.network.proxy.CHECK_PERIOD_S", 0.1)

    async def scenario() -> None:
        api.put_service(make_service())
        api.put_slice(make_slice("web", node.ips["a"]))
        async with proxying(node, api):
            node.host.command("nft", "flush", "ruleset")
            await until(lambda: node.pods["c"].ask("10.78.1.1", 80, 0.3)[0], "a")
            node.host.command("nft", "flush", "ruleset")
            api.put_slice(make_slice("web", node.ips["b"]))
            await until(lambda: node.pods["c"].ask("10.78.1.1", 80, 0.3)[0], "b")

    node.host.do(scenario)


def test_services_that_claim_one_address_do_not_stop_the_others(node, api, make_service, make_slice):
    async def scenario() -> None:
        for name, ip, pod in (("one", "10.78.1.1", "a"), ("two", "10.78.1.2", "b")):
            api.put_service(make_service(name, ip, externalIPs=["198.51.100.7"]))
            api.put_slice(make_slice(name, node.ips[pod]))
        async with proxying(node, api):
            assert node.pods["c"].ask("10.78.1.2", 80)[0] == "b"
            assert node.pods["c"].ask("198.51.100.7", 80)[0] == "a"
            api.remove_service(make_service("one"))
            await until(lambda: node.pods["c"].ask("198.51.100.7", 80, 0.5)[0], "b")

    node.host.do(scenario)


def test_host_ports_lead_to_the_pod_until_it_ends(node, api):
    def pod(phase: str) -> dict[str, object]:
        ports = [
            {"containerPort": 8080, "hostPort": 8088},
            {"containerPort": 8080, "hostPort": 8089, "hostIP": "127.0.0.1"},
        ]
        return {
            "metadata": {"namespace": "default", "name": "web"},
            "spec": {"nodeName": "node", "containers": [{"name": "web", "ports": ports}]},
            "status": {"phase": phase, "podIP": node.ips["a"]},
        }

    async def scenario() -> None:
        api.put_pod(pod("Running"))
        async with proxying(node, api):
            await until(lambda: node.client.ask("192.168.77.1", 8088, 0.5), ("a", "192.168.77.2"))
            for asker, address in (
                (node.pods["a"], "192.168.77.1"),
                (node.pods["b"], "192.168.77.1"),
                (node.host, "127.0.0.1"),
            ):
                assert asker.ask(address, 8088)[0] == "a"
            assert node.host.ask("127.0.0.1", 8089)[0] == "a"
            with pytest.raises(ConnectionRefusedError):
                node.client.ask("192.168.77.1", 8089)
            api.put_pod(pod("Succeeded"))
            await until(lambda: node.client.ask("192.168.77.1", 8088, 0.5), ConnectionRefusedError)
            api.put_pod(pod("Running"))
            await until(lambda: node.client.ask("192.168.77.1", 8088, 0.5)[0], "a")
            api.remove_pod(pod("Running"))
            await until(lambda: node.client.ask("192.168.77.1", 8088, 0.5), ConnectionRefusedError)

    node.host.do(scenario)
