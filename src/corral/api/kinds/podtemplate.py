"""PodTemplates."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.podspec import check_template, default_template
from corral.api.objects import Object
from corral.api.rules import Rules


class PodTemplateRules(Rules):
    """Rules of v1 PodTemplate."""

    has_generation = True
    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """Fill in the template."""
        default_template(obj.setdefault("template", {}))

    def validate_create(self, obj: Object) -> Errors:
        """The template."""
        errs = Errors()
        check_template(errs, obj.get("template") or {}, Path("template"))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        template = obj.get("template") or {}
        labels = (template.get("metadata") or {}).get("labels")
        return [rows.name(obj), *rows.containers(template.get("spec")), rows.labels(labels)]


RULES = {"PodTemplate": PodTemplateRules()}
