"""Deployments."""

from corral.api.kinds import rows
from corral.api.kinds.workload import WorkloadRules, default_fields
from corral.api.objects import Object


class DeploymentRules(WorkloadRules):
    """Rules of apps/v1 Deployment."""

    def default_workload(self, spec: Object) -> None:
        """One replica, a rolling update by quarters, ten revisions, ten minutes."""
        default_fields(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
        strategy = spec.setdefault("strategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.get("rollingUpdate")
            if rolling is None:
                rolling = strategy["rollingUpdate"] = {}
            default_fields(rolling, maxUnavailable="25%", maxSurge="25%")

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        return [
            rows.name(obj),
            f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
            status.get("updatedReplicas", 0),
            status.get("availableReplicas", 0),
            rows.age(obj, now_s),
            *rows.containers(spec["template"].get("spec")),
            rows.selector(spec.get("selector")),
        ]


RULES = {"Deployment": DeploymentRules()}
