"""`corral node`: what runs pods on this host in one process: node agent, service proxy, DNS; and the cluster's containerd."""

import asyncio
from argparse import ArgumentParser
from pathlib import Path

from corral.api.facts import catalog
from corral.api.objects import keep_parsed
from corral.base.tasks import Tasks
from corral.cli import daemon
from corral.cli.credentials import NODE_FILES
from corral.cli.layout import Cluster, Home, node_name
from corral.cli.runtime import containerd_of
from corral.client.https import connect
from corral.network.agent import NetworkAgent
from corral.network.config import NetworkConfig
from corral.node.agent import Agent
from corral.node.config import NodeConfig

#: The agent's pods keep what they need themselves.
PARSED_OBJECTS_KEPT = 16


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR", help="where the cluster lives")


def node(*, data_dir: Path) -> None:
    """Run the node of the cluster in DATA_DIR until SIGTERM; its pods run on."""
    keep_parsed(PARSED_OBJECTS_KEPT)
    daemon.run(lambda stop: _serve(Home(data_dir), stop))


def node_config(home: Home, cluster: Cluster) -> NodeConfig:
    """The node agent's settings."""
    folder = home.root / "node"
    return NodeConfig(
        name=cluster.name,
        node_name=node_name(),
        node_ip=cluster.advertise_address,
        data_dir=folder,
        cri_socket=cluster.cri or str(containerd_of(home).socket),
        cluster_dns_ip=cluster.dns_ip,
        kubelet_port=cluster.node_port,
        pod_cidr=cluster.node_pod_cidr,
        tls_cert=folder / NODE_FILES.certificate,
        tls_key=folder / NODE_FILES.key,
        client_ca=home.pki / "ca.crt",
    )


def network_config(home: Home, cluster: Cluster) -> NetworkConfig:
    """The network's settings."""
    return NetworkConfig(
        name=cluster.name,
        pod_cidr=cluster.node_pod_cidr,
        service_cidr=cluster.service_cidr,
        dns_ip=cluster.dns_ip,
        node_name=node_name(),
        node_ip=cluster.advertise_address,
        cni_conf_dir=containerd_of(home).cni_conf_dir,
        state_dir=home.root / "node",
        cluster_cidr=cluster.pod_cidr,
    )


async def _serve(home: Home, stop: asyncio.Event) -> None:
    cluster = home.require()
    kinds = catalog()
    agent_client = connect(home.root / "node/agent.kubeconfig", "kubelet", kinds)
    proxy_client = connect(home.root / "node/proxy.kubeconfig", "kube-proxy", kinds)
    network = NetworkAgent(proxy_client, network_config(home, cluster), agent_client)
    tasks = Tasks()
    try:
        runtime = None if cluster.cri else containerd_of(home)
        await asyncio.gather(network.start(), *([runtime.ensure()] if runtime else []))
        if runtime:
            tasks.start("containerd", runtime.supervise())
        agent = Agent(node_config(home, cluster), agent_client, services=network.services, drained=network.drained)
        running = tasks.start("node agent", agent.run())
        ready = tasks.start("node ready", _tell_ready(home, agent, network))
        await _first(stop, running)
        ready.cancel()
    finally:
        await tasks.close()
        await network.stop()
        await agent_client.close()
        await proxy_client.close()


async def _tell_ready(home: Home, agent: Agent, network: NetworkAgent) -> None:
    await agent.registration.registered.wait()
    await network.wait_synced()
    daemon.tell_ready(home, "node")


async def _first(stop: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Return when told to stop, or when the agent ends by itself (a failure, which was logged)."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, running], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
