"""Whether the validation rules of a definition's schema are sound: their texts, what they compile to, what they may cost."""

import json
import re

from corral.api.fields import Errors, Path
from corral.api.objects import Object
from corral.api.validationrules import KEYWORD, Rule, compiled, resolved

REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")


def check_rule(errs: Errors, rule: Object, schema: Object, path: Path) -> None:
    """The texts of one rule of `schema`."""
    text, message, reason = rule.get("rule", "").strip(), rule.get("message", ""), rule.get("reason")
    if not text:
        errs.required(path.child("rule"), "rule is not specified")
    elif message and not message.strip():
        errs.invalid(path.child("message"), message, "message must be non-empty if specified")
    elif _has_breaks(message.strip()):
        errs.invalid(path.child("message"), message, "message must not contain line breaks")
    elif _has_breaks(text) and not message:
        errs.required(path.child("message"), "message must be specified if rule contains line breaks")
    expression = rule.get("messageExpression")
    if expression and not expression.strip():
        errs.required(path.child("messageExpression"), "messageExpression must be non-empty if specified")
    if reason is not None and reason not in REASONS:
        errs.unsupported(path.child("reason"), reason, REASONS)
    _check_field_path(errs, rule.get("fieldPath") or "", schema, path.child("fieldPath"))


def _has_breaks(text: str) -> bool:
    return re.search("[\n\r]", text) is not None


def _check_field_path(errs: Errors, given: str, schema: Object, path: Path) -> None:
    if not given:
        return
    if not given.strip():
        errs.invalid(path, given, "fieldPath must be non-empty if specified")
    if _has_breaks(given):
        errs.invalid(path, given, "fieldPath must not contain line breaks")
    try:
        resolved(given, schema)
    except ValueError as error:
        errs.invalid(path, given, f"fieldPath must be a valid path: {error}")


def check_expressions(errs: Errors, schema: Object, path: Path, uncorrelated: Path | None) -> None:
    """The expressions of a schema whose rules are otherwise sound.

    `uncorrelated`: the path within which no value can be told from its neighbours, so that none has an old one.
    """
    at = path.child(KEYWORD)
    try:
        rules = compiled(schema, is_root=path.endswith("openAPIV3Schema"))
    except ValueError as error:
        errs.internal(at, str(error))
        return
    for i, rule in enumerate(rules):
        _check_compiled(errs, rule, at.at(i), uncorrelated)


def _check_compiled(errs: Errors, rule: Rule, path: Path, uncorrelated: Path | None) -> None:
    given = rule.given
    if rule.fault:
        errs.invalid_here(path.child("rule"), f"{_as_go(given)}: {rule.fault}")
    if rule.message_fault:
        errs.invalid_here(path.child("messageExpression"), f"{_as_go(given)}: {rule.message_fault}")
    if rule.uses_old:
        if uncorrelated is not None:
            why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
            errs.invalid(path.child("rule"), given["rule"], why)
    elif given.get("optionalOldSelf") is not None:
        errs.invalid(path.child("optionalOldSelf"), given["optionalOldSelf"], "may not be set if oldSelf is not used in rule")


def _as_go(rule: Object) -> str:
    """The rule as Go prints it: the JSON of its internal form, safe within HTML."""
    fields = (
        ("Rule", ""),
        ("Message", ""),
        ("MessageExpression", ""),
        ("Reason", None),
        ("FieldPath", ""),
        ("OptionalOldSelf", None),
    )
    made = {name: rule.get(name[0].lower() + name[1:], none) for name, none in fields}
    text = json.dumps(made, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
