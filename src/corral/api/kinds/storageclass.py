"""StorageClasses."""

from corral.api import names
from corral.api.defaultclasses import STORAGE, is_default
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.workload import check_immutable
from corral.api.objects import Object
from corral.api.rules import Rules

RECLAIM_POLICIES = ("Delete", "Retain")
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
MAX_PARAMETERS = 512
PARAMETERS_MAX_BYTES = 256 * 1024


class StorageClassRules(Rules):
    """Rules of storage.k8s.io/v1 StorageClass."""

    def default(self, obj: Object) -> None:
        """Volumes are deleted with their claims, and bound at once."""
        if obj.get("reclaimPolicy") is None:
            obj["reclaimPolicy"] = "Delete"
        if obj.get("volumeBindingMode") is None:
            obj["volumeBindingMode"] = "Immediate"

    def validate_create(self, obj: Object) -> Errors:
        """The provisioner, its parameters, the modes, the places."""
        errs = Errors()
        check_provisioner(errs, obj.get("provisioner", ""), Path("provisioner"))
        check_parameters(errs, obj.get("parameters") or {}, Path("parameters"))
        reclaim, mode = obj.get("reclaimPolicy"), obj.get("volumeBindingMode")
        if reclaim and reclaim not in RECLAIM_POLICIES:
            errs.unsupported("reclaimPolicy", reclaim, RECLAIM_POLICIES)
        if mode is None:
            errs.required("volumeBindingMode")
        elif mode not in BINDING_MODES:
            errs.unsupported("volumeBindingMode", mode, BINDING_MODES)
        for i, term in enumerate(obj.get("allowedTopologies") or ()):
            _check_topology(errs, term, Path("allowedTopologies").at(i))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """What volumes are made from stays."""
        errs = Errors()
        for field in ("parameters", "provisioner", "reclaimPolicy"):
            forbid_change(errs, new, old, field)
        check_immutable(errs, new, old, "volumeBindingMode", Path())
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        name = rows.name(obj)
        if is_default(obj, STORAGE):
            name += " (default)"
        return [
            name,
            obj.get("provisioner", ""),
            obj.get("reclaimPolicy") or "Delete",
            obj.get("volumeBindingMode") or "Immediate",
            bool(obj.get("allowVolumeExpansion")),
            rows.age(obj, now_s),
        ]


def forbid_change(errs: Errors, new: Object, old: Object, field: str) -> None:
    """A field of the object itself that no write changes."""
    if (new.get(field) or None) != (old.get(field) or None):
        errs.forbidden(field, f"updates to {field} are forbidden.")


def check_provisioner(errs: Errors, name: str, path: Path) -> None:
    """A qualified name, in any case."""
    if not name:
        errs.required(path)
        return
    errs.each(path, name.lower(), names.qualified_name(name.lower()))


def check_parameters(errs: Errors, parameters: dict[str, str], path: Path) -> None:
    """Not too many, not too large, each with a name."""
    if len(parameters) > MAX_PARAMETERS:
        errs.too_long(path, MAX_PARAMETERS)
        return
    if "" in parameters:
        errs.invalid(path, "", "field can not be empty.")
    if sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items()) > PARAMETERS_MAX_BYTES:
        errs.too_long(path, PARAMETERS_MAX_BYTES)


def _check_topology(errs: Errors, term: Object, path: Path) -> None:
    keys: set[str] = set()
    for i, expression in enumerate(term.get("matchLabelExpressions") or ()):
        at, key = path.child("matchLabelExpressions").at(i), expression.get("key", "")
        values: set[str] = set()
        if not expression.get("values"):
            errs.required(at.child("values"))
        for j, value in enumerate(expression.get("values") or ()):
            if value in values:
                errs.duplicate(at.child("values").at(j), value)
            values.add(value)
        errs.each(at.child("key"), key, names.qualified_name(key))
        if key in keys:
            errs.duplicate(at.child("key"), key)
        keys.add(key)


RULES = {"StorageClass": StorageClassRules()}
