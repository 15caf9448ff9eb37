"""Validation rules of custom resources against objects: what is told, where, and when not."""

import pytest

from corral.api.validationrules import PER_OBJECT_LIMIT, compiled, resolved, validations_of

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def ruled(schema, *rules):
    return {**schema, "x-kubernetes-validations": list(rules)}


def of(*rules, **properties):
    return ruled({"type": "object", "properties": properties}, *rules)


def spec(*rules, **properties):
    return {"type": "object", "properties": {"spec": of(*rules, **properties)}}


def faults(schema, value, old=None, *, warnings=False):
    found = validations_of(schema, is_root=True).check(value, old)[warnings]
    return [str(error) for error in found.items]


def test_a_broken_rule_names_the_value_and_says_its_message():
    schema = spec({"rule": "self.n != 7", "message": " no sevens "}, n=NUMBER)
    assert faults(schema, {"spec": {"n": 6}}) == []
    assert faults(schema, {"spec": {"n": 7}}) == ["spec: Invalid value: no sevens"]


def test_without_a_message_the_rule_is_shown():
    assert faults(spec({"rule": " self.n != 7 "}, n=NUMBER), {"spec": {"n": 7}}) == [
        "spec: Invalid value: failed rule: self.n != 7"
    ]


def test_the_whole_object_has_a_name_and_no_path():
    schema = of({"rule": "self.metadata.name == 'only'", "message": "there can be one"})
    assert faults(schema, {"metadata": {"name": "other"}}) == ["<nil>: Invalid value: there can be one"]


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("FieldValueInvalid", "Invalid value: m"),
        ("FieldValueForbidden", "Forbidden: m"),
        ("FieldValueRequired", "Required value: m"),
        ("FieldValueDuplicate", "Duplicate value"),
    ],
)
def test_a_reason_and_a_field_are_the_rules_own(reason, wanted):
    rule = {"rule": "false", "message": "m", "reason": reason, "fieldPath": ".a['b.c']"}
    schema = spec(rule, a={"type": "object", "properties": {"b.c": TEXT}})
    assert faults(schema, {"spec": {}}) == [f"spec.a.b.c: {wanted}"]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("'at most 5, not ' + string(self.n)", "at most 5, not 7"),
        ("''", "m"),
        ("'a\\nb'", "m"),
        ("string(1 / (self.n - 7))", "m"),
    ],
)
def test_a_message_can_be_an_expression(expression, wanted):
    rule = {"rule": "self.n <= 5", "message": "m", "messageExpression": expression}
    assert faults(spec(rule, n=NUMBER), {"spec": {"n": 7}}) == [f"spec: Invalid value: {wanted}"]


def test_an_evaluation_that_fails_is_a_fault():
    assert faults(spec({"rule": "self.a == self.b"}, a=TEXT, b=TEXT), {"spec": {"a": "x"}}) == [
        "spec: Invalid value: no such key: b evaluating rule: self.a == self.b"
    ]
    either = {"x-kubernetes-int-or-string": True}
    assert faults(spec({"rule": "self.p < 10", "message": "small"}, p=either), {"spec": {"p": "x"}}) == [
        "spec: Invalid value: 'no such overload': call arguments did not match a supported operator, function or macro"
        " signature for rule: small"
    ]


def test_rules_of_items_and_values_are_about_each():
    items = {"type": "array", "items": ruled(TEXT, {"rule": "self != ''", "message": "empty"})}
    values = {"type": "object", "additionalProperties": ruled(NUMBER, {"rule": "self > 0", "message": "low"})}
    value = {"spec": {"l": ["a", "", "b", ""], "m": {"x": 1, "y": 0}}}
    assert faults(spec(l=items, m=values), value) == [
        "spec.l[1]: Invalid value: empty",
        "spec.l[3]: Invalid value: empty",
        "spec.m[y]: Invalid value: low",
    ]


def test_nothing_is_said_of_null():
    nullable = {**ruled(TEXT, {"rule": "self != ''"}), "nullable": True}
    assert faults(spec(a=nullable), {"spec": {"a": None}}) == []


FIXED = {"rule": "self == oldSelf", "message": "fixed"}


def test_transitions_are_looked_at_where_there_was_a_value():
    schema = spec(a=ruled(TEXT, FIXED))
    assert faults(schema, {"spec": {"a": "x"}}) == []
    assert faults(schema, {"spec": {"a": "x"}}, {"spec": {}}) == []
    assert faults(schema, {"spec": {"a": "x"}}, {"spec": {"a": "x"}}) == []
    assert faults(schema, {"spec": {"a": "x"}}, {"spec": {"a": "y"}}) == ["spec.a: Invalid value: fixed"]


def test_transitions_of_items_go_by_their_keys():
    item = {"type": "object", "properties": {"k": TEXT, "v": ruled(TEXT, FIXED)}}
    keyed = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": item}
    old = {"spec": {"l": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}]}}
    new = {"spec": {"l": [{"k": "c", "v": "9"}, {"k": "b", "v": "3"}, {"k": "a", "v": "1"}]}}
    assert faults(spec(l=keyed), new, old) == ["spec.l[1].v: Invalid value: fixed"]


def test_an_old_value_can_be_optional():
    rule = {"rule": "oldSelf.hasValue() ? self == oldSelf.value() : self == 'first'", "optionalOldSelf": True, "message": "m"}
    schema = spec(a=ruled(TEXT, rule))
    assert faults(schema, {"spec": {"a": "first"}}) == []
    assert faults(schema, {"spec": {"a": "other"}}) == ["spec.a: Invalid value: m"]
    assert faults(schema, {"spec": {"a": "other"}}, {"spec": {"a": "other"}}) == []


def test_what_did_not_change_is_only_warned_of():
    schema = spec(
        {"rule": "self.n < 5", "message": "big"},
        n=NUMBER,
        other=TEXT,
        l={"type": "array", "items": ruled(TEXT, {"rule": "false", "message": "no"})},
    )
    old = {"spec": {"n": 9, "l": ["x"]}, "metadata": {}}
    assert faults(schema, {**old, "metadata": {"labels": {}}}, old) == []
    assert faults(schema, {**old, "metadata": {"labels": {}}}, old, warnings=True) == [
        "spec: Invalid value: big",
        "spec.l[0]: Invalid value: no",
    ]
    # The spec changed, the list in it did not.
    assert faults(schema, {"spec": {"n": 8, "l": ["x"]}}, old) == ["spec: Invalid value: big"]


def test_rules_together_have_a_budget():
    costly = {"rule": "self.all(a, self.all(b, self.all(c, true)))"}
    many = {"type": "array", "items": NUMBER}
    schema = spec(**{f"l{i}": ruled(many, costly) for i in range(20)})
    value = {"spec": {f"l{i}": list(range(60)) for i in range(20)}}
    assert PER_OBJECT_LIMIT < 20 * 60**3 * 3
    found = faults(schema, value)
    assert len(found) == 1 and found[0].endswith(
        "validation failed due to running out of cost budget, no further validation rules will be run"
    )


def test_one_rule_has_a_limit():
    costly = {"rule": "self.all(a, self.all(b, self.all(c, true)))", "message": "m"}
    found = faults(spec(l=ruled({"type": "array", "items": NUMBER}, costly)), {"spec": {"l": list(range(200))}})
    assert found == [
        "spec.l: Invalid value: 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due"
        " to call cost exceeds limit for rule: m"
    ]


def test_a_schema_without_rules_costs_nothing():
    assert validations_of(spec(a=TEXT), is_root=True) is None


def test_rules_say_what_is_wrong_with_them():
    schema = of(
        {"rule": "self.x"},
        {"rule": "1"},
        {"rule": "true", "messageExpression": "1"},
        {"rule": "true", "messageExpression": "'"},
    )
    one, two, three, four = compiled(schema)
    assert one.fault.startswith("compilation failed: ERROR: <input>:1:5: undefined field 'x'")
    assert two.fault == "cel expression must evaluate to a bool"
    assert three.message_fault == "messageExpression must evaluate to a string"
    assert four.message_fault.startswith("messageExpression compilation failed: ERROR: <input>:1:1: Syntax error")


PLACES = {"type": "object", "properties": {"a.b": {"type": "object", "additionalProperties": TEXT}, "c'": TEXT}}


@pytest.mark.parametrize(
    ("path", "steps"),
    [("['a.b']", [("a.b", False)]), ("['a.b'].x", [("a.b", False), ("x", True)]), ("['c\\'']", [("c'", False)])],
)
def test_field_paths(path, steps):
    assert resolved(path, PLACES) == steps


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".d", "does not refer to a valid field"),
        ("..", "does not refer to a valid field"),
        (".", "unexpected end of JSON path"),
        ("a", "expected [ or . but got: a"),
        ("[0]", "expected single quoted string but got 0"),
        ("['c\\''", "unexpected end of JSON path"),
    ],
)
def test_paths_that_lead_nowhere(path, why):
    with pytest.raises(ValueError, match="^" + why.replace("[", r"\[").replace(".", r"\.")):
        resolved(path, PLACES)
