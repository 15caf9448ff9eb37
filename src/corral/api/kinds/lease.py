"""Leases."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules


class LeaseRules(Rules):
    """Rules of coordination.k8s.io/v1 Lease."""

    allow_create_on_update = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """A spec is always there."""
        obj.setdefault("spec", {})

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Elections that are coordinated (KEP-4355) are off: their fields are dropped."""
        for field in ("strategy", "preferredHolder"):
            obj["spec"].pop(field, None)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """The same, unless they were there."""
        for field in ("strategy", "preferredHolder"):
            if (old.get("spec") or {}).get(field) is None:
                new["spec"].pop(field, None)

    def validate_create(self, obj: Object) -> Errors:
        """A duration above zero, a count not below."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if duration is not None and duration <= 0:
            errs.invalid(path.child("leaseDurationSeconds"), duration, "must be greater than 0")
        if transitions is not None and transitions < 0:
            errs.invalid(path.child("leaseTransitions"), transitions, "must be greater than or equal to 0")
        if spec.get("preferredHolder") and not spec.get("strategy"):
            errs.forbidden(path.child("preferredHolder"), "may only be specified when `strategy` is defined")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj["spec"].get("holderIdentity") or "", rows.age(obj, now_s)]


RULES = {"Lease": LeaseRules()}
