"""Priority: the number behind a pod's priority class. See https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/."""

from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

CLASSES = "priorityclasses.scheduling.k8s.io"
DEFAULT_POLICY = "PreemptLowerPriority"


class Priority(Plugin):
    """Resolves the class of new pods, and keeps the default class the only one."""

    resources = frozenset({"pods", CLASSES})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Set priority and preemptionPolicy of a pod. Raises ApiError (403)."""
        if admission.resource.plural != "pods" or admission.subresource or admission.object is None:
            return
        spec = admission.object["spec"]
        if admission.operation == "UPDATE":
            old = (admission.old_object or {}).get("spec") or {}
            for field in ("priority", "preemptionPolicy"):
                if field not in spec and field in old:
                    spec[field] = old[field]
            return
        value, policy = self._resolve(admission, spec)
        if spec.get("priority") is not None and spec["priority"] != value:
            why = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
            raise forbidden(
                admission, why + f"priority admission controller computed {value} from the given PriorityClass name"
            )
        if spec.get("preemptionPolicy") and spec["preemptionPolicy"] != policy:
            why = f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
            raise forbidden(
                admission, why + f"priority admission controller computed {policy} from the given PriorityClass name"
            )
        spec["priority"] = value
        spec["preemptionPolicy"] = policy

    def validate(self, admission: Admission) -> None:
        """Refuse a second default class."""
        if admission.resource.plural == "pods" or admission.object is None or not admission.object.get("globalDefault"):
            return
        for other in self._lookup.list(CLASSES):
            if other.get("globalDefault") and other["metadata"]["name"] != admission.object["metadata"].get("name"):
                name = other["metadata"]["name"]
                raise forbidden(admission, f"PriorityClass {name} is already marked as default. Only one default can exist")

    def _resolve(self, admission: Admission, spec: Object) -> tuple[int, str]:
        name = spec.get("priorityClassName")
        if name:
            found = self._lookup.get(CLASSES, "", name)
            if found is None:
                raise forbidden(admission, f"no PriorityClass with name {name} was found")
        else:
            defaults = [c for c in self._lookup.list(CLASSES) if c.get("globalDefault")]
            if not defaults:
                return 0, DEFAULT_POLICY
            found = min(defaults, key=lambda c: int(c.get("value", 0)))
            spec["priorityClassName"] = found["metadata"]["name"]
        return int(found.get("value", 0)), found.get("preemptionPolicy") or DEFAULT_POLICY
