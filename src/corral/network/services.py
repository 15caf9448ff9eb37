"""Where the traffic of a Service goes, as one node sees it: a pure plan from a Service and its EndpointSlices.

https://kubernetes.io/docs/reference/networking/virtual-ips/ and, for endpoints that end,
https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions. IPv4 only.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from msgspec import Struct

from corral.api.objects import Key, Object, key_of

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
DEFAULT_AFFINITY_S = 10800

Protocol = Literal["tcp", "udp", "sctp"]


class Endpoint(Struct, frozen=True, order=True):
    """One backend: where packets are sent."""

    ip: str
    port: int


class Backends(Struct, frozen=True):
    """The endpoints that share some traffic. Without any it is refused, or dropped where another node could serve it."""

    endpoints: tuple[Endpoint, ...]
    otherwise: Literal["refuse", "drop"] = "refuse"


class ServicePort(Struct, frozen=True):
    """One port of one Service. `port` is the Service's, `node_port` 0 where there is none.

    `internal` serves the cluster IP; `external` serves node port, external and load balancer addresses, except for traffic
    that begins in a pod or on the node itself, which `cluster` serves.
    """

    service: Key
    name: str
    protocol: Protocol
    port: int
    cluster_ips: tuple[str, ...]
    internal: Backends
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    external: Backends = Backends(())
    cluster: Backends = Backends(())
    affinity_s: int = 0
    source_ranges: tuple[str, ...] = ()

    @property
    def endpoints(self) -> frozenset[Endpoint]:
        """Every endpoint that any traffic to this port may reach."""
        return frozenset(self.internal.endpoints + self.external.endpoints + self.cluster.endpoints)


def service_of(slice: Object) -> Key:
    """The Service that an EndpointSlice belongs to; the name is '' where it belongs to none."""
    meta = slice["metadata"]
    return Key(meta.get("namespace", ""), (meta.get("labels") or {}).get(SERVICE_NAME_LABEL, ""))


def by_service(slice: Object) -> Iterable[str]:
    """Index of EndpointSlices: `NAMESPACE/NAME` of their Service."""
    key = service_of(slice)
    return [str(key)] if key.name else []


def has_cluster_ip(service: Object) -> bool:
    """Whether the service proxy has anything to do for this Service: not for headless and ExternalName ones."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName" or spec.get("clusterIP", "") in ("", "None"):
        return False
    return PROXY_NAME_LABEL not in (service["metadata"].get("labels") or {})


def plan(service: Object, slices: Iterable[Object], node: str) -> list[ServicePort]:
    """The ports of `service` for the node called `node`."""
    if not has_cluster_ip(service):
        return []
    spec = service["spec"]
    known = [s for s in slices if s.get("addressType", "IPv4") == "IPv4"]
    return [_port(service, port, known, node) for port in spec.get("ports") or ()]


def _port(service: Object, port: Object, slices: Iterable[Object], node: str) -> ServicePort:
    spec = service["spec"]
    protocol: Protocol = port.get("protocol", "TCP").lower()
    ready, ready_here, ending, ending_here = _endpoints(slices, port.get("name", ""), protocol, node)
    cluster = Backends(_sorted(ready or ending))
    local = Backends(_sorted(ready_here or ending_here), "drop" if cluster.endpoints else "refuse")
    external_local = spec.get("externalTrafficPolicy") == "Local"
    return ServicePort(
        service=key_of(service),
        name=port.get("name", ""),
        protocol=protocol,
        port=port["port"],
        cluster_ips=_ipv4(spec.get("clusterIPs") or [spec["clusterIP"]]),
        internal=local if spec.get("internalTrafficPolicy") == "Local" else cluster,
        node_port=port.get("nodePort", 0) if spec.get("type") in ("NodePort", "LoadBalancer") else 0,
        external_ips=_ipv4(spec.get("externalIPs") or ()),
        load_balancer_ips=_load_balancer_ips(service),
        external=local if external_local else cluster,
        cluster=cluster,
        affinity_s=_affinity_s(spec),
        source_ranges=_source_ranges(spec),
    )


def _endpoints(slices: Iterable[Object], name: str, protocol: str, node: str) -> tuple[set[Endpoint], ...]:
    """Endpoints that are ready, ready on this node, ending but still serving, and the latter on this node."""
    ready: set[Endpoint] = set()
    ready_here: set[Endpoint] = set()
    ending: set[Endpoint] = set()
    ending_here: set[Endpoint] = set()
    for slice in slices:
        numbers = [
            p["port"]
            for p in slice.get("ports") or ()
            if (p.get("name") or "") == name and p.get("protocol", "TCP").lower() == protocol and p.get("port")
        ]
        for endpoint in slice.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            is_ready = _is(conditions, "ready", True)
            is_ending = _is(conditions, "serving", is_ready) and _is(conditions, "terminating", False)
            if not (is_ready or is_ending) or not endpoint.get("addresses"):
                continue
            places = {Endpoint(endpoint["addresses"][0], number) for number in numbers}
            here = places if endpoint.get("nodeName") == node else set()
            if is_ready:
                ready |= places
                ready_here |= here
            else:
                ending |= places
                ending_here |= here
    return ready, ready_here, ending, ending_here


def _is(conditions: Mapping[str, bool | None], name: str, unknown: bool) -> bool:
    value = conditions.get(name)
    return unknown if value is None else value


def _sorted(endpoints: set[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple(sorted(endpoints))


def _affinity_s(spec: Object) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    timeout_s = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds")
    return int(timeout_s or DEFAULT_AFFINITY_S)


def _load_balancer_ips(service: Object) -> tuple[str, ...]:
    if service["spec"].get("type") != "LoadBalancer":
        return ()
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return _ipv4(i["ip"] for i in ingress if i.get("ip") and i.get("ipMode", "VIP") == "VIP")


def _source_ranges(spec: Object) -> tuple[str, ...]:
    if spec.get("type") != "LoadBalancer":
        return ()
    ranges = []
    for text in spec.get("loadBalancerSourceRanges") or ():
        try:
            ranges.append(str(IPv4Network(text.strip(), strict=False)))
        except ValueError:
            continue
    return tuple(dict.fromkeys(ranges))


def _ipv4(addresses: Iterable[str]) -> tuple[str, ...]:
    """The IPv4 ones, in their one spelling, each once."""
    found: dict[str, None] = {}
    for address in addresses:
        try:
            found[str(IPv4Address(address))] = None
        except ValueError:
            continue
    return tuple(found)
