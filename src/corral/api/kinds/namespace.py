"""Namespaces."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


class NamespaceRules(Rules):
    """Rules of v1 Namespace."""

    has_status = True
    name_format = "dns_label"

    def default(self, obj: Object) -> None:
        """A label that says the name; active."""
        name = obj["metadata"].get("name")
        if name:
            labels = obj["metadata"].get("labels") or {}
            obj["metadata"]["labels"] = {**labels, NAME_LABEL: name}
        obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Active"

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Active, and with the finalizer that lets its contents be deleted first."""
        obj["status"] = {"phase": "Active"}
        finalizers = obj["spec"].get("finalizers") or []
        if FINALIZER not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, FINALIZER]
        self.default(obj)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """Only the finalize subresource changes the spec's finalizers."""
        super().prepare_update(new, old, subresource, context)
        if subresource != "finalize":
            new["spec"] = old.get("spec") or {}

    def validate_create(self, obj: Object) -> Errors:
        """The finalizers' names."""
        errs = Errors()
        for i, finalizer in enumerate((obj.get("spec") or {}).get("finalizers") or ()):
            at = Path("spec").child("finalizers").at(i)
            errs.each(at, finalizer, names.qualified_name(finalizer))
            if "/" not in finalizer and finalizer != FINALIZER:
                errs.invalid(at, finalizer, "name is neither a standard finalizer name nor is it fully qualified")
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The phase follows from the deletion timestamp."""
        if subresource != "status":
            return self.validate_create(new)
        errs = Errors()
        phase, wanted = (new.get("status") or {}).get("phase"), "Active"
        if new["metadata"].get("deletionTimestamp"):
            wanted = "Terminating"
        if phase != wanted:
            reason = "is not empty" if wanted == "Terminating" else "is empty"
            errs.invalid("status.Phase", phase, f"may only be '{wanted}' if `deletionTimestamp` {reason}")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), (obj.get("status") or {}).get("phase", ""), rows.age(obj, now_s)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The phase; `name` is the old way to say metadata.name."""
        return {"status.phase": (obj.get("status") or {}).get("phase", ""), "name": rows.name(obj)}


RULES = {"Namespace": NamespaceRules()}
