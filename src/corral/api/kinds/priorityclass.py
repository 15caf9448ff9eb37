"""PriorityClasses."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.workload import check_immutable
from corral.api.objects import Object
from corral.api.rules import Rules

SYSTEM_PREFIX = "system-"
SYSTEM_VALUES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
HIGHEST_FOR_USERS = 1_000_000_000
PREEMPTION_POLICIES = ("Never", "PreemptLowerPriority")


class PriorityClassRules(Rules):
    """Rules of scheduling.k8s.io/v1 PriorityClass."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """Pods of a class push out those of lower ones."""
        if obj.get("preemptionPolicy") is None:
            obj["preemptionPolicy"] = "PreemptLowerPriority"

    def validate_create(self, obj: Object) -> Errors:
        """The name, the value, the policy."""
        errs, name, value = Errors(), rows.name(obj), obj.get("value", 0)
        if name.startswith(SYSTEM_PREFIX):
            wrong = _system_fault(obj, name, value)
            if wrong:
                why = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {wrong}"
                errs.forbidden("metadata.name", why)
        elif value > HIGHEST_FOR_USERS:
            errs.forbidden("value", f"maximum allowed value of a user defined priority is {HIGHEST_FOR_USERS}")
        policy = obj.get("preemptionPolicy")
        if policy is not None and policy not in PREEMPTION_POLICIES:
            errs.unsupported("preemptionPolicy", policy, PREEMPTION_POLICIES)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The value and the policy stay."""
        errs = Errors()
        if new.get("value", 0) != old.get("value", 0):
            errs.forbidden("value", "may not be changed in an update.")
        check_immutable(errs, new, old, "preemptionPolicy", Path())
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        default, policy = bool(obj.get("globalDefault")), obj.get("preemptionPolicy") or ""
        return [rows.name(obj), obj.get("value", 0), default, rows.age(obj, now_s), policy]


def _system_fault(obj: Object, name: str, value: int) -> str:
    if name not in SYSTEM_VALUES:
        return f"{name} is not a known system priority class"
    if value != SYSTEM_VALUES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_VALUES[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if obj.get("globalDefault") else ""


RULES = {"PriorityClass": PriorityClassRules()}
