"""Values against the schemas of custom resources."""

import pytest

from corral.api.fields import Errors, Path
from corral.api.schemacheck import check, sound

OBJECT = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "color": {"type": "string", "enum": ["red", "blue"], "maxLength": 4},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "maxItems": 2},
    },
    "additionalProperties": {"type": "boolean"},
}


def faults(value, schema=OBJECT):
    errors = Errors()
    check(errors, value, schema, Path("spec"), "spec")
    return [str(e) for e in errors.items]


def test_a_sound_value_has_no_fault():
    assert faults({"size": 3, "color": "red", "tags": ["a"], "more": True}) == []


def test_each_fault_names_its_field():
    assert faults({"size": 11, "color": 5, "tags": ["a", "B"], "more": 1}) == [
        "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10",
        'spec.color: Invalid value: "integer": spec.color in body must be of type string: "integer"',
        'spec.color: Unsupported value: 5: supported values: "red", "blue"',
        "spec.tags[1]: Invalid value: \"B\": spec.tags[1] in body should match '^[a-z]+$'",
        'spec.more: Invalid value: "integer": spec.more in body must be of type boolean: "integer"',
    ]


def test_what_is_required_is_missed():
    assert faults({}) == ["spec.size: Required value"]


def test_lengths_are_limited():
    assert faults({"size": 1, "color": "purple", "tags": ["a", "b", "c"]}) == [
        "spec.color: Too long: may not be more than 4 bytes",
        'spec.color: Unsupported value: "purple": supported values: "red", "blue"',
        "spec.tags: Too many: 3: must have at most 2 items",
    ]


def test_null_is_for_the_nullable():
    assert sound(None, {"type": "string", "nullable": True})
    assert not sound(None, {"type": "string"})


@pytest.mark.parametrize(("value", "fits"), [(1, True), ("1", True), (True, False), (1.5, False)])
def test_int_or_string(value, fits):
    assert sound(value, {"x-kubernetes-int-or-string": True}) is fits


def test_combinations():
    choice = {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
    assert sound({"a": 1}, choice)
    assert not sound({"a": 1, "b": 1}, choice)
    assert not sound({"a": 1}, {"not": {"required": ["a"]}})
    assert not sound("x", {"allOf": [{"minLength": 2}]})
