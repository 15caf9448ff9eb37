"""Whether the validation rules of a definition's schema are sound: their texts, what they compile to, what they may cost.

CEL is loaded by the first rule: most servers never see one.
"""

import json
import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from corral.api.fields import Errors, Path
from corral.api.objects import Object
from corral.api.serialize import escaped

if TYPE_CHECKING:
    from corral.api.validationrules import Rule

#: What one expression, and all of a definition, may cost at most by estimate: the reference's StaticEstimatedCostLimit and
#: StaticEstimatedCRDCostLimit.
PER_EXPRESSION_LIMIT, PER_DEFINITION_LIMIT = 10_000_000, 100_000_000
_SHOWN_COSTS = 4
_KEYWORD = "x-kubernetes-validations"
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
    from corral.api.validationrules import resolved

    try:
        resolved(given, schema)
    except ValueError as error:
        errs.invalid(path, given, f"fieldPath must be a valid path: {error}")


class Around(Struct, frozen=True):
    """What the schemas around one mean for its rules.

    `uncorrelated`: the path within which no value can be told from its neighbours, so that none has an old one. `times`: how
    many such values one object can hold; None: as many as fit into a request. `costs` is the same list for a whole schema.
    """

    uncorrelated: Path | None = None
    times: int | None = 1
    costs: list[tuple[int, Path]] = field(default_factory=list)

    def below(self, schema: Object, inner: Object, path: Path) -> "Around":
        """The same for `inner`, which is right below `schema`, at `path`."""
        uncorrelated: Path | None = self.uncorrelated
        most: int | None = 1
        if inner is schema.get("items"):
            most = schema.get("maxItems")
            if uncorrelated is None and schema.get("x-kubernetes-list-type") != "map":
                uncorrelated = path
        elif inner is schema.get("additionalProperties"):
            most = schema.get("maxProperties")
        times = None if self.times is None or most is None else self.times * most
        return Around(uncorrelated, times, self.costs)


def check_expressions(errs: Errors, schema: Object, path: Path, around: Around) -> None:
    """The expressions of a schema whose rules are otherwise sound, and what they can cost."""
    from corral.api.cel.estimate import UNBOUNDED
    from corral.api.cel.sizes import REQUEST_BYTES, Sizes, of_schema
    from corral.api.validationrules import compiled

    at, is_root = path.child(_KEYWORD), path.endswith("openAPIV3Schema")
    try:
        rules = compiled(schema, is_root=is_root)
    except ValueError as error:
        errs.internal(at, str(error))
        return
    sizes = of_schema(schema, is_root=is_root) or Sizes()
    times = REQUEST_BYTES // (sizes.min_bytes + 1) if around.times is None else around.times
    for i, rule in enumerate(rules):
        for cost, name in zip(rule.costs(sizes), ("rule", "messageExpression"), strict=True):
            total = min(cost * (times if name == "rule" else 1), UNBOUNDED)
            if total > PER_EXPRESSION_LIMIT:
                errs.forbidden(at.at(i).child(name), _too_costly(f"estimated {name} cost", total, PER_EXPRESSION_LIMIT))
            around.costs.append((total, at.at(i).child(name)))
        _check_compiled(errs, rule, at.at(i), around.uncorrelated)


def check_total(errs: Errors, around: Around, path: Path) -> None:
    """What all rules of a definition's schema can cost together."""
    total = sum(cost for cost, _ in around.costs)
    if total <= PER_DEFINITION_LIMIT:
        return
    ordered = sorted(around.costs, key=lambda one: -one[0])[:_SHOWN_COSTS]
    for cost, at in ordered:
        if cost > PER_DEFINITION_LIMIT // 100:
            errs.forbidden(at, "contributed to estimated rule & messageExpression cost total exceeding cost limit")
    what = f"{_KEYWORD} estimated rule & messageExpression cost total for entire OpenAPIv3 schema"
    errs.forbidden(path, _too_costly(what, total, PER_DEFINITION_LIMIT))


def _too_costly(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    where = "where arrays, maps, and strings are declared"
    how = f"try simplifying the rule, or adding maxItems, maxProperties, and maxLength {where}"
    return f"{what} exceeds budget by factor of {shown} ({how})"


def _check_compiled(errs: Errors, rule: "Rule", path: Path, uncorrelated: Path | None) -> None:
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
    return escaped(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()).decode()
