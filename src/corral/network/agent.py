"""The network of one node: pod routes, the service proxy, the cluster's DNS. The node process starts one."""

import logging
from collections.abc import Iterable
from pathlib import Path

from corral.base.errors import CorralError
from corral.base.tasks import Tasks
from corral.client.client import Client
from corral.client.informer import Informer
from corral.network import pods
from corral.network.config import NetworkConfig, table_name
from corral.network.dns.server import DnsServer
from corral.network.dns.upstream import Upstream
from corral.network.dns.zone import Zone
from corral.network.drain import Drain
from corral.network.nft.rules import Ranges
from corral.network.nft.table import Table
from corral.network.proxy import ServiceProxy

log = logging.getLogger(__name__)


class NetworkAgent:
    """Runs between `start` and `stop`. Stopping it leaves routes and rules in place, so that pods go on unharmed.

    `client` reads Services and EndpointSlices; `pods_client` the pods of the node, for their host ports.
    """

    def __init__(self, client: Client, config: NetworkConfig, pods_client: Client | None = None) -> None:
        self._config = config
        #: All Services; runs from `start` to `stop`.
        self.services = services = Informer(client, "services")
        slices = Informer(client, "endpointslices.discovery.k8s.io")
        self._informers = [services, slices]
        own_pods = None
        if pods_client is not None:
            own_pods = Informer(pods_client, "pods", field_selector=f"spec.nodeName={config.node_name}")
            self._informers.append(own_pods)
        ranges = Ranges(config.pod_cidr, config.all_pods, config.service_cidr)
        self._table = Table(table_name(config.name), ranges)
        self._proxy = ServiceProxy(services, slices, self._table, ranges, config.node_name, own_pods, answered={config.dns_ip})
        self._drain = Drain(slices, self._proxy.settled)
        zone = Zone(config.cluster_domain, services, slices, {config.all_pods, config.service_cidr})
        self._dns = DnsServer(zone, Upstream(config.resolv_conf, config.dns_ip), config.dns_ip)
        self._tasks = Tasks()

    async def start(self) -> None:
        """Prepare the node; when it returns, pods can get interfaces. Rules and names follow as soon as the API answers.

        Raises CorralError where the host cannot be set up.
        """
        await pods.set_up(self._config)
        for informer in self._informers:
            self._tasks.keep(f"informer {informer.resource}", informer.run)
        self._tasks.keep("service proxy", self._proxy.run)
        await self._dns.start()

    async def wait_synced(self) -> None:
        """Return when the rules of all Services known at the start are in the kernel."""
        await self._proxy.synced.wait()

    async def drained(self, addresses: Iterable[str]) -> None:
        """Return when no Service that can do without it sends new connections to the pod with these addresses."""
        await self._drain.wait(addresses)

    async def stop(self) -> None:
        """Stop following; a later agent takes over what is there."""
        await self._dns.close()
        await self._tasks.close()
        self._table.close()


async def tear_down(name: str, state_dir: Path | None = None, cni_conf_dir: Path | None = None) -> None:
    """Remove everything that the network of the cluster called `name` made on this host; again is harmless.

    Pods of it must have been stopped; those that were not lose their interfaces.
    """
    table = Table(table_name(name), Ranges("", "", ""))
    try:
        await table.delete()
    except CorralError as error:
        log.warning("%s", error)
    finally:
        table.close()
    await pods.tear_down(name, state_dir, cni_conf_dir)
