"""DaemonSets."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.podspec import check_template
from corral.api.kinds.selector import check_selector, is_empty
from corral.api.kinds.workload import (
    WorkloadRules,
    check_at_most_all,
    check_collisions,
    check_count_or_percent,
    check_match,
    check_not_negative,
    check_runs_for_ever,
    default_fields,
    is_zero,
)
from corral.api.objects import Object
from corral.api.rules import Context

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_COUNTS = (
    "currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration"
    " updatedNumberScheduled numberAvailable numberUnavailable collisionCount"
)


class DaemonSetRules(WorkloadRules):
    """Rules of apps/v1 DaemonSet."""

    names_pods = False

    def default_workload(self, spec: Object) -> None:
        """A rolling update, one node at a time."""
        default_fields(spec, revisionHistoryLimit=10)
        strategy = spec.setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            if strategy.get("rollingUpdate") is None:
                strategy["rollingUpdate"] = {}
            default_fields(strategy["rollingUpdate"], maxUnavailable=1, maxSurge=0)

    def default(self, obj: Object) -> None:
        """The template's own generation, which older clients read, is an annotation; whoever writes it owns it."""
        super().default(obj)
        if TEMPLATE_GENERATION not in (obj["metadata"].get("annotations") or {}):
            _set_template_generation(obj, 0)

    def prepare_create(self, obj: Object, context: Context) -> None:
        """The template's generation begins with 1."""
        super().prepare_create(obj, context)
        _set_template_generation(obj, 1)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """It goes up with each change of the template."""
        super().prepare_update(new, old, subresource, context)
        former = int((old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "1"))
        changed = new["spec"].get("template") != old["spec"].get("template")
        _set_template_generation(new, former + changed)

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """Selector, template and strategy."""
        selector, template, at = spec.get("selector"), spec.get("template") or {}, path.child("template")
        if check_selector(errs, selector, path.child("selector")):
            check_match(errs, selector, template, at)
        if selector is not None and is_empty(selector):
            errs.invalid(path.child("selector"), selector, "empty selector is invalid for daemonset")
        check_template(errs, template, at)
        check_runs_for_ever(errs, template, "DaemonSet", at)
        check_not_negative(errs, spec, path, "minReadySeconds")
        _check_strategy(errs, spec.get("updateStrategy") or {}, path.child("updateStrategy"))
        check_not_negative(errs, spec, path, "revisionHistoryLimit")

    def check_status(self, errs: Errors, status: Object, old: Object) -> None:
        """Counts are not negative."""
        check_not_negative(errs, status, Path("status"), *_COUNTS.split())
        check_collisions(errs, status, old)

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        pods = spec["template"].get("spec") or {}
        return [
            rows.name(obj),
            status.get("desiredNumberScheduled", 0),
            status.get("currentNumberScheduled", 0),
            status.get("numberReady", 0),
            status.get("updatedNumberScheduled", 0),
            status.get("numberAvailable", 0),
            rows.labels(pods.get("nodeSelector")),
            rows.age(obj, now_s),
            *rows.containers(pods),
            rows.selector(spec.get("selector")),
        ]


def _set_template_generation(obj: Object, generation: int) -> None:
    annotations = obj["metadata"].get("annotations") or {}
    obj["metadata"]["annotations"] = {**annotations, TEMPLATE_GENERATION: str(generation)}


def _check_strategy(errs: Errors, strategy: Object, path: Path) -> None:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    at = path.child("rollingUpdate")
    if kind == "OnDelete":
        return
    if kind != "RollingUpdate":
        errs.unsupported(path, {"Type": kind, "RollingUpdate": rolling}, ("RollingUpdate", "OnDelete"))
        return
    if rolling is None:
        errs.required(at)
        return
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    check_count_or_percent(errs, unavailable, at.child("maxUnavailable"))
    check_count_or_percent(errs, surge, at.child("maxSurge"))
    check_at_most_all(errs, unavailable, at.child("maxUnavailable"))
    check_at_most_all(errs, surge, at.child("maxSurge"))
    if not is_zero(unavailable) and not is_zero(surge):
        errs.invalid(at.child("maxSurge"), surge, "may not be set when maxUnavailable is non-zero")
    elif is_zero(unavailable) and is_zero(surge):
        errs.required(at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0")


RULES = {"DaemonSet": DaemonSetRules()}
