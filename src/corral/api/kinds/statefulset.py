"""StatefulSets."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.claimspec import check_claim_spec, default_claim_spec
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

_CHANGEABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


class StatefulSetRules(WorkloadRules):
    """Rules of apps/v1 StatefulSet."""

    name_format = "dns_label"

    def default_workload(self, spec: Object) -> None:
        """One replica, pods in order, updated in turn, claims kept."""
        default_fields(spec, replicas=1, revisionHistoryLimit=10)
        if not spec.get("podManagementPolicy"):
            spec["podManagementPolicy"] = "OrderedReady"
        strategy = spec.setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
            if strategy.get("rollingUpdate") is None:
                strategy["rollingUpdate"] = {}
        if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
            default_fields(strategy["rollingUpdate"], partition=0)
        retention = spec.get("persistentVolumeClaimRetentionPolicy")
        if retention is None:
            retention = spec["persistentVolumeClaimRetentionPolicy"] = {}
        for field in ("whenDeleted", "whenScaled"):
            if not retention.get(field):
                retention[field] = "Retain"
        for claim in spec.get("volumeClaimTemplates") or ():
            claim.setdefault("kind", "PersistentVolumeClaim")
            claim.setdefault("apiVersion", "v1")
            claim.setdefault("metadata", {})
            default_claim_spec(claim.setdefault("spec", {}))
            status = claim.setdefault("status", {})
            if not status.get("phase"):
                status["phase"] = "Pending"

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """Policies, numbers, selector, template and claims."""
        self._check(errs, spec, path)

    def _check(self, errs: Errors, spec: Object, path: Path, service: str | None = None) -> None:
        policy = spec.get("podManagementPolicy", "")
        if not policy:
            errs.required(path.child("podManagementPolicy"))
        elif policy not in ("OrderedReady", "Parallel"):
            errs.invalid(path.child("podManagementPolicy"), policy, "must be 'OrderedReady' or 'Parallel'")
        _check_strategy(errs, spec.get("updateStrategy") or {}, path.child("updateStrategy"))
        retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
        for field in ("whenDeleted", "whenScaled"):
            value = retention.get(field, "")
            if value not in ("Retain", "Delete"):
                at = path.child("persistentVolumeClaimRetentionPolicy", field)
                errs.unsupported(at, value, ("Delete", "Retain"))
        check_not_negative(errs, spec, path, "replicas", "minReadySeconds")
        check_not_negative(errs, spec.get("ordinals") or {}, path.child("ordinals"), "start")
        check_not_negative(errs, spec, path, "revisionHistoryLimit")
        if service:
            errs.each(path.child("serviceName"), service, names.dns_label(service))
        if check_workload_selector(errs, spec, "statefulset", path):
            check_workload_template(errs, _with_claims(spec), "StatefulSet", path.child("template"))
        else:
            errs.invalid(path.child("selector"), spec["selector"], "")
        for i, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
            check_claim_spec(errs, claim.get("spec") or {}, path.child("volumeClaimTemplates").at(i).child("spec"))

    def validate_create(self, obj: Object) -> Errors:
        """The spec. The service's name, which becomes part of each pod's, is looked at once."""
        errs = Errors()
        self._check(errs, obj.get("spec") or {}, Path("spec"), service=(obj.get("spec") or {}).get("serviceName"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, of which only some fields may change; or the status."""
        if subresource:
            return super().validate_update(new, old, subresource)
        errs = Errors()
        self.check_spec(errs, new["spec"], Path("spec"))
        kept, former = (
            {k: v for k, v in o["spec"].items() if k not in _CHANGEABLE and v not in (None, [], "")} for o in (new, old)
        )
        if kept != former:
            shown = ", ".join(f"'{f}'" for f in _CHANGEABLE[:-1])
            why = f"updates to statefulset spec for fields other than {shown} and '{_CHANGEABLE[-1]}' are forbidden"
            errs.forbidden("spec", why)
        return errs

    def check_status(self, errs: Errors, status: Object, old: Object) -> None:
        """Counts."""
        parts = "readyReplicas currentReplicas updatedReplicas availableReplicas"
        check_counts(errs, status, f"replicas {parts} observedGeneration collisionCount", parts, "status.readyReplicas")
        check_collisions(errs, status, old)

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        return [
            rows.name(obj),
            f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
            rows.age(obj, now_s),
            *rows.containers(spec["template"].get("spec")),
        ]


def _with_claims(spec: Object) -> Object:
    """The spec with the volumes that its pods will have of its claims, which containers may mount."""
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    given = pod.get("volumes") or []
    taken = {volume.get("name") for volume in given}
    claims = [name for c in spec.get("volumeClaimTemplates") or () if (name := (c.get("metadata") or {}).get("name"))]
    made = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims if name not in taken]
    return {**spec, "template": {**template, "spec": {**pod, "volumes": [*given, *made]}}} if made else spec


def _check_strategy(errs: Errors, strategy: Object, path: Path) -> None:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    at = path.child("rollingUpdate")
    if not kind:
        errs.required(path)
    elif kind == "OnDelete":
        if rolling is not None:
            errs.invalid(at, rolling, "only allowed for updateStrategy 'RollingUpdate'")
    elif kind == "RollingUpdate":
        if rolling is not None:
            check_not_negative(errs, rolling, at, "partition")
            unavailable = rolling.get("maxUnavailable")
            if unavailable is not None:
                check_count_or_percent(errs, unavailable, at.child("maxUnavailable"))
                if is_zero(unavailable):
                    errs.invalid(at.child("maxUnavailable"), unavailable, "cannot be 0")
                check_at_most_all(errs, unavailable, at.child("maxUnavailable"))
    else:
        shown = {"Type": kind, "RollingUpdate": rolling}
        errs.invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")


RULES = {"StatefulSet": StatefulSetRules()}
