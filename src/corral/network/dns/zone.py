"""What the names of the cluster mean: Services, their endpoints, pods by address, and addresses back to names.

https://github.com/kubernetes/dns/blob/master/docs/specification.md (version 1.1.0), and
https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/.
"""

from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import NamedTuple

from msgspec import Struct, field

from corral.api.objects import Object
from corral.client.informer import Informer, by_namespace
from corral.network.services import by_service, service_of

TTL_S = 5
SPEC_VERSION = "1.1.0"
REVERSE_SUFFIX = ".in-addr.arpa"


class Record(NamedTuple):
    """One resource record in presentation format; `name` and names in `data` are absolute, with the last dot."""

    name: str
    type: str
    data: str


class Answer(Struct):
    """What the zone says. Without `exists` the name is not there (NXDOMAIN); `alias` is a name that is yet to be resolved."""

    exists: bool = True
    records: list[Record] = field(default_factory=list)
    additional: list[Record] = field(default_factory=list)
    alias: str = ""


NOT_THERE = Answer(exists=False)


def by_cluster_ip(service: Object) -> Iterable[str]:
    """Index of Services: their cluster IPs."""
    spec = service.get("spec") or {}
    return [ip for ip in spec.get("clusterIPs") or [spec.get("clusterIP", "")] if ip not in ("", "None")]


def by_address(slice: Object) -> Iterable[str]:
    """Index of EndpointSlices: the addresses of their ready endpoints."""
    return {address for endpoint in _ready(slice) for address in endpoint["addresses"]}


class Zone:
    """The zone `domain` and the reverse zones of the cluster's ranges, as the informers have it now."""

    def __init__(self, domain: str, services: Informer, slices: Informer, ranges: Iterable[str]) -> None:
        self.domain = domain.strip(".").lower() + "."
        self._services = services
        self._slices = slices
        self._ranges = [IPv4Network(text) for text in ranges]
        services.add_index("clusterIP", by_cluster_ip)
        services.add_index("namespace", by_namespace)
        slices.add_index("service", by_service)
        slices.add_index("readyAddress", by_address)

    @property
    def ready(self) -> bool:
        """Whether it knows; before, every answer would be a guess."""
        return self._services.synced.is_set() and self._slices.synced.is_set()

    @property
    def soa(self) -> Record:
        """The zone's start of authority, which negative answers carry."""
        return Record(self.domain, "SOA", f"ns.dns.{self.domain} hostmaster.{self.domain} 1 7200 1800 86400 {TTL_S}")

    def answer(self, name: str, type: str) -> Answer | None:
        """What is known of `name` (absolute, lower case); None where another server is to be asked."""
        if name == self.domain or name.endswith("." + self.domain):
            relative = name[: -len(self.domain)].strip(".")
            return self._forward(name, relative.split(".") if relative else [], type)
        if name.endswith(REVERSE_SUFFIX + "."):
            return self._reverse(name, type)
        return None

    def _forward(self, name: str, labels: list[str], type: str) -> Answer | None:
        match labels:
            case []:
                return Answer(records=[self.soa] if type == "SOA" else self._name_servers() if type == "NS" else [])
            case ["dns-version"]:
                return Answer(records=[Record(name, "TXT", f'"{SPEC_VERSION}"')] if type == "TXT" else [])
            case ["ns", "dns"] | ["dns"] | ["svc"] | ["pod"]:
                return Answer()
            case [namespace, "svc" | "pod"]:
                return Answer() if self._services.indexed("namespace", namespace) else NOT_THERE
            case [address, _, "pod"]:
                return self._pod(name, address, type)
            case [*rest, service_name, namespace, "svc"]:
                service = self._services.get(namespace, service_name)
                return NOT_THERE if service is None else self._service(name, rest, service, type)
        return NOT_THERE

    def _name_servers(self) -> list[Record]:
        return [Record(self.domain, "NS", f"ns.dns.{self.domain}")]

    def _pod(self, name: str, address: str, type: str) -> Answer:
        try:
            ip = IPv4Address(address.replace("-", "."))
        except AddressValueError:
            return NOT_THERE
        return Answer(records=[Record(name, "A", str(ip))] if type == "A" else [])

    def _service(self, name: str, rest: list[str], service: Object, type: str) -> Answer:
        spec = service.get("spec") or {}
        external_name = spec.get("externalName", "") if spec.get("type") == "ExternalName" else ""
        if external_name:
            if rest:
                return NOT_THERE
            target = external_name.rstrip(".").lower() + "."
            return Answer(records=[Record(name, "CNAME", target)], alias="" if type == "CNAME" else target)
        match rest:
            case []:
                return Answer(records=[Record(name, "A", ip) for ip in self._addresses(service)] if type == "A" else [])
            case [port, protocol] if port.startswith("_") and protocol.startswith("_"):
                return self._srv(name, port[1:], protocol[1:], service, type)
            case [protocol] if protocol.startswith("_"):
                found = any(p.get("protocol", "TCP").lower() == protocol[1:] for p in spec.get("ports") or ())
                return Answer() if found else NOT_THERE
            case [host]:
                ips = [ip for ip, hostname, _ in self._endpoints(service) if hostname == host]
                return Answer(bool(ips), [Record(name, "A", ip) for ip in ips] if type == "A" else [])
        return NOT_THERE

    def _srv(self, name: str, port: str, protocol: str, service: Object, type: str) -> Answer:
        own = self._full_name(service)
        found: dict[Record, Record] = {}
        if _is_headless(service):
            for ip, hostname, slice in self._endpoints(service):
                for p in slice.get("ports") or ():
                    if (p.get("name") or "") == port and p.get("protocol", "TCP").lower() == protocol and p.get("port"):
                        target = f"{hostname}.{own}"
                        found[Record(name, "SRV", f"0 100 {p['port']} {target}")] = Record(target, "A", ip)
        else:
            for p in service["spec"].get("ports") or ():
                if p.get("name", "") == port and p.get("protocol", "TCP").lower() == protocol:
                    for ip in self._addresses(service):
                        found[Record(name, "SRV", f"0 100 {p['port']} {own}")] = Record(own, "A", ip)
        if not found:
            return NOT_THERE
        return Answer(records=list(found), additional=list(found.values())) if type == "SRV" else Answer()

    def _reverse(self, name: str, type: str) -> Answer | None:
        labels = name[: -len(REVERSE_SUFFIX) - 1].split(".")
        try:
            ip = IPv4Address(".".join(reversed(labels)))
        except AddressValueError:
            return None
        names = [self._full_name(service) for service in self._services.indexed("clusterIP", str(ip))]
        if not names:
            for slice in self._slices.indexed("readyAddress", str(ip)):
                service = self._services.get(*service_of(slice))
                if service is not None:
                    names += [f"{host}.{self._full_name(service)}" for at, host, _ in self._endpoints(service) if at == str(ip)]
        if names:
            return Answer(records=[Record(name, "PTR", n) for n in dict.fromkeys(names)] if type == "PTR" else [])
        return NOT_THERE if any(ip in network for network in self._ranges) else None

    def _full_name(self, service: Object) -> str:
        meta = service["metadata"]
        return f"{meta['name']}.{meta.get('namespace', '')}.svc.{self.domain}"

    def _addresses(self, service: Object) -> list[str]:
        if _is_headless(service):
            return list(dict.fromkeys(ip for ip, _, _ in self._endpoints(service)))
        return [ip for ip in by_cluster_ip(service) if ":" not in ip]

    def _endpoints(self, service: Object) -> Iterator[tuple[str, str, Object]]:
        """Address, host name and slice of each ready endpoint; without a host name, the address with dashes."""
        meta = service["metadata"]
        for slice in self._slices.indexed("service", f"{meta.get('namespace', '')}/{meta['name']}"):
            if slice.get("addressType", "IPv4") == "IPv4":
                for endpoint in _ready(slice):
                    for ip in endpoint["addresses"]:
                        yield ip, endpoint.get("hostname") or ip.replace(".", "-"), slice


def _is_headless(service: Object) -> bool:
    return bool((service.get("spec") or {}).get("clusterIP", "") == "None")


def _ready(slice: Object) -> Iterator[Object]:
    for endpoint in slice.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False and endpoint.get("addresses"):
            yield endpoint
