"""The ports of its node that a pod takes: who comes second with the same one cannot be there.

https://kubernetes.io/docs/concepts/configuration/overview/#services
"""

from collections.abc import Iterator

from msgspec import Struct

from corral.api.objects import Object

EVERY_ADDRESS = "0.0.0.0"
#: What the scheduler and the node say where a port is taken.
TAKEN = "node(s) didn't have free ports for the requested pod ports"


class HostPort(Struct, frozen=True):
    """A port of the node that a pod takes. Address 0.0.0.0 is all addresses."""

    address: str
    protocol: str
    port: int

    def clashes(self, other: "HostPort") -> bool:
        """Whether both cannot be on one node."""
        if (self.protocol, self.port) != (other.protocol, other.port):
            return False
        return self.address == other.address or EVERY_ADDRESS in (self.address, other.address)


def host_ports(container: Object) -> Iterator[HostPort]:
    """Those of a container."""
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield HostPort(port.get("hostIP") or EVERY_ADDRESS, port.get("protocol", "TCP"), port["hostPort"])


def host_ports_of(spec: Object) -> list[HostPort]:
    """Those of a pod, by its spec: of the containers and of the sidecars, which stay."""
    sidecars = (one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always")
    return [port for one in (*(spec.get("containers") or ()), *sidecars) for port in host_ports(one)]
