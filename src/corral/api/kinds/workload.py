"""What the kinds that make pods from a template share: their rules' base and the checks of selector, template and numbers."""

import re

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.podspec import check_template, default_template
from corral.api.kinds.podwarnings import name_warnings, pod_warnings
from corral.api.kinds.selector import check_selector, is_empty
from corral.api.objects import Object
from corral.api.rules import Rules
from corral.api.selectors import matches

NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
NO_MATCH = "`selector` does not match template `labels`"


class WorkloadRules(Rules):
    """Rules of a kind with `spec.template`, a generation and a status."""

    has_generation = True
    has_status = True
    #: Whether pods are called by the object's name, so that it is warned of when it makes no host name.
    names_pods = True

    def default_workload(self, spec: Object) -> None:
        """Fill in the spec's own fields; overridden by each kind."""

    def default(self, obj: Object) -> None:
        """Fill in the spec and its template."""
        spec = obj.setdefault("spec", {})
        self.default_workload(spec)
        default_template(spec.setdefault("template", {}))

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """The spec of a new or changed object; overridden by each kind."""

    def check_status(self, errs: Errors, status: Object, old: Object) -> None:
        """The status of a changed object; overridden where it is not that of a set of replicas."""
        counts = "replicas fullyLabeledReplicas readyReplicas availableReplicas observedGeneration terminatingReplicas"
        check_counts(errs, status, counts, "fullyLabeledReplicas readyReplicas availableReplicas")

    def validate_create(self, obj: Object) -> Errors:
        """The spec."""
        errs = Errors()
        self.check_spec(errs, obj.get("spec") or {}, Path("spec"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, whose selector stays; or the status."""
        errs = Errors()
        if subresource == "status":
            self.check_status(errs, new.get("status") or {}, old.get("status") or {})
            return errs
        self.check_spec(errs, new.get("spec") or {}, Path("spec"))
        check_immutable(errs, new["spec"], old["spec"], "selector", Path("spec"))
        return errs

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the template, if it is new."""
        template = obj["spec"].get("template") or {}
        if old is not None and old["spec"].get("template") == template:
            return []
        found = name_warnings(obj) if old is None and self.names_pods else []
        return found + pod_warnings(template, Path("spec").child("template"))


def default_fields(obj: Object, **values: object) -> None:
    """Set each field that has no value yet."""
    for name, value in values.items():
        if obj.get(name) is None:
            obj[name] = value


def check_not_negative(errs: Errors, obj: Object, path: Path, *fields: str) -> None:
    """Numbers that, if given, are zero or more."""
    for field in fields:
        value = obj.get(field)
        if value is not None and value < 0:
            errs.invalid(path.child(field), value, NEGATIVE)


def check_immutable(errs: Errors, new: Object, old: Object, field: str, path: Path, *, empty: object = None) -> None:
    """A field that this write may not change; `empty` is how its absence is shown."""
    if (new.get(field) or None) != (old.get(field) or None):
        errs.invalid(path.child(field), new.get(field, empty), IMMUTABLE)


def check_workload_selector(errs: Errors, spec: Object, kind: str, path: Path) -> bool:
    """The selector is there, sound and not empty. Returns whether it can be compared with the template."""
    selector = spec.get("selector")
    if selector is None:
        errs.required(path.child("selector"))
        return True
    sound = check_selector(errs, selector, path.child("selector"))
    if is_empty(selector):
        errs.invalid(path.child("selector"), selector, f"empty selector is invalid for {kind}")
    return sound


def check_workload_template(errs: Errors, spec: Object, kind: str, path: Path) -> None:
    """The template, whose pods the selector must match and which run for ever."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    if selector is None or not is_empty(selector):
        check_match(errs, selector, template, path)
    check_template(errs, template, path)
    check_runs_for_ever(errs, template, kind, path)


def check_match(errs: Errors, selector: Object | None, template: Object, path: Path) -> None:
    """The selector matches the labels of the template at `path`."""
    labels = (template.get("metadata") or {}).get("labels")
    if not matches(selector, labels or {}):
        errs.invalid(path.child("metadata", "labels"), labels, NO_MATCH)


def check_runs_for_ever(errs: Errors, template: Object, kind: str, path: Path) -> None:
    """Always restarted, no deadline."""
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        errs.unsupported(path.child("spec", "restartPolicy"), spec.get("restartPolicy", ""), ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        errs.forbidden(path.child("spec", "activeDeadlineSeconds"), why)


def check_count_or_percent(errs: Errors, value: int | str, path: Path) -> None:
    """A number that is not negative, or a percentage."""
    if isinstance(value, str):
        errs.each(path, value, names.percent(value))
    elif value < 0:
        errs.invalid(path, value, NEGATIVE)


def check_at_most_all(errs: Errors, value: int | str | None, path: Path) -> None:
    """A percentage, if it is one, up to 100."""
    if isinstance(value, str) and re.fullmatch("[0-9]+%", value) and int(value[:-1]) > 100:
        errs.invalid(path, value, "must not be greater than 100%")


def is_zero(value: int | str | None) -> bool:
    """Whether a number or percentage is none at all."""
    return value in (None, 0) or (isinstance(value, str) and re.fullmatch("0+%", value) is not None)


def check_counts(errs: Errors, status: Object, counts: str, parts: str, ready: str = "readyReplicas") -> None:
    """Counts are not negative, none of `parts` is larger than the whole, and what is available is ready."""
    path = Path("status")
    check_not_negative(errs, status, path, *counts.split())
    for field in parts.split():
        if status.get(field, 0) > status.get("replicas", 0):
            errs.invalid(path.child(field), status[field], "cannot be greater than status.replicas")
    available = status.get("availableReplicas", 0)
    if available > status.get("readyReplicas", 0):
        errs.invalid(path.child("availableReplicas"), available, f"cannot be greater than {ready}")


def check_collisions(errs: Errors, status: Object, old: Object) -> None:
    """How often a name was taken only grows."""
    count, before = status.get("collisionCount"), old.get("collisionCount")
    if before is not None and (count is None or count < before):
        errs.invalid("status.collisionCount", count or 0, "cannot be decremented")
