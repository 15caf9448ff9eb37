"""Keys and kubeconfigs of a cluster: made before its processes start, so that they can all start at once."""

import hashlib
import json
import time
from pathlib import Path

from corral.base.annotations import Any, NamedTuple
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


def write_credentials(home: Home, cluster: Cluster) -> None:
    """Make or renew what the cluster's parts identify themselves by.

    Where all is as it was left, and good for long enough, a look at the files is enough: what reads certificates takes
    longer to load than everything else that has to be done before the processes can start.
    """
    remembered = home.pki / "made.json"
    if _is_good(remembered, home, cluster):
        return
    renew_s = _write_all(home, cluster)
    made = {"digest": _digest(home, cluster, remembered), "renew_s": renew_s}
    replace(remembered, json.dumps(made).encode())


def _is_good(remembered: Path, home: Home, cluster: Cluster) -> bool:
    try:
        made = json.loads(remembered.read_bytes())
        return bool(time.time() < made["renew_s"] and made["digest"] == _digest(home, cluster, remembered))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digest(home: Home, cluster: Cluster, remembered: Path) -> str:
    found = hashlib.sha256(repr((cluster, node_name())).encode())
    files = [home.kubeconfig, *(p for p in sorted(home.pki.iterdir()) if p != remembered)]
    if cluster.node:
        files += [home.root / "node" / name for name in (*NODE_FILES, *(f"{c}.kubeconfig" for c in NODE_IDENTITIES))]
    for path in files:
        found.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
    return found.hexdigest()


def _write_all(home: Home, cluster: Cluster) -> float:
    """Write what is missing or ends soon; when something of it is to be renewed, in seconds since the epoch."""
    # Here, because the node agent needs this module's names only, and the cryptography beneath takes 10 MB.
    from datetime import UTC, datetime

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
    return authority.renewal(pki).timestamp()


def _write(path: Path, config: dict[str, Any]) -> None:
    import yaml

    replace(path, yaml.safe_dump(config, sort_keys=False).encode())
