"""Keys and kubeconfigs of a cluster: made before its processes start, so that they can all start at once."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from corral.cli.layout import Cluster, Home
from corral.server import pki as authority

#: Component → (user, groups): the node agent's two identities, as kubeadm makes them.
NODE_IDENTITIES = {
    "agent": ("system:node:{node}", ("system:nodes",)),
    "proxy": ("system:kube-proxy", ()),
}


def node_name() -> str:
    """The name of this host's node."""
    return socket.gethostname().lower()


def write_credentials(home: Home, cluster: Cluster) -> dict[str, Any]:
    """Make or renew what the cluster's parts identify themselves by; the administrator's kubeconfig is returned."""
    now = datetime.now(UTC)
    hosts = [socket.gethostname().lower(), cluster.advertise_address, _first_service_address(cluster)]
    pki = authority.ensure(home.pki, server_hosts=hosts, now=now)
    ca = pki.ca_certificate.read_bytes()
    admin = authority.kubeconfig(
        cluster.server, ca, pki.admin_certificate.read_bytes(), pki.admin_key.read_bytes(), cluster.name
    )
    write_private(home.kubeconfig, admin)
    if cluster.node:
        folder = home.root / "node"
        folder.mkdir(mode=0o700, exist_ok=True)
        for component, (user, groups) in NODE_IDENTITIES.items():
            issued = authority.issue_client(pki, user.format(node=node_name()), groups, now=now)
            config = authority.kubeconfig(cluster.server, ca, issued.certificate, issued.key, cluster.name)
            write_private(folder / f"{component}.kubeconfig", config)
    return admin


def write_private(path: Path, config: dict[str, Any]) -> None:
    """Write YAML that only its owner can read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def _first_service_address(cluster: Cluster) -> str:
    network, _, _ = cluster.service_cidr.rpartition("/")
    return network.rpartition(".")[0] + ".1"
