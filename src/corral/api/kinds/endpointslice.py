"""EndpointSlices."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.selector import check_labels
from corral.api.kinds.servicecheck import PROTOCOLS, special_address
from corral.api.objects import Object
from corral.api.rules import Rules

SHOWN = 3
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MAX_ENDPOINTS = 1000
MAX_ADDRESSES = 100
MAX_PORTS = 20000
MAX_TOPOLOGY = 16
MAX_ZONES = 8


class EndpointSliceRules(Rules):
    """Rules of discovery.k8s.io/v1 EndpointSlice."""

    has_generation = True
    generation_counts_labels = True

    def default(self, obj: Object) -> None:
        """Ports have a name, if an empty one, and are TCP."""
        for port in obj.get("ports") or ():
            if port.get("name") is None:
                port["name"] = ""
            if port.get("protocol") is None:
                port["protocol"] = "TCP"

    def validate_create(self, obj: Object) -> Errors:
        """The type of the addresses, the addresses, the ports."""
        errs = Errors()
        kind, endpoints, ports = obj.get("addressType", ""), obj.get("endpoints") or [], obj.get("ports") or []
        if not kind:
            errs.required("addressType")
        elif kind not in ADDRESS_TYPES:
            errs.unsupported("addressType", kind, ADDRESS_TYPES)
        if len(endpoints) > MAX_ENDPOINTS:
            errs.too_many("endpoints", len(endpoints), MAX_ENDPOINTS)
        else:
            for i, endpoint in enumerate(endpoints):
                _check_endpoint(errs, endpoint, kind, Path("endpoints").at(i))
        if len(ports) > MAX_PORTS:
            errs.too_many("ports", len(ports), MAX_PORTS)
        else:
            _check_ports(errs, ports, Path("ports"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the type stays."""
        errs = self.validate_create(new)
        if new.get("addressType") != old.get("addressType"):
            errs.invalid("addressType", new.get("addressType"), "field is immutable")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        ports = [str(p["port"]) if p.get("port") is not None else "*" for p in obj.get("ports") or ()]
        addresses = [a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()]
        return [
            rows.name(obj),
            obj.get("addressType", ""),
            rows.first_of(ports, SHOWN) or "<unset>",
            rows.first_of(addresses, SHOWN) or "<unset>",
            rows.age(obj, now_s),
        ]


def _check_endpoint(errs: Errors, endpoint: Object, kind: str, path: Path) -> None:
    addresses, at = endpoint.get("addresses") or [], path.child("addresses")
    if not addresses:
        errs.required(at, "must contain at least 1 address")
    elif len(addresses) > MAX_ADDRESSES:
        errs.too_many(at, len(addresses), MAX_ADDRESSES)
    for i, address in enumerate(addresses):
        _check_address(errs, address, kind, at.at(i))
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    if node is not None:
        errs.each(path.child("nodeName"), node, names.dns_subdomain(node))
    topology = endpoint.get("deprecatedTopology") or {}
    if len(topology) > MAX_TOPOLOGY:
        errs.too_many(path.child("deprecatedTopology"), len(topology), MAX_TOPOLOGY)
    check_labels(errs, topology, path.child("deprecatedTopology"))
    if host is not None:
        errs.each(path.child("hostname"), host, names.dns_label(host))
    for field in ("forZones", "forNodes"):
        _check_hints(errs, (endpoint.get("hints") or {}).get(field) or [], path.child("hints", field))


def _check_address(errs: Errors, address: str, kind: str, path: Path) -> None:
    if kind == "FQDN":
        errs.each(path, address, names.dns_subdomain(address))
    elif kind in ("IPv4", "IPv6"):
        wrong = names.ip_address(address)
        if not wrong and (":" in address) != (kind == "IPv6"):
            wrong = [f"must be an {kind} address"]
        errs.each(path, address, wrong)
        errs.each(path, address, special_address(address))


def _check_hints(errs: Errors, hints: list[Object], path: Path) -> None:
    if len(hints) > MAX_ZONES:
        errs.too_many(path, len(hints), MAX_ZONES)
        return
    seen: set[str] = set()
    for i, hint in enumerate(hints):
        name = hint.get("name", "")
        if name in seen:
            errs.duplicate(path.at(i).child("name"), name)
        seen.add(name)
        errs.each(path.at(i).child("name"), name, names.label_value(name))


def _check_ports(errs: Errors, ports: list[Object], path: Path) -> None:
    seen: set[str] = set()
    for i, port in enumerate(ports):
        at, name, protocol = path.at(i), port.get("name") or "", port.get("protocol")
        if name in seen:
            errs.duplicate(at.child("name"), name)
        seen.add(name)
        if name:
            errs.each(at.child("name"), name, names.dns_label(name))
        if protocol is None:
            errs.required(at.child("protocol"))
        elif protocol not in PROTOCOLS:
            errs.unsupported(at.child("protocol"), protocol, PROTOCOLS)
        application = port.get("appProtocol")
        if application is not None:
            errs.each(at.child("appProtocol"), application, names.qualified_name(application))


RULES = {"EndpointSlice": EndpointSliceRules()}
