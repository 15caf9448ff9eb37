"""Endpoints: the older, single-object form of EndpointSlices."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.servicecheck import PROTOCOLS, special_address
from corral.api.objects import Object
from corral.api.rules import Rules
from corral.base.addresses import bracketed

SHOWN = 3


class EndpointsRules(Rules):
    """Rules of v1 Endpoints."""

    deprecation = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """Ports are TCP."""
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                if not port.get("protocol"):
                    port["protocol"] = "TCP"

    def validate_create(self, obj: Object) -> Errors:
        """Addresses and ports."""
        errs = Errors()
        for i, subset in enumerate(obj.get("subsets") or ()):
            at, ports = Path("subsets").at(i), subset.get("ports") or []
            if not subset.get("addresses") and not subset.get("notReadyAddresses"):
                errs.required(at, "must specify `addresses` or `notReadyAddresses`")
            for field in ("addresses", "notReadyAddresses"):
                for j, address in enumerate(subset.get(field) or ()):
                    _check_address(errs, address, at.child(field).at(j))
            for j, port in enumerate(ports):
                _check_port(errs, port, len(ports) > 1, at.child("ports").at(j))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), _endpoints(obj) or "<none>", rows.age(obj, now_s)]


def _check_address(errs: Errors, address: Object, path: Path) -> None:
    value, host, node = address.get("ip", ""), address.get("hostname", ""), address.get("nodeName")
    errs.each(path.child("ip"), value, names.ip_address(value))
    if host:
        errs.each(path.child("hostname"), host, names.dns_label(host))
    if node is not None:
        errs.each(path.child("nodeName"), node, names.dns_subdomain(node))
    errs.each(path.child("ip"), value, special_address(value))


def _check_port(errs: Errors, port: Object, needs_name: bool, path: Path) -> None:
    name, number, protocol = port.get("name", ""), port.get("port", 0), port.get("protocol", "")
    if name:
        errs.each(path.child("name"), name, names.dns_label(name))
    elif needs_name:
        errs.required(path.child("name"))
    errs.each(path.child("port"), number, names.port_number(number))
    if not protocol:
        errs.required(path.child("protocol"))
    elif protocol not in PROTOCOLS:
        errs.unsupported(path.child("protocol"), protocol, PROTOCOLS)
    application = port.get("appProtocol")
    if application is not None:
        errs.each(path.child("appProtocol"), application, names.qualified_name(application))


def _endpoints(obj: Object) -> str:
    found = []
    for subset in obj.get("subsets") or ():
        addresses = [a.get("ip", "") for a in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            found += addresses
        for port in ports:
            found += [f"{bracketed(a)}:{port['port']}" for a in addresses]
    return rows.first_of(found, SHOWN)


RULES = {"Endpoints": EndpointsRules()}
