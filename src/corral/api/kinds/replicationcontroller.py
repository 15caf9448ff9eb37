"""ReplicationControllers: the forerunners of ReplicaSets."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.podspec import check_template
from corral.api.kinds.workload import (
    NO_MATCH,
    WorkloadRules,
    check_not_negative,
    check_runs_for_ever,
    default_fields,
)
from corral.api.objects import Object


class ReplicationControllerRules(WorkloadRules):
    """Rules of v1 ReplicationController."""

    def default(self, obj: Object) -> None:
        """Selector and labels are the template's."""
        template = (obj.get("spec") or {}).get("template")
        labels = ((template or {}).get("metadata") or {}).get("labels")
        if template is not None:
            super().default(obj)
        spec = obj.setdefault("spec", {})
        default_fields(spec, replicas=1)
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(labels)

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """Selector, replicas and template."""
        check_not_negative(errs, spec, path, "minReadySeconds")
        selector, template = spec.get("selector") or {}, spec.get("template")
        if not selector:
            errs.required(path.child("selector"))
        check_not_negative(errs, spec, path, "replicas")
        at = path.child("template")
        if template is None:
            errs.required(at)
            return
        labels = (template.get("metadata") or {}).get("labels")
        if any((labels or {}).get(k) != v for k, v in selector.items()):
            errs.invalid(at.child("metadata", "labels"), labels, NO_MATCH)
        check_template(errs, template, at)
        check_runs_for_ever(errs, template, "ReplicationController", at)

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, or the status. Its selector may change."""
        if subresource == "status":
            return super().validate_update(new, old, subresource)
        return self.validate_create(new)

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj["spec"]
        return [
            *rows.replicas(obj, now_s),
            *rows.containers((spec.get("template") or {}).get("spec")),
            rows.labels(spec.get("selector")),
        ]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Their replicas."""
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}


RULES = {"ReplicationController": ReplicationControllerRules()}
