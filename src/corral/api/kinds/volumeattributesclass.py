"""VolumeAttributesClasses (KEP-3751)."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.storageclass import check_parameters, check_provisioner, forbid_change
from corral.api.objects import Object
from corral.api.rules import Rules


class VolumeAttributesClassRules(Rules):
    """Rules of storage.k8s.io/v1 VolumeAttributesClass."""

    def validate_create(self, obj: Object) -> Errors:
        """The driver and its parameters, of which there is at least one."""
        errs, parameters = Errors(), obj.get("parameters") or {}
        check_provisioner(errs, obj.get("driverName", ""), Path("driverName"))
        if not parameters:
            errs.required("parameters", "must contain at least one key/value pair")
        check_parameters(errs, parameters, Path("parameters"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """Nothing changes."""
        errs = Errors()
        for field in ("driverName", "parameters"):
            forbid_change(errs, new, old, field)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj.get("driverName", ""), rows.age(obj, now_s)]


RULES = {"VolumeAttributesClass": VolumeAttributesClassRules()}
