"""Admission policies and their bindings (KEP-3488, KEP-3962)."""

import re
from typing import TYPE_CHECKING

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.admissionmatch import (
    FAILURE_POLICIES,
    check_choice,
    check_conditions,
    check_expression,
    check_match,
    check_parameter_kind,
    check_parameters,
    default_match,
)
from corral.api.kinds.workload import default_fields
from corral.api.objects import Object
from corral.api.rules import OWN_METADATA, Rules

if TYPE_CHECKING:
    from corral.api.admissioncel import PolicyCompiler

ACTIONS = ("Audit", "Deny", "Warn")
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
REINVOCATION_POLICIES = ("IfNeeded", "Never")
PATCH_TYPES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
MAX_AUDIT_ANNOTATIONS = 20
VALUE_EXPRESSION_MAX_BYTES = 5 * 1024
_IDENTIFIER = re.compile("[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
BOTH_MISSING = "validations or auditAnnotations must contain at least one item"
BOTH_SHOWN = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers"
    " serves no purpose)"
)


class _PolicyRules(Rules):
    has_generation = True

    #: The field whose items are counted in the row.
    counted = ""

    def default(self, obj: Object) -> None:
        """Failures fail; all namespaces and objects."""
        spec = obj.setdefault("spec", {})
        default_fields(spec, failurePolicy="Fail")
        default_match(spec.get("matchConstraints"))

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec."""
        return Errors() if subresource else self.validate_create(new)

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, shown = obj["spec"], "<unset>"
        kind = spec.get("paramKind")
        if kind is not None:
            shown = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"
        return [rows.name(obj), len(spec.get(self.counted) or ()), shown, rows.age(obj, now_s)]


class ValidatingAdmissionPolicyRules(_PolicyRules):
    """Rules of admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy."""

    has_status = True
    status_keeps = OWN_METADATA
    counted = "validations"

    def validate_create(self, obj: Object) -> Errors:
        """What it is about, its variables, its validations and annotations."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        compiler = _check_subject(errs, spec, path)
        validations, annotations = spec.get("validations") or [], spec.get("auditAnnotations") or []
        if not validations and not annotations:
            for field in ("validations", "auditAnnotations"):
                errs.required(path.child(field), BOTH_MISSING)
            return errs
        for i, validation in enumerate(validations):
            _check_validation(errs, validation, path.child("validations").at(i), compiler)
        at = path.child("auditAnnotations")
        if len(annotations) > MAX_AUDIT_ANNOTATIONS:
            errs.invalid(at, annotations, f"must not have more than {MAX_AUDIT_ANNOTATIONS} auditAnnotations")
        seen: set[str] = set()
        for i, annotation in enumerate(annotations):
            key = annotation.get("key", "")
            _check_annotation(errs, rows.name(obj), annotation, at.at(i), compiler)
            if key in seen:
                errs.duplicate(at.at(i).child("key"), key)
            seen.add(key)
        return errs


class MutatingAdmissionPolicyRules(_PolicyRules):
    """Rules of admissionregistration.k8s.io/v1 MutatingAdmissionPolicy."""

    counted = "mutations"

    def validate_create(self, obj: Object) -> Errors:
        """What it is about, its variables, its mutations."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        compiler = _check_subject(errs, spec, path)
        if not spec.get("mutations"):
            errs.required(path.child("mutations"), "mutations must contain at least one item")
        for i, mutation in enumerate(spec.get("mutations") or ()):
            _check_mutation(errs, mutation, path.child("mutations").at(i), compiler)
        if not spec.get("reinvocationPolicy"):
            errs.required(path.child("reinvocationPolicy"))
        else:
            check_choice(errs, spec, "reinvocationPolicy", REINVOCATION_POLICIES, path)
        return errs


class MutatingAdmissionPolicyBindingRules(Rules):
    """Rules of admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """All namespaces and objects."""
        default_match(obj.setdefault("spec", {}).get("matchResources"))

    def validate_create(self, obj: Object) -> Errors:
        """The policy, its parameters, what it is about here."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        policy = spec.get("policyName", "")
        if not policy:
            errs.required(path.child("policyName"))
        else:
            errs.each(path.child("policyName"), policy, names.dns_subdomain(policy))
        if spec.get("paramRef") is not None:
            check_parameters(errs, spec["paramRef"], path.child("paramRef"))
        if spec.get("matchResources") is not None:
            # The reference's path has this spelling.
            check_match(errs, spec["matchResources"], path.child("matchResouces"))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, shown = obj["spec"], "<unset>"
        reference = spec.get("paramRef")
        if reference is not None:
            name, namespace = reference.get("name"), reference.get("namespace") or "*"
            shown = f"{namespace}/{name}" if name else _go_selector(reference.get("selector") or {})
        return [rows.name(obj), spec.get("policyName", ""), shown, rows.age(obj, now_s)]


class ValidatingAdmissionPolicyBindingRules(MutatingAdmissionPolicyBindingRules):
    """Rules of admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding."""

    def validate_create(self, obj: Object) -> Errors:
        """The same, and what is done about a failed validation."""
        errs = super().validate_create(obj)
        actions, at = obj["spec"].get("validationActions") or [], Path("spec").child("validationActions")
        seen: set[str] = set()
        for i, action in enumerate(actions):
            if action not in ACTIONS:
                errs.unsupported(at.at(i), action, ACTIONS)
            if action in seen:
                errs.duplicate(at.at(i), action)
            seen.add(action)
        if {"Deny", "Warn"} <= seen:
            errs.invalid(at, actions, BOTH_SHOWN)
        if not seen:
            errs.required(at, "at least one validation action is required")
        return errs


def _go_selector(selector: Object) -> str:
    """A label selector as Go prints it."""
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    terms = "".join(
        f"LabelSelectorRequirement{{Key:{t.get('key', '')},Operator:{t.get('operator', '')},"
        f"Values:[{' '.join(t.get('values') or ())}],}},"
        for t in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{terms}}},}}"
    )


def _check_subject(errs: Errors, spec: Object, path: Path) -> "PolicyCompiler":
    """What it is about, and its variables; the compiler of its expressions."""
    from corral.api.admissioncel import CONDITION, PolicyCompiler

    check_choice(errs, spec, "failurePolicy", FAILURE_POLICIES, path)
    if spec.get("paramKind") is not None:
        check_parameter_kind(errs, spec["paramKind"], path.child("paramKind"))
    match, at = spec.get("matchConstraints"), path.child("matchConstraints")
    if match is None:
        errs.required(at)
    else:
        check_match(errs, match, at)
        if not match.get("resourceRules"):
            errs.required(at.child("resourceRules"))
    compiler = PolicyCompiler(spec)
    conditions, at = spec.get("matchConditions") or [], path.child("matchConditions")
    check_conditions(errs, conditions, at, lambda expression: compiler.compile(expression, CONDITION))
    for i, variable in enumerate(spec.get("variables") or ()):
        _check_variable(errs, variable, path.child("variables").at(i), compiler)
    return compiler


def _check_variable(errs: Errors, variable: Object, path: Path, compiler: "PolicyCompiler") -> None:
    name, expression = variable.get("name", ""), variable.get("expression", "")
    if not name.strip():
        errs.required(path.child("name"), "name is not specified")
    elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        errs.invalid(path.child("name"), name, "name is not a valid CEL identifier")
    if not expression.strip():
        errs.required(path.child("expression"), "expression is not specified")
    elif name in compiler.faulty:
        errs.invalid(path.child("expression"), expression, str(compiler.faulty[name]))


def _check_validation(errs: Errors, validation: Object, path: Path, compiler: "PolicyCompiler") -> None:
    from corral.api.admissioncel import CONDITION, MESSAGE

    expression, message = validation.get("expression", ""), validation.get("message", "")
    from_expression, at = validation.get("messageExpression", ""), path.child("messageExpression")
    if not expression.strip():
        errs.required(path.child("expression"), "expression is not specified")
    else:
        check_expression(errs, expression, path.child("expression"), lambda one: compiler.compile(one, CONDITION))
    if from_expression and not from_expression.strip():
        errs.invalid(at, from_expression, "must be non-empty if specified")
    elif from_expression:
        check_expression(errs, from_expression, at, lambda one: compiler.compile(one, MESSAGE, authorizer=False))
    if message and not message.strip():
        errs.invalid(path.child("message"), message, "message must be non-empty if specified")
    elif re.search("[\n\r]", message.strip()):
        errs.invalid(path.child("message"), message, "message must not contain line breaks")
    check_choice(errs, validation, "reason", REASONS, path)


def _check_annotation(errs: Errors, policy: str, annotation: Object, path: Path, compiler: "PolicyCompiler") -> None:
    from corral.api.admissioncel import ANNOTATION

    key, expression, at = annotation.get("key", ""), annotation.get("valueExpression", ""), path.child("valueExpression")
    full = f"{policy}/{key}"
    errs.each(path.child("key"), full, names.qualified_name(full))
    if not expression.strip():
        errs.required(at, "valueExpression is not specified")
    elif len(expression.strip().encode()) > VALUE_EXPRESSION_MAX_BYTES:
        errs.required(at, f"must not exceed {VALUE_EXPRESSION_MAX_BYTES} bytes in length")
    else:
        check_expression(errs, expression, at, lambda one: compiler.compile(one, ANNOTATION))


def _check_mutation(errs: Errors, mutation: Object, path: Path, compiler: "PolicyCompiler") -> None:
    from corral.api.admissioncel import APPLY_CONFIGURATION, JSON_PATCH

    kind = mutation.get("patchType", "")
    if not kind:
        errs.required(path.child("patchType"))
        return
    if kind not in PATCH_TYPES:
        errs.unsupported(path.child("patchType"), kind, tuple(PATCH_TYPES))
        return
    field = PATCH_TYPES[kind]
    patch, at = mutation.get(field), path.child(field)
    if patch is None:
        errs.required(at, f"must be specified when patchType is {kind}")
        return
    for other in PATCH_TYPES.values():
        if other != field and mutation.get(other) is not None:
            errs.invalid(path.child(other), "{}", f"must not be specified when patchType is {kind}")
    expression = patch.get("expression", "")
    if not expression.strip():
        errs.required(at.child("expression"), "expression is not specified")
    else:
        gives = APPLY_CONFIGURATION if kind == "ApplyConfiguration" else JSON_PATCH
        at = at.child("expression")
        check_expression(errs, expression, at, lambda one: compiler.compile(one, gives, patches=True))


RULES: dict[str, Rules] = {
    "ValidatingAdmissionPolicy": ValidatingAdmissionPolicyRules(),
    "ValidatingAdmissionPolicyBinding": ValidatingAdmissionPolicyBindingRules(),
    "MutatingAdmissionPolicy": MutatingAdmissionPolicyRules(),
    "MutatingAdmissionPolicyBinding": MutatingAdmissionPolicyBindingRules(),
}
