"""ResourceQuotas."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.computeresources import OBJECT_COUNTS, check_amount, is_huge_page
from corral.api.objects import Object
from corral.api.rules import Rules

_COMPUTE = frozenset(part + name for part in ("", "requests.", "limits.") for name in ("cpu", "memory", "ephemeral-storage"))
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
        used, shown = status.get("used") or {}, {"requests": [], "limits": []}  # type: ignore[var-annotated]
        for name, hard in sorted((status.get("hard") or {}).items()):
            part = "limits" if name.startswith("limits.") else "requests"
            shown[part].append(f"{name}: {used.get(name, '0')}/{hard}")
        return [rows.name(obj), ", ".join(shown["requests"]), ", ".join(shown["limits"]), rows.age(obj, now_s)]


def _check_amounts(errs: Errors, amounts: dict[str, str], path: Path) -> None:
    for name, amount in sorted(amounts.items()):
        at = path.key(name)
        wrong = names.qualified_name(name)
        errs.each(at, name, wrong)
        if not wrong and "/" not in name and not _is_quota_resource(name):
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
    for pair in _CONFLICTS:
        if pair <= set(scopes):
            errs.invalid(at, scopes, "conflicting scopes")
    at = path.child("scopeSelector", "matchExpressions")
    for term in (spec.get("scopeSelector") or {}).get("matchExpressions") or ():
        scope, operator, values = term.get("scopeName", ""), term.get("operator", ""), term.get("values") or []
        if scope not in SCOPES:
            errs.invalid(at.child("scopeName"), scope, "unsupported scope")
        for name in hard:
            if _is_quota_resource(name) and not _applies(scope, name):
                errs.invalid(at, spec["scopeSelector"], "unsupported scope applied to resource")
        if scope in SCOPES and scope not in ("PriorityClass", "VolumeAttributesClass") and operator != "Exists":
            why = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating,"
            why += " ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or"
            why += " ResourceQuotaScopeCrossNamespacePodAffinity"
            errs.invalid(at.child("operator"), operator, why)
        if operator in ("In", "NotIn") and not values:
            errs.required(at.child("values"), "must be at least one value when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and values:
            errs.invalid(at.child("values"), values, "must be no value when `operator` is 'Exists' or 'DoesNotExist'")
        elif operator not in _OPERATORS:
            errs.invalid(at.child("operator"), operator, "not a valid selector operator")


def _applies(scope: str, name: str) -> bool:
    """Whether a quota of this scope can count the resource."""
    if scope in ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"):
        return name == "pods" or name in _COMPUTE
    if scope == "BestEffort":
        return name == "pods"
    return True


RULES = {"ResourceQuota": ResourceQuotaRules()}
