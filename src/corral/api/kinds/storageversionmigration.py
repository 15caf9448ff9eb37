"""StorageVersionMigrations (KEP-4192)."""

from corral.api.fields import Errors, Path
from corral.api.kinds.workload import IMMUTABLE
from corral.api.objects import Object
from corral.api.rules import Rules


class StorageVersionMigrationRules(Rules):
    """Rules of storagemigration.k8s.io StorageVersionMigration."""

    has_status = True

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def validate_create(self, obj: Object) -> Errors:
        """What is migrated."""
        errs, resource = Errors(), obj["spec"].get("resource") or {}
        if not resource.get("resource"):
            errs.required(Path("spec").child("resource", "resource"), "resource is required")
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """What is migrated stays."""
        errs, resource = Errors(), new["spec"].get("resource") or {}
        if not subresource and resource != (old["spec"].get("resource") or {}):
            shown = {"Group": resource.get("group", ""), "Resource": resource.get("resource", "")}
            errs.invalid("spec.resource", shown, IMMUTABLE)
        return errs


RULES = {"StorageVersionMigration": StorageVersionMigrationRules()}
