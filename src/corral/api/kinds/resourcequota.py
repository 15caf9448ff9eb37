"""ResourceQuotas."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.computeresources import OBJECT_COUNTS, check_amount, check_resource_name, is_huge_page
from corral.api.kinds.gostructs import SCOPE_SELECTOR, shown
from corral.api.objects import Object
from corral.api.rules import Rules

_COMPUTE = frozenset(part + name for part in ("", "requests.", "limits.") for name in ("cpu", "memory", "ephemeral-storage"))
#: What the scopes of pods can count, beside pods.
_POD_COMPUTE = frozenset(name for name in _COMPUTE if not name.endswith("ephemeral-storage"))
QUOTA_RESOURCES = _COMPUTE | OBJECT_COUNTS | {"requests.storage"}
SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
)
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


class ResourceQuotaRules(Rules):
    """Rules of v1 ResourceQuota."""

    has_status = True

    def validate_create(self, obj: Object) -> Errors:
        """Names, amounts and scopes."""
        errs, spec, path = Errors(), obj.get("spec") or {}, Path("spec")
        _check_amounts(errs, spec.get("hard") or {}, path.child("hard"))
        _check_scopes(errs, spec, path)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, whose scopes stay; or the status."""
        errs = Errors()
        if subresource == "status":
            for part in ("hard", "used"):
                _check_amounts(errs, (new.get("status") or {}).get(part) or {}, Path("status").child(part))
            return errs
        errs = self.validate_create(new)
        after, before = ((o.get("spec") or {}).get("scopes") or [] for o in (new, old))
        if sorted(after) != sorted(before):
            errs.invalid("spec.scopes", after, "field is immutable")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row: what is used of what is there, requests apart from limits."""
        status = obj.get("status") or {}
        used, parts = status.get("used") or {}, {"requests": [], "limits": []}  # type: ignore[var-annotated]
        for name, hard in sorted((status.get("hard") or {}).items()):
            part = "limits" if name.startswith("limits.") else "requests"
            parts[part].append(f"{name}: {used.get(name, '0')}/{hard}")
        return [rows.name(obj), ", ".join(parts["requests"]), ", ".join(parts["limits"]), rows.age(obj, now_s)]


def _check_amounts(errs: Errors, amounts: dict[str, str], path: Path) -> None:
    for name, amount in sorted(amounts.items()):
        at = path.key(name)
        check_resource_name(errs, name, at)
        if "/" not in name and not _is_quota_resource(name):
            errs.invalid(at, name, "must be a standard resource for quota")
        check_amount(errs, name, amount, at)


def _is_quota_resource(name: str) -> bool:
    return name in QUOTA_RESOURCES or is_huge_page(name.removeprefix("requests."))


def _check_scopes(errs: Errors, spec: Object, path: Path) -> None:
    scopes, hard = spec.get("scopes") or [], sorted(spec.get("hard") or ())
    at = path.child("scopes")
    for scope in scopes:
        if scope not in SCOPES:
            errs.invalid(at, scopes, "unsupported scope")
        for name in hard:
            if _is_quota_resource(name) and not _applies(scope, name):
                errs.invalid(at, scopes, "unsupported scope applied to resource")
    _check_conflicts(errs, set(scopes), scopes, at)
    terms = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    at = path.child("scopeSelector", "matchExpressions")
    for term in terms:
        scope, operator, values = term.get("scopeName", ""), term.get("operator", ""), term.get("values") or []
        if scope not in SCOPES:
            errs.invalid(at.child("scopeName"), scope, "unsupported scope")
        for name in hard:
            if _is_quota_resource(name) and not _applies(scope, name):
                errs.invalid(at, shown(spec["scopeSelector"], SCOPE_SELECTOR), "unsupported scope applied to resource")
        if scope in SCOPES and scope not in ("PriorityClass", "VolumeAttributesClass") and operator != "Exists":
            why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating,"
            why += " ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or"
            why += " ResourceQuotaScopeCrossNamespacePodAffinity"
            errs.invalid(at.child("operator"), operator, why)
        _check_values(errs, operator, values, at)
    _check_conflicts(errs, {term.get("scopeName", "") for term in terms}, spec.get("scopes"), at)


def _check_values(errs: Errors, operator: str, values: list[str], path: Path) -> None:
    if operator not in _OPERATORS:
        errs.invalid(path.child("operator"), operator, "not a valid selector operator")
    elif operator in ("In", "NotIn"):
        if not values:
            why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errs.required(path.child("values"), why)
    elif values:
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        errs.invalid(path.child("values"), values, why)


def _check_conflicts(errs: Errors, found: set[str], scopes: list[str] | None, path: Path) -> None:
    for pair in _CONFLICTS:
        if pair <= found:
            errs.invalid(path, scopes, "conflicting scopes")


def _applies(scope: str, name: str) -> bool:
    """Whether a quota of this scope can count the resource."""
    if scope in ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"):
        return name == "pods" or name in _POD_COMPUTE
    if scope == "BestEffort":
        return name == "pods"
    if scope == "VolumeAttributesClass":
        return name in ("persistentvolumeclaims", "requests.storage")
    return True


RULES = {"ResourceQuota": ResourceQuotaRules()}
