"""Keys and kubeconfigs of a cluster: made before its processes start, so that they can all start at once."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from corral.base.files import replace
from corral.cli.layout import Cluster, Home, node_name

#: Component → (user, groups): the node agent's two identities, as kubeadm makes them.
NODE_IDENTITIES = {
    "agent": ("system:node:{node}", ("system:nodes",)),
    "proxy": ("system:kube-proxy", ()),
}


class _Files(NamedTuple):
    certificate: str
    key: str


#: What the node agent's own HTTPS server shows, in the node's folder.
NODE_FILES = _Files("kubelet.crt", "kubelet.key")


def write_credentials(home: Home, cluster: Cluster) -> dict[str, Any]:
    """Make or renew what the cluster's parts identify themselves by; the administrator's kubeconfig is returned."""
    # Here, because the node agent needs this module's names only, and the cryptography beneath takes 10 MB.
    from corral.server import pki as authority

    now = datetime.now(UTC)
    hosts = [node_name(), cluster.advertise_address, cluster.api_ip]
    pki = authority.ensure(home.pki, server_hosts=hosts, now=now)
    ca = pki.ca_certificate.read_bytes()
    admin = authority.kubeconfig(
        cluster.server, ca, pki.admin_certificate.read_bytes(), pki.admin_key.read_bytes(), cluster.name
    )
    _write(home.kubeconfig, admin)
    if cluster.node:
        folder = home.root / "node"
        folder.mkdir(mode=0o700, exist_ok=True)
        for component, (user, groups) in NODE_IDENTITIES.items():
            issued = authority.issue_client(pki, user.format(node=node_name()), groups, now=now)
            config = authority.kubeconfig(cluster.server, ca, issued.certificate, issued.key, cluster.name)
            _write(folder / f"{component}.kubeconfig", config)
        serving = authority.issue_server(pki, f"system:node:{node_name()}", [node_name(), cluster.advertise_address], now=now)
        replace(folder / NODE_FILES.certificate, serving.certificate)
        replace(folder / NODE_FILES.key, serving.key)
    return admin


def _write(path: Path, config: dict[str, Any]) -> None:
    replace(path, yaml.safe_dump(config, sort_keys=False).encode())
