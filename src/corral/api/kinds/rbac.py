"""Roles and bindings (https://kubernetes.io/docs/reference/access-authn-authz/rbac/)."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.gostructs import ROLE_REF, shown
from corral.api.kinds.selector import check_selector
from corral.api.objects import Object
from corral.api.rules import Rules

GROUP = "rbac.authorization.k8s.io"


class RoleRules(Rules):
    """Rules of Role and ClusterRole."""

    allow_create_on_update = True
    name_format = "path_segment"

    def __init__(self, namespaced: bool) -> None:
        self.namespaced = namespaced

    def validate_create(self, obj: Object) -> Errors:
        """Each rule: verbs on resources, or (cluster-wide) on URLs."""
        errs = Errors()
        for i, rule in enumerate(obj.get("rules") or ()):
            _check_rule(errs, rule, self.namespaced, Path("rules").at(i))
        aggregation = obj.get("aggregationRule")
        if aggregation is not None:
            at, selectors = Path("aggregationRule").child("clusterRoleSelectors"), aggregation.get("clusterRoleSelectors")
            if not selectors:
                errs.required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil")
            for i, selector in enumerate(selectors or ()):
                check_selector(errs, selector, at.at(i))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj["metadata"].get("creationTimestamp", "")]


class BindingRules(Rules):
    """Rules of RoleBinding and ClusterRoleBinding."""

    allow_create_on_update = True
    name_format = "path_segment"

    def __init__(self, namespaced: bool) -> None:
        self.namespaced = namespaced

    def default(self, obj: Object) -> None:
        """Roles, users and groups are of RBAC's own group."""
        reference = obj.setdefault("roleRef", {})
        if not reference.get("apiGroup"):
            reference["apiGroup"] = GROUP
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
                subject["apiGroup"] = GROUP

    def validate_create(self, obj: Object) -> Errors:
        """The role and the subjects."""
        errs, reference, path = Errors(), obj.get("roleRef") or {}, Path("roleRef")
        group, kind, name = (reference.get(f, "") for f in ("apiGroup", "kind", "name"))
        if group != GROUP:
            errs.unsupported(path.child("apiGroup"), group, (GROUP,))
        kinds = ("Role", "ClusterRole") if self.namespaced else ("ClusterRole",)
        if kind not in kinds:
            errs.unsupported(path.child("kind"), kind, kinds)
        if not name:
            errs.required(path.child("name"))
        else:
            errs.each(path.child("name"), name, names.path_segment(name))
        for i, subject in enumerate(obj.get("subjects") or ()):
            _check_subject(errs, subject, self.namespaced, Path("subjects").at(i))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the role stays."""
        errs = self.validate_create(new)
        if new.get("roleRef") != old.get("roleRef"):
            errs.invalid("roleRef", shown(new.get("roleRef") or {}, ROLE_REF), "cannot change roleRef")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        reference, subjects = obj.get("roleRef") or {}, obj.get("subjects") or []

        def of(kind: str) -> str:
            return ", ".join(s.get("name", "") for s in subjects if s.get("kind") == kind)

        accounts = [f"{s.get('namespace', '')}/{s.get('name', '')}" for s in subjects if s.get("kind") == "ServiceAccount"]
        role = f"{reference.get('kind', '')}/{reference.get('name', '')}"
        return [rows.name(obj), role, rows.age(obj, now_s), of("User"), of("Group"), ", ".join(accounts)]


def _check_rule(errs: Errors, rule: Object, namespaced: bool, path: Path) -> None:
    if not rule.get("verbs"):
        errs.required(path.child("verbs"), "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        at = path.child("nonResourceURLs")
        if namespaced:
            errs.invalid(at, urls, "namespaced rules cannot apply to non-resource URLs")
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            errs.invalid(at, urls, "rules cannot apply to both regular resources and non-resource URLs")
        return
    if not rule.get("apiGroups"):
        errs.required(path.child("apiGroups"), "resource rules must supply at least one api group")
    if not rule.get("resources"):
        errs.required(path.child("resources"), "resource rules must supply at least one resource")


def _check_subject(errs: Errors, subject: Object, namespaced: bool, path: Path) -> None:
    kind, name, group = (subject.get(f, "") for f in ("kind", "name", "apiGroup"))
    if not name:
        errs.required(path.child("name"))
    if kind == "ServiceAccount":
        if name:
            errs.each(path.child("name"), name, names.dns_subdomain(name))
        if group:
            errs.unsupported(path.child("apiGroup"), group, ("",))
        if not namespaced and not subject.get("namespace"):
            errs.required(path.child("namespace"))
    elif kind in ("User", "Group"):
        if group != GROUP:
            errs.unsupported(path.child("apiGroup"), group, (GROUP,))
    else:
        errs.unsupported(path.child("kind"), kind, ("ServiceAccount", "User", "Group"))


RULES = {
    "ClusterRole": RoleRules(namespaced=False),
    "ClusterRoleBinding": BindingRules(namespaced=False),
    "Role": RoleRules(namespaced=True),
    "RoleBinding": BindingRules(namespaced=True),
}
