"""Where a Service of the cluster is reached from here: for extension servers, webhooks and `proxy`.

The server goes to an endpoint, not to the Service's own address, which leads somewhere only on hosts with a service proxy.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

import ipaddress
import random
from collections.abc import Callable, Sequence

from corral.api.errors import unavailable
from corral.api.objects import Object
from corral.base.addresses import bracketed
from corral.server.lookup import Lookup

SLICES = "endpointslices.discovery.k8s.io"
NAME_LABEL = "kubernetes.io/service-name"

Choose = Callable[[Sequence[str]], str]


def is_proxyable(address: str) -> bool:
    """Whether requests may be led to this address: not to what only this host reaches, such as its own loopback services."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return not (ip.is_unspecified or ip.is_loopback or ip.is_link_local or ip.is_multicast)


def slices_of(lookup: Lookup, namespace: str, name: str) -> list[Object]:
    """The endpoint slices of a Service."""
    found = lookup.list(SLICES, namespace)
    return [one for one in found if (one["metadata"].get("labels") or {}).get(NAME_LABEL) == name]


def endpoints(slices: Sequence[Object], port_name: str) -> list[str]:
    """`HOST:PORT` of every ready endpoint for the port of this name."""
    found = []
    for one in slices:
        numbers = [p.get("port") for p in one.get("ports") or () if (p.get("name") or "") == port_name]
        for endpoint in one.get("endpoints") or ():
            if numbers and (endpoint.get("conditions") or {}).get("ready", True) is not False:
                addresses = filter(is_proxyable, endpoint.get("addresses") or ())
                found += [_joined(address, numbers[0]) for address in addresses]
    return found


def locate(lookup: Lookup, namespace: str, name: str, port: int, choose: Choose = random.choice) -> str:
    """`HOST:PORT` behind a port number of a Service, one of its ready endpoints; of an external name, that name.

    Raises ApiError (503) where there is no such service, port or endpoint.
    """
    service = lookup.get("services", namespace, name)
    if service is None:
        raise unavailable(f'service "{name}" not found')
    if service["spec"].get("type") == "ExternalName":
        return f"{service['spec']['externalName']}:{port}"
    chosen = next((p for p in service["spec"].get("ports") or () if p["port"] == port), None)
    if chosen is None:
        raise unavailable(f'no service port {port} found for service "{name}"')
    found = endpoints(slices_of(lookup, namespace, name), chosen.get("name") or "")
    if not found:
        raise unavailable(f'no endpoints available for service "{name}"')
    return choose(found)


def _joined(host: str, port: object) -> str:
    return f"{bracketed(host)}:{port}"
