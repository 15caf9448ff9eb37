"""What one cluster's API server is told: names, addresses, ranges. `cli.layout` reads them from `cluster.json`."""

import ipaddress
from pathlib import Path

from msgspec import Struct

from corral.server.configfiles import FOLDER


class ServerConfig(Struct, frozen=True):
    """The settings of a server."""

    data_dir: Path
    #: The cluster's name: of the kubeconfig context, and in host resources.
    name: str = "corral"
    #: Where the API listens; port 0 takes a free one.
    host: str = "127.0.0.1"
    port: int = 6443
    #: The address others reach the API at (endpoints of the Service `kubernetes`); "" means `host`, if it is one address.
    advertise_address: str = ""
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    #: The address of the cluster's DNS Service; "" means the tenth of the service range.
    dns_ip: str = ""
    cluster_domain: str = "cluster.local"
    #: More names and addresses in the server's certificate.
    extra_sans: tuple[str, ...] = ()
    node_port_min: int = 30000
    node_port_max: int = 32767
    #: The issuer of service account tokens.
    issuer: str = "https://kubernetes.default.svc"
    #: Versions of the built-in API that are on or off, as kube-apiserver's `--runtime-config` has them: `api/beta=true`.
    runtime_config: str = ""
    #: Whether claims that name no storage class get volumes on the disks of nodes.
    node_disks: bool = False

    @property
    def pki_dir(self) -> Path:
        """Where certificates and keys lie."""
        return self.data_dir / "pki"

    @property
    def config_dir(self) -> Path:
        """Where configuration files of the server lie (`server.configfiles`)."""
        return self.data_dir / FOLDER

    @property
    def api_service_ip(self) -> str:
        """The address of the Service `kubernetes`: the first of the service range."""
        return str(ipaddress.ip_network(self.service_cidr)[1])

    @property
    def dns_service_ip(self) -> str:
        """The address of the cluster's DNS."""
        return self.dns_ip or str(ipaddress.ip_network(self.service_cidr)[10])

    @property
    def advertised(self) -> str:
        """The address to reach the API at."""
        if self.advertise_address:
            return self.advertise_address
        return self.host if self.host not in ("", "0.0.0.0", "::") else "127.0.0.1"
