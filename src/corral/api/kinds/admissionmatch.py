"""What webhooks and policies of admission share: which requests they are about, and their parameters."""

from collections.abc import Callable

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.selector import check_selector
from corral.api.kinds.workload import default_fields
from corral.api.objects import Object

#: Makes a program of an expression; what it raises (CompileError) says why it cannot.
Compile = Callable[[str], object]

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
NOT_FOUND_ACTIONS = ("Deny", "Allow")
MAX_CONDITIONS = 64


def default_rules(rules: list[Object] | None) -> None:
    """Rules are about objects of every scope."""
    for rule in rules or ():
        default_fields(rule, scope="*")


def default_match(match: Object | None) -> None:
    """All namespaces, all objects, whatever version they are written in."""
    if match is None:
        return
    default_fields(match, matchPolicy="Equivalent")
    for field in ("namespaceSelector", "objectSelector"):
        if match.get(field) is None:
            match[field] = {}
    default_rules(match.get("resourceRules"))
    default_rules(match.get("excludeResourceRules"))


def check_choice(errs: Errors, obj: Object, field: str, choices: tuple[str, ...], path: Path) -> None:
    """A field that, if given, is one of `choices`."""
    value = obj.get(field)
    if value is not None and value not in choices:
        errs.unsupported(path.child(field), value, choices)


def check_rule(errs: Errors, rule: Object, path: Path) -> None:
    """Operations on resources of groups and versions."""
    operations, at = rule.get("operations") or [], path.child("operations")
    if not operations:
        errs.required(at)
    if len(operations) > 1 and "*" in operations:
        errs.invalid(at, operations, "if '*' is present, must not specify other operations")
    for i, operation in enumerate(operations):
        if operation not in OPERATIONS:
            errs.unsupported(at.at(i), operation, OPERATIONS)
    for field, what in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values, at = rule.get(field) or [], path.child(field)
        if not values:
            errs.required(at)
        if len(values) > 1 and "*" in values:
            errs.invalid(at, values, f"if '*' is present, must not specify other {what}")
    for i, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            errs.required(path.child("apiVersions").at(i))
    _check_resources(errs, rule.get("resources") or [], path.child("resources"))
    check_choice(errs, rule, "scope", SCOPES, path)


def _check_resources(errs: Errors, resources: list[str], path: Path) -> None:
    if not resources:
        errs.required(path)
    with_all_subresources: set[str] = set()
    of_all_resources: set[str] = set()
    plain = False
    for i, text in enumerate(resources):
        if not text:
            errs.required(path.at(i))
            continue
        resource, slash, subresource = text.partition("/")
        if not slash:
            # The reference looks at the last one without a subresource only.
            plain = text != "*"
            continue
        if resource in with_all_subresources:
            errs.invalid(path.at(i), text, f"if '{resource}/*' is present, must not specify {text}")
        if subresource in of_all_resources:
            errs.invalid(path.at(i), text, f"if '*/{subresource}' is present, must not specify {text}")
        if subresource == "*":
            with_all_subresources.add(resource)
        if resource == "*":
            of_all_resources.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        errs.invalid(path, resources, "if '*/*' is present, must not specify other resources")
    if "*" in resources and plain:
        why = "if '*' is present, must not specify other resources without subresources"
        errs.invalid(path, resources, why)


def check_match(errs: Errors, match: Object, path: Path) -> None:
    """Selectors and rules of a policy or its binding."""
    check_choice(errs, match, "matchPolicy", MATCH_POLICIES, path)
    for field in ("namespaceSelector", "objectSelector"):
        check_selector(errs, match.get(field), path.child(field))
    for field in ("resourceRules", "excludeResourceRules"):
        for i, rule in enumerate(match.get(field) or ()):
            at = path.child(field).at(i)
            seen: set[str] = set()
            for j, name in enumerate(rule.get("resourceNames") or ()):
                errs.each(at.child("resourceNames").at(j), name, names.path_segment(name))
                if name in seen:
                    errs.duplicate(at.child("resourceNames").at(j), name)
                seen.add(name)
            check_rule(errs, rule, at)


def check_conditions(errs: Errors, conditions: list[Object], path: Path, compile: Compile | None = None) -> None:
    """Match conditions: expressions with names of their own, of a webhook unless `compile` is given."""
    if len(conditions) > MAX_CONDITIONS:
        errs.too_many(path, len(conditions), MAX_CONDITIONS)
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        name, expression = condition.get("name", ""), condition.get("expression", "")
        at = path.at(i)
        if not expression.strip():
            errs.required(at.child("expression"))
        else:
            check_expression(errs, expression.strip(), at.child("expression"), compile or _of_webhook)
        if not name:
            errs.required(at.child("name"))
            continue
        errs.each(at.child("name"), name, names.qualified_name(name))
        if name in seen:
            errs.duplicate(at.child("name"), name)
        seen.add(name)


def _of_webhook(expression: str) -> object:
    from corral.api.admissioncel import match_condition

    return match_condition(expression)


def check_expression(errs: Errors, expression: str, path: Path, compile: Compile) -> None:
    """A CEL expression that compiles."""
    from corral.api.cel import CompileError

    try:
        compile(expression)
    except CompileError as error:
        errs.invalid(path, expression, str(error))


def check_parameters(errs: Errors, reference: Object, path: Path) -> None:
    """Which parameters a binding means: those of a name, or those that a selector selects."""
    name, selector, action = reference.get("name", ""), reference.get("selector"), reference.get("parameterNotFoundAction")
    if name:
        errs.each(path.child("name"), name, names.path_segment(name))
        if selector is not None:
            errs.forbidden(path.child("name"), "name and selector are mutually exclusive")
    if selector is not None:
        check_selector(errs, selector, path.child("selector"))
        if name:
            errs.forbidden(path.child("selector"), "name and selector are mutually exclusive")
    elif not name:
        errs.required(path, "one of name or selector must be specified")
    if not action:
        errs.required(path.child("parameterNotFoundAction"))
    elif action not in NOT_FOUND_ACTIONS:
        errs.unsupported(path.child("parameterNotFoundAction"), action, NOT_FOUND_ACTIONS)


def check_parameter_kind(errs: Errors, kind: Object, path: Path) -> None:
    """The kind of a policy's parameters."""
    api_version, name, at = kind.get("apiVersion", ""), kind.get("kind", ""), path.child("apiVersion")
    if not api_version:
        errs.required(at)
    elif api_version.count("/") > 1:
        errs.invalid(at, api_version, f"unexpected GroupVersion string: {api_version}")
    else:
        group, _, version = api_version.rpartition("/")
        if group:
            _joined(errs, at, group, names.dns_subdomain(group))
        if not version:
            errs.invalid(at, api_version, "version must be specified")
        else:
            _joined(errs, at, version, names.dns_1035_label(version))
    if not name:
        errs.required(path.child("kind"))
        return
    wrong = names.dns_1035_label(name.lower())
    _joined(errs, path.child("kind"), name, wrong, "may have mixed case, but should otherwise match: ")


def _joined(errs: Errors, path: Path, value: str, wrong: list[str], intro: str = "") -> None:
    if wrong:
        errs.invalid(path, value, intro + ",".join(wrong))
