"""Values that a chart's schema does not want are told as Helm tells them, and so is a schema that is none."""

import json

import pytest

from corral.charts.chart.errors import ChartError
from corral.charts.values import schema


def table(**properties):
    return {"type": "object", "properties": properties}


def draft(name, **rest):
    return {"$schema": f"http://json-schema.org/draft-0{name}/schema#", **rest}


NEAREST = [{"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}, {"required": ["y", "z"]}]
KIND = {"properties": {"kind": {"const": "a"}}, "required": ["kind"]}
FORMATS = {
    "email": ["x", "A B <a@b>", 5, True],
    "uri": ["x", "http://a b", "mailto:x"],
    "uri-reference": ["x y\\", "x"],
    "uri-template": ["http://x/{a", "http://x/{a}"],
    "date": ["x", "2020-02-30", "2020-02-29"],
    "time": ["10:00", "10:00:00", "10:00:00+02:00"],
    "date-time": ["2020", "2020-01-01T10:00:00", "2020-01-01T10:00:00.5Z"],
    "hostname": ["a_b", "-a", "", "a.b"],
    "ipv4": ["1.2", "01.2.3.4", "1.2.3.4"],
    "ipv6": ["1", "fe80::1%eth0", "::1"],
    "uuid": ["x", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"],
    "regex": ["[", "(?=a)", "a+"],
    "json-pointer": ["x", "/a~1b"],
    "relative-json-pointer": ["x", "1#"],
    "of no kind": ["x"],
}

#: Schemas, each with values to look at.
CASES = {
    "names of fields are whole": (
        table(b=table(c={"enum": ["x", 1, None, {"a": [1]}, "<q>"]}, d={"const": "z"})),
        {"b": {"c": 2, "d": 3}},
    ),
    "a wrong type is told alone": (
        table(a={"type": "string", "enum": ["x"]}, i={"type": "integer", "multipleOf": 2}),
        {"a": 5, "i": 2.5},
    ),
    "needed, and others": (
        {"required": ["a"], "properties": {"n": {"required": ["q"]}}, "additionalProperties": False},
        {"n": {}, "z": 1},
    ),
    "the nearest of some": (table(a={"anyOf": NEAREST}), {"a": {"y": 1}}),
    "the nearest is deeper": (table(a={"anyOf": NEAREST}), {"a": {"x": 1}}),
    "the first of those as near": (table(a={"anyOf": [{"type": "string"}, {"type": "integer"}]}), {"a": True}),
    "one of": (
        table(a={"oneOf": [{"minLength": 3}, {"pattern": "^x"}]}, b={"oneOf": [{"type": "string"}, {"type": "null"}]}),
        {"a": "xxx", "b": 1},
    ),
    "all of": (table(a={"allOf": [{"required": ["x"]}, {"required": ["y"]}]}), {"a": {"x": 1}}),
    "not": (table(a={"not": {"type": "string"}}), {"a": "s"}),
    "then": ({"if": KIND, "then": {"required": ["x"]}}, {"kind": "a"}),
    "else": ({"if": KIND, "else": {"properties": {"n": {"minimum": 5}}}}, {"n": 1}),
    "lists": (table(a={"items": {"type": "string"}, "minItems": 4, "maxItems": 2, "uniqueItems": True}), {"a": [1, 1.0, None]}),
    "lists by place": (table(a={"items": [{"type": "string"}], "additionalItems": False}), {"a": [1, 2]}),
    "lists by place, and others": (
        table(a={"items": [{"type": "string"}], "additionalItems": {"type": "null"}}),
        {"a": [1, 2]},
    ),
    "contains": (table(a={"contains": {"type": "integer"}}), {"a": ["x"]}),
    "numbers": (
        table(n={"minimum": 1000000, "maximum": 0.5, "multipleOf": 0.3}, m={"exclusiveMinimum": 3, "exclusiveMaximum": 3}),
        {"n": 1, "m": 3},
    ),
    "bounds as flags": (table(m={"minimum": 1, "exclusiveMinimum": True, "maximum": 1, "exclusiveMaximum": True}), {"m": 1}),
    "bounds of draft 4": (draft(4, properties={"m": {"minimum": 1, "exclusiveMinimum": True}}), {"m": 1}),
    "strings": (table(s={"minLength": 3, "maxLength": 1, "pattern": "^[a-z]$"}), {"s": "é\n"}),
    "how many": ({"minProperties": 2, "properties": {"a": {"maxProperties": 0}}}, {"a": {"b": 1}}),
    "patterns of names": (
        {"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
        {"x-a": "s", "b": 1},
    ),
    "names": ({"propertyNames": {"pattern": "^[a-z]+$"}}, {"A": 1}),
    "dependencies": ({"dependencies": {"a": ["b", "c"], "x": {"required": ["y"]}}}, {"a": 1, "x": 1}),
    "never": ({"properties": {"a": False, "b": True}}, {"a": 1}),
    "a reference stands alone": (
        {"$ref": "#/$defs/v", "additionalProperties": False, "$defs": {"v": table(a={"type": "null"})}},
        {"a": 1, "q": 1},
    ),
    "a later draft is none": (
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "unevaluatedProperties": False,
            "dependentRequired": {"q": ["b"]},
            "required": ["n"],
        },
        {"q": 1},
    ),
    "names of schemas": (
        {"$id": "https://e.x/s", "definitions": {"p": {"$id": "#p", "type": "null"}}, "properties": {"a": {"$ref": "#p"}}},
        {"a": 1},
    ),
    "later words of draft 4": (draft(4, const=1, contains={"type": "null"}, propertyNames={"pattern": "^$"}), {"a": 1}),
    "later words of draft 6": (draft(6, **{"if": {}, "then": {"type": "null"}}), {"a": 1}),
    **{
        f"format {name}": (
            table(**{f"k{i}": {"format": name} for i in range(len(texts))}),
            {f"k{i}": text for i, text in enumerate(texts)},
        )
        for name, texts in FORMATS.items()
    },
}

NO_SCHEMAS = [
    5,
    [],
    {"$schema": 5},
    {"$id": 5},
    {"title": 5},
    {"type": "strin"},
    {"type": 5},
    {"type": ["string", "string"]},
    {"properties": 5},
    {"properties": {"a": 5}},
    {"definitions": {"a": 5}},
    {"required": "a"},
    {"required": ["a", "a"]},
    {"enum": [1, 1.0]},
    {"anyOf": {}},
    {"not": 5},
    {"if": 5},
    {"items": "x"},
    {"contains": 5},
    {"additionalProperties": 5},
    {"patternProperties": {"[": {}}},
    {"dependencies": {"a": [5]}},
    {"minimum": "x"},
    {"multipleOf": 0},
    {"exclusiveMinimum": True},
    {"exclusiveMinimum": "x"},
    draft(4, exclusiveMinimum=1),
    draft(7, exclusiveMinimum=True, minimum=1),
    draft(4, properties={"a": True}),
    {"minLength": -1},
    {"minLength": 1.5},
    {"minLength": 5, "maxLength": 3},
    {"pattern": "["},
    {"uniqueItems": 5},
    {"format": 5},
    {"$ref": "#/definitions/nope"},
]


def lines(ran):
    return ran.code, sorted(ran.err.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_values_are_looked_at_as_helm_looks_at_them(name, make, helm, corral_chart):
    content, values = CASES[name]
    folder = str(make("wanting", {"values.schema.json": json.dumps(content), "values.yaml": json.dumps(values)}))
    assert lines(corral_chart("template", folder)) == lines(helm("template", folder))


@pytest.mark.parametrize("content", NO_SCHEMAS, ids=json.dumps)
def test_what_is_no_schema_is_told_as_helm_tells_it(content, make, helm, corral_chart):
    folder = str(make("wanting", {"values.schema.json": json.dumps(content)}))
    assert lines(corral_chart("template", folder)) == lines(helm("template", folder))


def test_lint_looks_at_values_too(make, helm, corral_chart):
    content, values = CASES["one of"]
    folder = str(make("wanting", {"values.schema.json": json.dumps(content), "values.yaml": json.dumps(values)}))
    ours, theirs = corral_chart("lint", folder), helm("lint", folder)
    assert (ours.code, ours.err) == (theirs.code, theirs.err)
    # Helm goes through properties in any order; the first fault has its line's head before it.
    ours_out, theirs_out = (sorted(ran.out.replace(": - ", ":\n- ").splitlines()) for ran in (ours, theirs))
    assert ours_out == theirs_out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"$ref": "#"}', "without end"),
        ('{"properties": {"a": {"$ref": "#/properties/a"}}}', "without end"),
        ('{"$ref": "http://example.invalid/schema.json"}', "another document"),
        ('{"not": ' * 5000 + "{}" + "}" * 5000, "no JSON|too deep"),
        ('{"not": ' * 250 + "{}" + "}" * 250, "too deep"),
        ("{", "no JSON"),
    ],
)
def test_a_schema_without_end_ends(content, told):
    with pytest.raises(ChartError, match=told):
        schema.faults(content.encode(), {"a": 1})


def test_numbers_that_are_none_are_not_measured():
    assert schema.faults(b'{"properties": {"a": {"minimum": 1, "multipleOf": 2}}}', {"a": float("inf")}) == []
