"""ReplicaSets."""

from corral.api.kinds import rows
from corral.api.kinds.workload import WorkloadRules, default_fields
from corral.api.objects import Object


class ReplicaSetRules(WorkloadRules):
    """Rules of apps/v1 ReplicaSet."""

    def default_workload(self, spec: Object) -> None:
        """One replica."""
        default_fields(spec, replicas=1)

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        return [
            rows.name(obj),
            spec.get("replicas", 0),
            status.get("replicas", 0),
            status.get("readyReplicas", 0),
            rows.age(obj, now_s),
            *rows.containers(spec["template"].get("spec")),
            rows.selector(spec.get("selector")),
        ]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Their replicas."""
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}


RULES = {"ReplicaSet": ReplicaSetRules()}
