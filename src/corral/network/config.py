"""What the network of one node of one cluster is made of. Several clusters share a host: their names and ranges differ."""

import hashlib
from ipaddress import IPv4Network
from pathlib import Path

from corral.base.annotations import NamedTuple

INTERFACE_NAME_LIMIT = 15
DEVICE_PREFIX = "corral-"


class NetworkConfig(NamedTuple):
    """Addresses are IPv4. `pod_cidr` is this node's; `cluster_cidr` that of all nodes ('' where it is the same)."""

    name: str
    pod_cidr: str
    service_cidr: str
    dns_ip: str
    node_name: str
    node_ip: str
    cni_conf_dir: Path
    state_dir: Path
    cluster_domain: str = "cluster.local"
    cluster_cidr: str = ""
    resolv_conf: Path = Path("/etc/resolv.conf")

    @property
    def gateway(self) -> str:
        """The node's address in the pods' network, their way out."""
        return str(IPv4Network(self.pod_cidr)[1])

    @property
    def all_pods(self) -> str:
        """The range of the pods of all nodes."""
        return self.cluster_cidr or self.pod_cidr


def table_name(name: str) -> str:
    """The nftables table of the cluster called `name`."""
    return f"corral-{name}"


def device_name(name: str) -> str:
    """The network device of the cluster called `name`; a long name is cut and made unique by a hash."""
    device = DEVICE_PREFIX + name
    if len(device) <= INTERFACE_NAME_LIMIT:
        return device
    return DEVICE_PREFIX + hashlib.sha256(name.encode()).hexdigest()[: INTERFACE_NAME_LIMIT - len(DEVICE_PREFIX)]
