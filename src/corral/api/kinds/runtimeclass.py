"""RuntimeClasses."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.computeresources import check_requirements
from corral.api.kinds.scheduling import check_tolerations
from corral.api.kinds.selector import check_labels
from corral.api.kinds.workload import check_immutable
from corral.api.objects import Object
from corral.api.rules import Rules


class RuntimeClassRules(Rules):
    """Rules of node.k8s.io/v1 RuntimeClass."""

    def validate_create(self, obj: Object) -> Errors:
        """The handler, what its pods cost, where they go."""
        errs, handler = Errors(), obj.get("handler", "")
        errs.each("handler", handler, names.dns_label(handler))
        if obj.get("overhead") is not None:
            costs = {"limits": obj["overhead"].get("podFixed") or {}}
            check_requirements(errs, costs, Path("overhead").child("podFixed"), None)
        scheduling, path = obj.get("scheduling") or {}, Path("scheduling")
        check_labels(errs, scheduling.get("nodeSelector"), path.child("nodeSelector"))
        check_tolerations(errs, scheduling.get("tolerations") or [], path.child("tolerations"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The handler stays."""
        errs = Errors()
        check_immutable(errs, new, old, "handler", Path())
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj.get("handler", ""), rows.age(obj, now_s)]


RULES = {"RuntimeClass": RuntimeClassRules()}
