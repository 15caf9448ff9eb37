"""What one cluster's API server is told: names, addresses, ranges. Kept in `DATA_DIR/cluster.json`, written by `corral up`."""

import ipaddress
from dataclasses import dataclass, fields
from pathlib import Path

import orjson

from corral.base.errors import CorralError

CLUSTER_FILE = "cluster.json"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The settings of a cluster. Every process of the cluster reads the same ones."""

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

    @classmethod
    def load(cls, data_dir: Path) -> "ServerConfig":
        """The settings in `data_dir`. Raises CorralError where there are none or they cannot be read."""
        path = data_dir / CLUSTER_FILE
        try:
            found = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            raise CorralError(f"there is no cluster in {data_dir}", "start one with: corral up") from None
        except (OSError, orjson.JSONDecodeError) as error:
            raise CorralError(f"{path} cannot be read: {error}", "restore it, or remove the directory") from error
        known = {field.name for field in fields(cls)} - {"data_dir"}
        settings = {name: value for name, value in found.items() if name in known}
        settings["extra_sans"] = tuple(settings.get("extra_sans", ()))
        return cls(data_dir=data_dir, **settings)

    @property
    def pki_dir(self) -> Path:
        """Where certificates and keys lie."""
        return self.data_dir / "pki"

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
