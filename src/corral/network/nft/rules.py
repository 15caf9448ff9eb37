"""The table of one cluster as nft text: what is always there, and what each port of a Service adds.

A new connection is looked up by address, protocol and port in a verdict map. It leads to the chain for so many endpoints, which
draws a number and looks up the endpoint of that number; conntrack remembers the choice. So a Service adds elements of maps
only, and the cost of a change does not grow with the number of Services. Client affinity, policy Local and many endpoints
need chains of the Service's own. Source addresses are kept wherever the answer comes back through this node anyway.
"""

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

from msgspec import Struct, field

from corral.network.services import Backends, Endpoint, ServicePort

NAME_KEPT_CHARS = 60
SHARED_ENDPOINTS = 64


class Ranges(Struct, frozen=True):
    """The addresses of a cluster: pods of this node, pods of all nodes, Services."""

    pods: str
    cluster: str
    services: str


class Element(NamedTuple):
    """One element of a map, or of a set where `value` is ''."""

    map: str
    key: str
    value: str = ""


class Rendered(Struct):
    """What one owner (a Service port, a pod) adds to the table."""

    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    affinity_sets: dict[str, int] = field(default_factory=dict)
    elements: list[Element] = field(default_factory=list)


def base(ranges: Ranges) -> str:
    """The maps and hooks of the table, in the syntax of a table's block."""
    return f"""
    map service_ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
    map endpoints {{ typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }}
    map node_ports {{ type inet_proto . inet_service : verdict; }}
    map node_endpoints {{ typeof meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; }}
    map host_ports {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
    map host_ip_ports {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
    map blocked_ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
    map blocked_node_ports {{ type inet_proto . inet_service : verdict; }}
    map firewalls {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
    set hairpins {{ type ipv4_addr . ipv4_addr; }}

    {_balancing()}
    chain refuse {{
        meta l4proto tcp reject with tcp reset
        reject
    }}
    chain dispatch {{
        ip daddr . meta l4proto . th dport vmap @service_ips
        ip daddr != {ranges.services} fib daddr type local meta l4proto . th dport vmap @node_ports
        dnat ip to ip daddr . meta l4proto . th dport map @host_ip_ports
        ip daddr != {ranges.services} fib daddr type local dnat ip to meta l4proto . th dport map @host_ports
    }}
    chain loopback-guard {{
        type filter hook prerouting priority raw; policy accept;
        iifname != "lo" ip daddr 127.0.0.0/8 drop
    }}
    chain filter-prerouting {{
        type filter hook prerouting priority -110; policy accept;
        ct state new ip daddr . meta l4proto . th dport vmap @firewalls
    }}
    chain nat-prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        jump dispatch
    }}
    chain nat-output {{
        type nat hook output priority -100; policy accept;
        jump dispatch
    }}
    chain nat-postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random
        ct status dnat ip saddr 127.0.0.0/8 oifname != "lo" masquerade fully-random
        ct status dnat ip saddr != {ranges.cluster} ip daddr != {ranges.pods} fib saddr type != local masquerade fully-random
        ip saddr {ranges.pods} ip daddr != {{ {ranges.cluster}, 224.0.0.0/4 }} masquerade fully-random
    }}
    chain filter-input {{
        type filter hook input priority filter; policy accept;
        ct state new ip daddr . meta l4proto . th dport vmap @blocked_ips
        ct state new ip daddr != {ranges.services} fib daddr type local meta l4proto . th dport vmap @blocked_node_ports
    }}
    chain filter-forward {{
        type filter hook forward priority filter; policy accept;
        ct state invalid ip saddr {ranges.pods} drop
        ct state new ip daddr . meta l4proto . th dport vmap @blocked_ips
        ip daddr {ranges.services} goto refuse
    }}
    chain filter-output {{
        type filter hook output priority filter; policy accept;
        ct state new ip daddr . meta l4proto . th dport vmap @blocked_ips
        oifname != "lo" ip daddr {ranges.services} goto refuse
    }}
"""


def _balancing() -> str:
    """The chains that all Services share. They are made with the maps: nft 1.0 takes no rule about a `typeof` map later on."""
    lines = []
    for count in range(1, SHARED_ENDPOINTS + 1):
        pick = f"meta l4proto . th dport . numgen random mod {count}"
        lines.append(f"chain balance-{count} {{ dnat ip to ip daddr . {pick} map @endpoints; }}")
        lines.append(f"chain node-balance-{count} {{ dnat ip to {pick} map @node_endpoints; }}")
    return "\n    ".join(lines)


def render(port: ServicePort, ranges: Ranges) -> Rendered:
    """What `port` adds to the table."""
    renderer = _Renderer(port, ranges)
    renderer.internal()
    renderer.external()
    renderer.firewall()
    for ip in sorted({endpoint.ip for endpoint in port.endpoints}):
        renderer.out.elements.append(Element("hairpins", f"{ip} . {ip}"))
    return renderer.out


class _Renderer:
    """Builds what one port adds."""

    def __init__(self, port: ServicePort, ranges: Ranges) -> None:
        self.port = port
        self.ranges = ranges
        self.out = Rendered()
        self.name = _name(f"{port.service.namespace}/{port.service.name}/{port.protocol}/{port.name}")
        self._chains: dict[tuple[Endpoint, ...], str] = {}

    def internal(self) -> None:
        """The cluster IPs."""
        self._lead_ips(self.port.cluster_ips, self.port.internal)

    def external(self) -> None:
        """Node port, external and load balancer addresses. Policy Local does not bind the node and its pods."""
        port = self.port
        outside = (*port.external_ips, *port.load_balancer_ips)
        if not outside and not port.node_port:
            return
        chain = ""
        if port.cluster.endpoints and port.external != port.cluster:
            chain = f"external-{self.name}"
            inside, local = self._own(port.cluster.endpoints), self._own(port.external.endpoints)
            self.out.chains[chain] = (
                f"ip saddr {self.ranges.cluster} goto {inside}",
                f"fib saddr type local goto {inside}",
                f"goto {local}" if local else "drop",
            )
        self._lead_ips(outside, port.cluster, chain)
        if port.node_port:
            self._lead("node_", f"{port.protocol} . {port.node_port}", port.cluster, chain)

    def firewall(self) -> None:
        """Who may come to the load balancer addresses."""
        if not self.port.source_ranges or not self.port.load_balancer_ips:
            return
        chain = f"firewall-{self.name}"
        self.out.chains[chain] = (
            "fib saddr type local return",
            f"ip saddr != {{ {', '.join(self.port.source_ranges)} }} drop",
        )
        for ip in self.port.load_balancer_ips:
            self.out.elements.append(Element("firewalls", self._key(ip), f"goto {chain}"))

    def _key(self, ip: str) -> str:
        return f"{ip} . {self.port.protocol} . {self.port.port}"

    def _lead_ips(self, addresses: Iterable[str], backends: Backends, chain: str = "") -> None:
        for ip in addresses:
            self._lead("", self._key(ip), backends, chain)

    def _lead(self, kind: Literal["", "node_"], key: str, backends: Backends, chain: str) -> None:
        """What comes to `key` goes to `chain`, or to any of the backends."""
        endpoints = backends.endpoints
        if not endpoints:
            blocked = "blocked_node_ports" if kind else "blocked_ips"
            self.out.elements.append(Element(blocked, key, "drop" if backends.otherwise == "drop" else "goto refuse"))
            return
        if not chain and (self.port.affinity_s or len(endpoints) > SHARED_ENDPOINTS):
            chain = self._own(endpoints)
        elif not chain:
            chain = f"{'node-' if kind else ''}balance-{len(endpoints)}"
            numbered = (Element(f"{kind}endpoints", f"{key} . {i}", f"{e.ip} . {e.port}") for i, e in enumerate(endpoints))
            self.out.elements.extend(numbered)
        self.out.elements.append(Element("node_ports" if kind else "service_ips", key, f"goto {chain}"))

    def _own(self, endpoints: tuple[Endpoint, ...]) -> str:
        """The Service's own chain to one of `endpoints`, by what the client had last or at random; '' for none."""
        if not endpoints:
            return ""
        if endpoints in self._chains:
            return self._chains[endpoints]
        chain = self._chains[endpoints] = f"service-{self.name}/{len(self._chains)}"
        pick = f"numgen random mod {len(endpoints)}"
        if not self.port.affinity_s:
            places = ", ".join(f"{i} : {e.ip} . {e.port}" for i, e in enumerate(endpoints))
            self.out.chains[chain] = (f"meta l4proto {self.port.protocol} dnat ip to {pick} map {{ {places} }}",)
            return chain
        ends = [self._remembering(endpoint) for endpoint in endpoints]
        known = [f"ip saddr @{clients} goto {end}" for end, clients in ends]
        fresh = ", ".join(f"{i} : goto {end}" for i, (end, _) in enumerate(ends))
        self.out.chains[chain] = (*known, f"{pick} vmap {{ {fresh} }}")
        return chain

    def _remembering(self, endpoint: Endpoint) -> tuple[str, str]:
        """The chain to one endpoint that remembers its clients, and the set of them."""
        name = f"{self.name}/{endpoint.ip}/{endpoint.port}"
        clients = f"clients-{name}/{self.port.affinity_s}"
        self.out.affinity_sets[clients] = self.port.affinity_s
        self.out.chains[f"endpoint-{name}"] = (
            f"update @{clients} {{ ip saddr }}",
            f"meta l4proto {self.port.protocol} dnat to {endpoint.ip}:{endpoint.port}",
        )
        return f"endpoint-{name}", clients


def _name(text: str) -> str:
    """`text` as part of nft names, which are at most 127 characters: cut where it is longer, unique by a hash."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{digest}-{text[:NAME_KEPT_CHARS]}"
