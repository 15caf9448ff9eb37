"""ServiceCIDRs: the ranges of which Services get addresses (KEP-1880)."""

import ipaddress

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.workload import IMMUTABLE
from corral.api.objects import Object
from corral.api.rules import Rules

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Keeps a range while addresses of it are in use.
FINALIZER = "networking.k8s.io/service-cidr-finalizer"
_PATH = Path("spec").child("cidrs")
_BOTH = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


def networks(found: Object) -> list[Network]:
    """The ranges of a ServiceCIDR."""
    return [ipaddress.ip_network(cidr, strict=False) for cidr in found["spec"].get("cidrs") or ()]


class ServiceCIDRRules(Rules):
    """Rules of networking.k8s.io/v1 ServiceCIDR."""

    has_status = True

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def validate_create(self, obj: Object) -> Errors:
        """One range, or one of each family."""
        errs, ranges = Errors(), obj["spec"].get("cidrs") or []
        if not ranges:
            errs.required(_PATH, "at least one CIDR required")
            return errs
        if len(ranges) > 2:
            errs.invalid(_PATH, {"CIDRs": ranges}, "may only hold up to 2 values")
            return errs
        for i, text in enumerate(ranges):
            errs.each(_PATH.at(i), text, names.canonical_cidr(text))
        families = {":" in text for text in ranges if not names.cidr(text)}
        if len(ranges) == 2 and len(families) == 1 and not any(names.cidr(text) for text in ranges):
            errs.invalid(_PATH, ranges, _BOTH)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """A range stays; one of the other family may be added."""
        errs = Errors()
        if subresource:
            return errs
        ranges, before = new["spec"].get("cidrs") or [], old["spec"].get("cidrs") or []
        if len(ranges) == len(before):
            for i, (text, kept) in enumerate(zip(ranges, before, strict=True)):
                if text != kept:
                    errs.invalid(_PATH.at(i), text, IMMUTABLE)
        elif len(before) == 1 and len(ranges) == 2:
            if ranges[0] != before[0]:
                errs.invalid(_PATH.at(0), ranges[0], IMMUTABLE)
            errs.extend(self.validate_create(new))
        else:
            errs.invalid(_PATH, ranges or None, IMMUTABLE)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), ",".join(obj["spec"].get("cidrs") or ()), rows.age(obj, now_s)]


RULES = {"ServiceCIDR": ServiceCIDRRules()}
