"""Deployments."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.workload import (
    WorkloadRules,
    check_at_most_all,
    check_collisions,
    check_count_or_percent,
    check_counts,
    check_not_negative,
    check_workload_selector,
    check_workload_template,
    default_fields,
    is_zero,
)
from corral.api.objects import Object

_COUNTS = (
    "observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas terminatingReplicas"
    " collisionCount"
)


class DeploymentRules(WorkloadRules):
    """Rules of apps/v1 Deployment."""

    status_keeps = ("labels",)

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

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """Replicas, selector, template, strategy and times."""
        check_not_negative(errs, spec, path, "replicas")
        if check_workload_selector(errs, spec, "deployment", path):
            check_workload_template(errs, spec, "ReplicaSet", path.child("template"))
        else:
            errs.invalid(path.child("selector"), spec["selector"], "invalid label selector")
        _check_strategy(errs, spec.get("strategy") or {}, path.child("strategy"))
        check_not_negative(errs, spec, path, "minReadySeconds", "revisionHistoryLimit")
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None:
            check_not_negative(errs, spec, path, "progressDeadlineSeconds")
            if deadline <= spec.get("minReadySeconds", 0):
                errs.invalid(path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds")

    def check_status(self, errs: Errors, status: Object, old: Object) -> None:
        """Counts."""
        check_counts(errs, status, _COUNTS, "updatedReplicas readyReplicas availableReplicas")
        check_collisions(errs, status, old)

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


def _check_strategy(errs: Errors, strategy: Object, path: Path) -> None:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    at = path.child("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            errs.forbidden(at, "may not be specified when strategy `type` is 'Recreate'")
    elif kind == "RollingUpdate":
        if rolling is None:
            errs.required(at, "this should be defaulted and never be nil")
        else:
            _check_rolling(errs, rolling, at)
    else:
        shown = {"Type": kind, "RollingUpdate": rolling}
        errs.unsupported(path, shown, ("Recreate", "RollingUpdate"))


def _check_rolling(errs: Errors, rolling: Object, path: Path) -> None:
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    check_count_or_percent(errs, unavailable, path.child("maxUnavailable"))
    check_count_or_percent(errs, surge, path.child("maxSurge"))
    if is_zero(unavailable) and is_zero(surge):
        errs.invalid(path.child("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0")
    check_at_most_all(errs, unavailable, path.child("maxUnavailable"))


RULES = {"Deployment": DeploymentRules()}
