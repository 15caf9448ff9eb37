"""FlowSchemas. https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import OWN_METADATA, Rules

DISTINGUISHERS = ("ByNamespace", "ByUser")
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
#: kind of a subject → the field that says which one.
SUBJECTS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}
DEFAULT_PRECEDENCE = 1000
MAX_PRECEDENCE = 10000


class FlowRules(Rules):
    """What schemas and priority levels share: a status of conditions."""

    has_generation = True
    has_status = True
    status_keeps = OWN_METADATA

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same as on create, or the conditions of the status."""
        if not subresource:
            return self.validate_create(new)
        errs = Errors()
        check_conditions(errs, new)
        return errs


class FlowSchemaRules(FlowRules):
    """Rules of flowcontrol.apiserver.k8s.io/v1 FlowSchema."""

    def default(self, obj: Object) -> None:
        """A precedence in the middle."""
        spec = obj.setdefault("spec", {})
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = DEFAULT_PRECEDENCE

    def validate_create(self, obj: Object) -> Errors:
        """The precedence, the priority level, the rules."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        precedence, at = spec["matchingPrecedence"], path.child("matchingPrecedence")
        if precedence <= 0:
            errs.invalid(at, precedence, "must be a positive value")
        if precedence > MAX_PRECEDENCE:
            errs.invalid(at, precedence, f"must not be greater than {MAX_PRECEDENCE}")
        if precedence == 1 and rows.name(obj) != "exempt":
            errs.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
        method = spec.get("distinguisherMethod")
        if method is not None and method.get("type") not in DISTINGUISHERS:
            shown = {"Type": method.get("type", "")}
            errs.unsupported(path.child("distinguisherMethod", "type"), shown, DISTINGUISHERS)
        level = (spec.get("priorityLevelConfiguration") or {}).get("name", "")
        at = path.child("priorityLevelConfiguration", "name")
        if level:
            errs.each(at, level, names.dns_subdomain(level))
        else:
            errs.required(at, "must reference a priority level")
        for i, rule in enumerate(spec.get("rules") or ()):
            _check_rule(errs, rule, path.child("rules").at(i))
        check_conditions(errs, obj)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, dangling = obj["spec"], rows.condition(obj, "Dangling")
        return [
            rows.name(obj),
            (spec.get("priorityLevelConfiguration") or {}).get("name", ""),
            spec.get("matchingPrecedence", 0),
            (spec.get("distinguisherMethod") or {}).get("type", "<none>"),
            rows.age(obj, now_s),
            "?" if dangling is None else dangling.get("status", ""),
        ]


def check_conditions(errs: Errors, obj: Object) -> None:
    """Each condition of the status has a type of its own."""
    seen: set[str] = set()
    for i, condition in enumerate((obj.get("status") or {}).get("conditions") or ()):
        kind, at = condition.get("type", ""), Path("status").child("conditions").at(i).child("type")
        if kind in seen:
            errs.duplicate(at, kind)
        seen.add(kind)
        if not kind:
            errs.required(at, "must not be empty")


def _check_rule(errs: Errors, rule: Object, path: Path) -> None:
    subjects, resources = rule.get("subjects") or [], rule.get("resourceRules") or []
    others = rule.get("nonResourceRules") or []
    for i, subject in enumerate(subjects):
        _check_subject(errs, subject, path.child("subjects").at(i))
    if not subjects:
        errs.required(path.child("subjects"), "subjects must contain at least one value")
    if not resources and not others:
        errs.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for i, one in enumerate(resources):
        _check_resource_rule(errs, one, path.child("resourceRules").at(i))
    for i, one in enumerate(others):
        _check_url_rule(errs, one, path.child("nonResourceRules").at(i))


def _check_subject(errs: Errors, subject: Object, path: Path) -> None:
    kind = subject.get("kind", "")
    if kind not in SUBJECTS:
        errs.unsupported(path.child("kind"), kind, sorted(SUBJECTS))
        return
    field = SUBJECTS[kind]
    which, at = subject.get(field), path.child(field)
    if which is None:
        errs.required(at, f"{field} is required when subject kind is '{kind}'")
    else:
        name = which.get("name", "")
        if not name:
            errs.required(at.child("name"))
        if kind == "ServiceAccount":
            _check_account(errs, name, which.get("namespace", ""), at)
    for other, its_field in SUBJECTS.items():
        if other != kind and subject.get(its_field) is not None:
            why = f"{its_field} is forbidden when subject kind is not '{other}'"
            errs.forbidden(path.child(its_field), why)


def _check_account(errs: Errors, name: str, namespace: str, path: Path) -> None:
    if name not in ("", "*"):
        errs.each(path.child("name"), name, names.dns_subdomain(name))
    if namespace:
        errs.each(path.child("namespace"), namespace, names.dns_label(namespace))
    else:
        errs.required(path.child("namespace"), "must specify namespace for service account")


def _check_verbs(errs: Errors, verbs: list[str], path: Path) -> None:
    if not verbs:
        errs.required(path, "verbs must contain at least one value")
    elif "*" in verbs:
        if len(verbs) > 1:
            errs.invalid(path, verbs, "if '*' is present, must not specify other verbs")
    elif not set(verbs) <= set(VERBS):
        errs.unsupported(path, verbs, VERBS)


def _check_resource_rule(errs: Errors, rule: Object, path: Path) -> None:
    _check_verbs(errs, rule.get("verbs") or [], path.child("verbs"))
    for field, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        values, at = rule.get(field) or [], path.child(field)
        if not values:
            errs.required(at, f"resource rules must supply at least one {one}")
        elif len(values) > 1 and "*" in values:
            errs.invalid(at, values, f"if '*' is present, must not specify other {many}")
    namespaces, at = rule.get("namespaces") or [], path.child("namespaces")
    if not namespaces and not rule.get("clusterScope"):
        errs.required(at, "resource rules that are not cluster scoped must supply at least one namespace")
    elif "*" in namespaces:
        if len(namespaces) > 1:
            errs.invalid(at, namespaces, "if '*' is present, must not specify other namespaces")
    else:
        intro = "each member of this list must be '*' or a DNS-1123 label; "
        for i, namespace in enumerate(namespaces):
            errs.each(at.at(i), namespace, [intro + wrong for wrong in names.dns_label(namespace)])


def _check_url_rule(errs: Errors, rule: Object, path: Path) -> None:
    _check_verbs(errs, rule.get("verbs") or [], path.child("verbs"))
    urls, at = rule.get("nonResourceURLs") or [], path.child("nonResourceURLs")
    if not urls:
        errs.required(at, "nonResourceURLs must contain at least one value")
    elif "*" in urls:
        if len(urls) > 1:
            errs.invalid(at, urls, "if '*' is present, must not specify other non-resource URLs")
    else:
        for i, url in enumerate(urls):
            errs.each(at.at(i), url, _url_faults(url))


def _url_faults(url: str) -> list[str]:
    if not url:
        return ["must not be empty"]
    if url == "/":
        return []
    if not url.startswith("/"):
        return ["must start with slash"]
    if " " in url:
        return ["must not contain white-space"]
    if "//" in url:
        return ["must not contain double slash"]
    if url.count("*") > 1 or ("*" in url and not url.endswith("/*")):
        return ["wildcard can only do suffix matching"]
    return []


RULES = {"FlowSchema": FlowSchemaRules()}
