"""Leases."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules


class LeaseRules(Rules):
    """Rules of coordination.k8s.io/v1 Lease."""

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """A spec is always there."""
        obj.setdefault("spec", {})

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj["spec"].get("holderIdentity") or "", rows.age(obj, now_s)]


RULES = {"Lease": LeaseRules()}
