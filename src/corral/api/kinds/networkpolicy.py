"""NetworkPolicies."""

import ipaddress

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.selector import check_selector
from corral.api.objects import Object
from corral.api.rules import Rules

PROTOCOLS = ("TCP", "UDP", "SCTP")
POLICY_TYPES = ("Ingress", "Egress")
_DIRECTIONS = (("ingress", "from"), ("egress", "to"))


class NetworkPolicyRules(Rules):
    """Rules of networking.k8s.io/v1 NetworkPolicy."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """Ports are TCP; a policy is about what comes in, and about what goes out if it has rules for that."""
        spec = obj.setdefault("spec", {})
        for direction, _ in _DIRECTIONS:
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    if port.get("protocol") is None:
                        port["protocol"] = "TCP"
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]

    def validate_create(self, obj: Object) -> Errors:
        """Selectors, ports and peers."""
        errs, spec, path = Errors(), obj.get("spec") or {}, Path("spec")
        check_selector(errs, spec.get("podSelector"), path.child("podSelector"))
        for direction, peers in _DIRECTIONS:
            for i, rule in enumerate(spec.get(direction) or ()):
                at = path.child(direction).at(i)
                for j, port in enumerate(rule.get("ports") or ()):
                    _check_port(errs, port, at.child("ports").at(j))
                for j, peer in enumerate(rule.get(peers) or ()):
                    _check_peer(errs, peer, at.child(peers).at(j))
        kinds = spec.get("policyTypes") or []
        if len(kinds) > len(POLICY_TYPES):
            errs.invalid(path.child("policyTypes"), kinds, "may not specify more than two policyTypes")
            return errs
        for i, kind in enumerate(kinds):
            if kind not in POLICY_TYPES:
                errs.unsupported(path.child("policyTypes").at(i), kind, POLICY_TYPES)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), rows.selector(obj["spec"].get("podSelector") or {}), rows.age(obj, now_s)]


def _check_port(errs: Errors, port: Object, path: Path) -> None:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in PROTOCOLS:
        errs.unsupported(path.child("protocol"), protocol, PROTOCOLS)
    at = path.child("endPort")
    if number is None:
        if end is not None:
            errs.invalid(at, end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            errs.invalid(at, end, "may not be specified when `port` is non-numeric")
        errs.each(path.child("port"), number, names.port_name(number))
    else:
        errs.each(path.child("port"), number, names.port_number(number))
        if end is not None:
            if end < number:
                errs.invalid(at, end, "must be greater than or equal to `port`")
            errs.each(at, end, names.port_number(end))


def _check_peer(errs: Errors, peer: Object, path: Path) -> None:
    given = [f for f in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(f) is not None]
    for field in ("podSelector", "namespaceSelector"):
        check_selector(errs, peer.get(field), path.child(field))
    if "ipBlock" in given:
        _check_block(errs, peer["ipBlock"], path.child("ipBlock"))
    if not given:
        errs.required(path, "must specify a peer")
    elif "ipBlock" in given and len(given) > 1:
        errs.forbidden(path, "may not specify both ipBlock and another peer")


def _check_block(errs: Errors, block: Object, path: Path) -> None:
    cidr = block.get("cidr", "")
    if not cidr:
        errs.required(path.child("cidr"))
        return
    wrong = names.cidr(cidr)
    errs.each(path.child("cidr"), cidr, wrong)
    if wrong:
        return
    outer = ipaddress.ip_network(cidr, strict=False)
    for i, inner in enumerate(block.get("except") or ()):
        at = path.child("except").at(i)
        wrong = names.cidr(inner)
        errs.each(at, inner, wrong)
        if not wrong and not _is_strict_subset(ipaddress.ip_network(inner, strict=False), outer):
            errs.invalid(at, inner, "must be a strict subset of `cidr`")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _is_strict_subset(inner: Network, outer: Network) -> bool:
    if inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    return inner.network_address in outer


RULES = {"NetworkPolicy": NetworkPolicyRules()}
