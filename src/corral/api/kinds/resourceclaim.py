"""ResourceClaims and their templates (KEP-4381)."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.devices import check_devices, check_size, default_devices
from corral.api.kinds.gostructs import shown_claim
from corral.api.kinds.workload import IMMUTABLE
from corral.api.metadata import validate_annotations, validate_labels
from corral.api.objects import Object
from corral.api.rules import OWN_METADATA, Rules

MAX_RESERVED_FOR = 256


class ResourceClaimRules(Rules):
    """Rules of resource.k8s.io/v1 ResourceClaim."""

    has_status = True
    status_keeps = OWN_METADATA

    def default(self, obj: Object) -> None:
        """One device for each request."""
        default_devices(obj.setdefault("spec", {}).get("devices"))

    def validate_create(self, obj: Object) -> Errors:
        """The devices that are asked for."""
        errs = Errors()
        check_devices(errs, obj["spec"].get("devices") or {}, Path("spec").child("devices"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec stays; of the status, an allocation does."""
        errs = Errors()
        if not subresource:
            if new["spec"] != old["spec"]:
                errs.invalid("spec", shown_claim(new["spec"]), IMMUTABLE)
            return errs
        status, before, path = new.get("status") or {}, old.get("status") or {}, Path("status")
        reserved, at = status.get("reservedFor") or [], path.child("reservedFor")
        check_size(errs, reserved, at, MAX_RESERVED_FOR)
        for i, user in enumerate(reserved):
            for field in ("resource", "name", "uid"):
                if not user.get(field):
                    errs.required(at.at(i).child(field))
        if reserved and status.get("allocation") is None:
            errs.forbidden(at, "may not be specified when `allocated` is not set")
        kept = before.get("allocation")
        if kept is not None and status.get("allocation") not in (None, kept):
            errs.invalid(path.child("allocation"), status["allocation"], IMMUTABLE)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        status, states = obj.get("status") or {}, []
        if obj["metadata"].get("deletionTimestamp"):
            states.append("deleted")
        if status.get("allocation") is not None:
            states.append("allocated")
            if status.get("reservedFor"):
                states.append("reserved")
        elif not states:
            states.append("pending")
        return [rows.name(obj), ",".join(states), rows.age(obj, now_s)]


class ResourceClaimTemplateRules(Rules):
    """Rules of resource.k8s.io/v1 ResourceClaimTemplate."""

    def default(self, obj: Object) -> None:
        """One device for each request."""
        default_devices(obj.setdefault("spec", {}).setdefault("spec", {}).get("devices"))

    def validate_create(self, obj: Object) -> Errors:
        """The metadata and the spec of the claims."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        meta = spec.get("metadata") or {}
        validate_annotations(errs, path.child("metadata", "annotations"), meta.get("annotations"))
        validate_labels(errs, path.child("metadata", "labels"), meta.get("labels"))
        check_devices(errs, spec["spec"].get("devices") or {}, path.child("spec", "devices"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec stays."""
        errs = Errors()
        if new["spec"] != old["spec"]:
            errs.invalid("spec", {**(new["spec"].get("metadata") or {}), "Spec": shown_claim(new["spec"]["spec"])}, IMMUTABLE)
        return errs


RULES: dict[str, Rules] = {"ResourceClaim": ResourceClaimRules(), "ResourceClaimTemplate": ResourceClaimTemplateRules()}
