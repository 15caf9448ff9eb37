"""PersistentVolumeClaims."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.claimspec import check_claim_spec, default_claim_spec
from corral.api.kinds.computeresources import check_not_negative
from corral.api.kinds.specdiff import diff
from corral.api.objects import Object, copied
from corral.api.persistentvolumes import BETA_CLASS
from corral.api.quantity import parse
from corral.api.rules import Context, Rules

FINALIZER = "kubernetes.io/pvc-protection"
_KEPT = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


class PersistentVolumeClaimRules(Rules):
    """Rules of v1 PersistentVolumeClaim."""

    has_status = True

    def default(self, obj: Object) -> None:
        """A file system; pending."""
        default_claim_spec(obj.setdefault("spec", {}))
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Pending"

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Pending, and protected while a pod uses it. The older data source and the newer reference say the same."""
        add_finalizer(obj, FINALIZER)
        obj["status"] = {"phase": "Pending"}
        spec = obj["spec"]
        source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
        if source is not None and reference is None:
            spec["dataSourceRef"] = copied(source)
        elif reference is not None and source is None and not reference.get("namespace"):
            spec["dataSource"] = {k: v for k, v in reference.items() if k != "namespace"}

    def validate_create(self, obj: Object) -> Errors:
        """The spec."""
        errs = Errors()
        check_claim_spec(errs, obj["spec"], Path("spec"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """A bound claim may grow; the rest stays."""
        errs = Errors()
        if subresource == "status":
            for name, amount in sorted(((new.get("status") or {}).get("capacity") or {}).items()):
                check_not_negative(errs, amount, Path("status").child("capacity").key(name))
            return errs
        errs = self.validate_create(new)
        spec, former = copied(new["spec"]), copied(old["spec"])
        if not former.get("volumeName"):
            former["volumeName"] = spec.get("volumeName", "")
        if former.get("storageClassName") is None and spec.get("storageClassName") is not None:
            beta = (old["metadata"].get("annotations") or {}).get(BETA_CLASS)
            if beta in (None, spec["storageClassName"]):
                former["storageClassName"] = spec["storageClassName"]
        if (new.get("status") or {}).get("phase") == "Bound" and (spec.get("resources") or {}).get("requests"):
            spec["resources"]["requests"]["storage"] = former["resources"]["requests"]["storage"]
        former.pop("volumeAttributesClassName", None)
        spec.pop("volumeAttributesClassName", None)
        if _plain(spec) != _plain(former):
            errs.forbidden("spec", f"{_KEPT}\n{diff(_plain(former), _plain(spec))}")
        _check_size(errs, new, old)
        if new["spec"].get("volumeMode") != old["spec"].get("volumeMode"):
            errs.invalid("volumeMode", new["spec"].get("volumeMode"), "field is immutable")
        _check_attributes_class(errs, new["spec"], old["spec"])
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        volume, capacity, modes = spec.get("volumeName", ""), "", ""
        if volume:
            capacity = (status.get("capacity") or {}).get("storage", "")
            modes = rows.access_modes(status.get("accessModes"))
        phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
        beta = (obj["metadata"].get("annotations") or {}).get(BETA_CLASS)
        return [
            rows.name(obj),
            phase,
            volume,
            capacity,
            modes,
            beta or spec.get("storageClassName") or "",
            spec.get("volumeAttributesClassName") or "<unset>",
            rows.age(obj, now_s),
            spec.get("volumeMode") or "<unset>",
        ]


def add_finalizer(obj: Object, finalizer: str) -> None:
    """Have `finalizer` hold the object's deletion."""
    finalizers = obj["metadata"].get("finalizers") or []
    if finalizer not in finalizers:
        obj["metadata"]["finalizers"] = [*finalizers, finalizer]


def _plain(spec: Object) -> Object:
    return {k: v for k, v in sorted(spec.items()) if v not in (None, "", [], {})}


def _check_size(errs: Errors, new: Object, old: Object) -> None:
    def size(obj: Object) -> str:
        amount: str = ((obj["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0")
        return amount

    if parse(size(new)) < parse(size(old)):
        held = ((old.get("status") or {}).get("capacity") or {}).get("storage", "0")
        if parse(size(new)) <= parse(held):
            errs.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


def _check_attributes_class(errs: Errors, new: Object, old: Object) -> None:
    after, before = new.get("volumeAttributesClassName"), old.get("volumeAttributesClassName")
    if after == before or before is None:
        return
    if after is None:
        errs.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
    elif not after:
        errs.forbidden("spec.volumeAttributesClassName", "update from non-nil value to an empty string is forbidden")
    else:
        errs.each("spec.volumeAttributesClassName", after, names.dns_subdomain(after))


RULES = {"PersistentVolumeClaim": PersistentVolumeClaimRules()}
