"""PodDisruptionBudgets."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.gostructs import DISRUPTION_BUDGET, shown
from corral.api.kinds.selector import check_selector
from corral.api.kinds.workload import check_at_most_all, check_count_or_percent, check_not_negative
from corral.api.objects import Object
from corral.api.rules import Rules

EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


class PodDisruptionBudgetRules(Rules):
    """Rules of policy/v1 PodDisruptionBudget."""

    has_generation = True
    has_status = True

    def validate_create(self, obj: Object) -> Errors:
        """One bound at most, and a selector."""
        errs, spec, path = Errors(), obj.get("spec") or {}, Path("spec")
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        if least is not None and most is not None:
            errs.invalid(path, shown(spec, DISRUPTION_BUDGET), "minAvailable and maxUnavailable cannot be both set")
        for field, value in (("minAvailable", least), ("maxUnavailable", most)):
            if value is not None:
                check_count_or_percent(errs, value, path.child(field))
                check_at_most_all(errs, value, path.child(field))
        check_selector(errs, spec.get("selector"), path.child("selector"))
        policy = spec.get("unhealthyPodEvictionPolicy")
        if policy is not None and policy not in EVICTION_POLICIES:
            errs.unsupported(path.child("unhealthyPodEvictionPolicy"), policy, EVICTION_POLICIES)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, or the counts in the status."""
        if subresource != "status":
            return self.validate_create(new)
        errs, status = Errors(), new.get("status") or {}
        fields = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
        check_not_negative(errs, status, Path("status"), *fields)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj.get("spec") or {}
        least, most = (str(spec[f]) if spec.get(f) is not None else "N/A" for f in ("minAvailable", "maxUnavailable"))
        return [rows.name(obj), least, most, (obj.get("status") or {}).get("disruptionsAllowed", 0), rows.age(obj, now_s)]


RULES = {"PodDisruptionBudget": PodDisruptionBudgetRules()}
