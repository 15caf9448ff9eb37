"""What the kinds that make pods from a template share: their rules' base."""

from corral.api.kinds.podspec import default_template
from corral.api.objects import Object
from corral.api.rules import Rules


class WorkloadRules(Rules):
    """Rules of a kind with `spec.template`, a generation and a status."""

    has_generation = True
    has_status = True

    def default_workload(self, spec: Object) -> None:
        """Fill in the spec's own fields; overridden by each kind."""

    def default(self, obj: Object) -> None:
        """Fill in the spec and its template."""
        spec = obj.setdefault("spec", {})
        self.default_workload(spec)
        default_template(spec.setdefault("template", {}))


def default_fields(obj: Object, **values: object) -> None:
    """Set each field that has no value yet."""
    for name, value in values.items():
        if obj.get(name) is None:
            obj[name] = value
