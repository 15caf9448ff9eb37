"""ReplicaSets."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.workload import (
    WorkloadRules,
    check_not_negative,
    check_workload_selector,
    check_workload_template,
    default_fields,
)
from corral.api.objects import Object


class ReplicaSetRules(WorkloadRules):
    """Rules of apps/v1 ReplicaSet."""

    def default_workload(self, spec: Object) -> None:
        """One replica."""
        default_fields(spec, replicas=1)

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """Replicas, selector and template."""
        check_not_negative(errs, spec, path, "replicas", "minReadySeconds")
        # The reference's words: the kind was once a part of deployments.
        if check_workload_selector(errs, spec, "deployment", path):
            check_workload_template(errs, spec, "ReplicaSet", path.child("template"))
        else:
            errs.invalid(path.child("selector"), spec["selector"], "invalid label selector")

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj["spec"]
        return [*rows.replicas(obj, now_s), *rows.containers(spec["template"].get("spec")), rows.selector(spec.get("selector"))]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Their replicas."""
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}


RULES = {"ReplicaSet": ReplicaSetRules()}
