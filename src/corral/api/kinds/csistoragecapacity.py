"""CSIStorageCapacities (KEP-1472)."""

from corral.api import names, quantity
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.selector import check_selector
from corral.api.kinds.workload import NEGATIVE, check_immutable
from corral.api.objects import Object
from corral.api.rules import Rules


class CSIStorageCapacityRules(Rules):
    """Rules of storage.k8s.io/v1 CSIStorageCapacity."""

    def validate_create(self, obj: Object) -> Errors:
        """The class, the nodes that are meant, the sizes."""
        errs, name = Errors(), obj.get("storageClassName", "")
        errs.each("storageClassName", name, names.dns_subdomain(name))
        check_selector(errs, obj.get("nodeTopology"), Path("nodeTopology"))
        for field in ("capacity", "maximumVolumeSize"):
            if obj.get(field) is not None and quantity.parse(obj[field]).nanos < 0:
                errs.invalid(field, obj[field], NEGATIVE)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the class and the nodes stay."""
        errs = self.validate_create(new)
        for field in ("nodeTopology", "storageClassName"):
            check_immutable(errs, new, old, field, Path())
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj["metadata"].get("creationTimestamp")]


RULES = {"CSIStorageCapacity": CSIStorageCapacityRules()}
