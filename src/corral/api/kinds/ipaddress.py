"""IPAddresses: the addresses that Services hold (KEP-1880)."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.gostructs import PARENT_REF, shown
from corral.api.kinds.workload import IMMUTABLE
from corral.api.objects import Object
from corral.api.rules import Rules

#: Labels of the objects that follow from Services; other allocators name themselves.
FAMILY, MANAGED_BY = "ipaddress.kubernetes.io/ip-family", "ipaddress.kubernetes.io/managed-by"
MANAGER = "ipallocator.k8s.io"


def follows_service(address: Object) -> bool:
    """Whether the address was given to a Service by this cluster's own allocator."""
    return (address["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER


class IPAddressRules(Rules):
    """Rules of networking.k8s.io/v1 IPAddress."""

    name_format = "canonical_ip_address"

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def validate_create(self, obj: Object) -> Errors:
        """What holds the address."""
        errs, parent, path = Errors(), obj["spec"].get("parentRef"), Path("spec").child("parentRef")
        if parent is None:
            errs.required(path)
            return errs
        if parent.get("group"):
            errs.each(path.child("group"), parent["group"], names.dns_subdomain(parent["group"]))
        for field in ("resource", "name"):
            if not parent.get(field):
                errs.required(path.child(field))
            else:
                errs.each(path.child(field), parent[field], names.path_segment(parent[field]))
        namespace = parent.get("namespace")
        if namespace:
            errs.each(path.child("namespace"), namespace, names.path_segment(namespace))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """What holds the address stays."""
        errs, parent = Errors(), new["spec"].get("parentRef")
        if parent != old["spec"].get("parentRef"):
            errs.invalid("spec.parentRef", shown(parent, PARENT_REF), IMMUTABLE)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row. Its last cell has no column, as in the reference."""
        parent, used_by = obj["spec"].get("parentRef"), "<none>"
        if parent is not None:
            resource = ".".join(part for part in (parent.get("resource"), parent.get("group")) if part).lower()
            used_by = "/".join(part for part in (resource, parent.get("namespace"), parent.get("name")) if part)
        return [rows.name(obj), used_by, rows.age(obj, now_s)]


RULES = {"IPAddress": IPAddressRules()}
