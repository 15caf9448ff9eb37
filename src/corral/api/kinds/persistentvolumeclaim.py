"""PersistentVolumeClaims."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.claimspec import check_claim_spec, default_claim_spec
from corral.api.kinds.computeresources import check_not_negative, is_native
from corral.api.kinds.specdiff import diff
from corral.api.objects import Object, copied
from corral.api.persistentvolumes import BETA_CLASS
from corral.api.quantity import parse
from corral.api.rules import Context, Rules

FINALIZER = "kubernetes.io/pvc-protection"
RESIZE_STATES = (
    "ControllerResizeInfeasible",
    "ControllerResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizePending",
)
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
            _check_status(errs, new)
            return errs
        errs = self.validate_create(new)
        spec, former = copied(new["spec"]), copied(old["spec"])
        if not former.get("volumeName"):
            former["volumeName"] = spec.get("volumeName", "")
        _settle_class(errs, new, old, spec, former)
        if (new.get("status") or {}).get("phase") == "Bound":
            if (spec.get("resources") or {}).get("requests"):
                spec["resources"]["requests"]["storage"] = former["resources"]["requests"]["storage"]
            for either in (spec, former):
                either.pop("volumeAttributesClassName", None)
        if _plain(spec) != _plain(former):
            errs.forbidden("spec", f"{_KEPT}\n{diff(_plain(former), _plain(spec))}")
        _check_size(errs, new, old)
        if new["spec"].get("volumeMode") != old["spec"].get("volumeMode"):
            errs.invalid("volumeMode", new["spec"].get("volumeMode"), "field is immutable")
        _check_attributes_class(errs, new["spec"], old)
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
    """Which class a volume got can change, but not go."""
    after = new.get("volumeAttributesClassName")
    had = (old.get("status") or {}).get("currentVolumeAttributesClassName")
    if after == old["spec"].get("volumeAttributesClassName") or had is None or after:
        return
    nothing = "nil" if after is None else "empty string"
    why = f"update to {nothing} is forbidden when status.currentVolumeAttributesClassName is not nil"
    errs.forbidden("spec.volumeAttributesClassName", why)


def _settle_class(errs: Errors, new: Object, old: Object, spec: Object, former: Object) -> None:
    """The storage class stays, but may move from the old annotation to its field, or be found later."""
    classes = [(o["metadata"].get("annotations") or {}).get(BETA_CLASS) for o in (new, old)]
    after, before = spec.get("storageClassName"), former.get("storageClassName")
    moved = before is None and after is not None and classes[1] in (None, after)
    if moved:
        former["storageClassName"] = after
    if (classes[0] or "") != (classes[1] or "") and not (moved and classes == [None, after]):
        errs.invalid(f"metadata.annotations.{BETA_CLASS}", classes[0] or "", "field is immutable")


def _check_status(errs: Errors, claim: Object) -> None:
    status, path = claim.get("status") or {}, Path("status")
    if not claim["spec"].get("accessModes"):
        errs.required("Spec.accessModes")
    for name, amount in sorted((status.get("capacity") or {}).items()):
        check_not_negative(errs, amount, path.child("capacity").key(name))
    at = path.child("allocatedResourceStatuses")
    for name, state in sorted((status.get("allocatedResourceStatuses") or {}).items()):
        _check_resource(errs, name, at)
        if state not in RESIZE_STATES:
            errs.unsupported(at, name, RESIZE_STATES)
    at = path.child("allocatedResources")
    for name, amount in sorted((status.get("allocatedResources") or {}).items()):
        if _check_resource(errs, name, at):
            check_not_negative(errs, amount, at.key(name))


def _check_resource(errs: Errors, name: str, path: Path) -> bool:
    """The name of what a claim can have: storage, or of somebody's own."""
    faults = names.qualified_name(name)
    errs.each(path, name, faults)
    native = is_native(name)
    if not faults and native and name != "storage":
        errs.unsupported(path, name, ("storage",))
    return not faults and (not native or name == "storage")


RULES = {"PersistentVolumeClaim": PersistentVolumeClaimRules()}
