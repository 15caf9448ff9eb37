"""Structural schemas at work on values."""

import pytest

from corral.api import jsonpath
from corral.api.customschema import pruned, read_object, set_defaults, type_of
from corral.api.jsontext import parse_exactly

PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


def of(**properties):
    return {"type": "object", "properties": properties}


def test_pruning_tells_where():
    schema = of(a=of(b={"type": "string"}), list={"type": "array", "items": of(x={"type": "integer"})})
    unknown = []
    value = {"a": {"b": "1", "c": 2}, "list": [{"x": 1, "y": 2}], "d": 3}
    assert pruned(value, schema, unknown) == {"a": {"b": "1"}, "list": [{"x": 1}]}
    assert unknown == ["a.c", "list[0].y", "d"]


def test_what_is_preserved_below_a_schema_is_pruned_where_it_is_named():
    schema = {**PRESERVE, **of(known=of(x={"type": "integer"}))}
    assert pruned({"known": {"x": 1, "y": 2}, "free": {"z": 3}}, schema, []) == {"known": {"x": 1}, "free": {"z": 3}}


def test_maps_prune_their_values():
    schema = {"type": "object", "additionalProperties": of(x={"type": "integer"})}
    assert pruned({"one": {"x": 1, "y": 2}}, schema, []) == {"one": {"x": 1}}


def test_embedded_objects_keep_what_they_are():
    schema = of(pod={**of(spec=PRESERVE), "x-kubernetes-embedded-resource": True})
    value = {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"a": 1}, "other": 2}}
    assert pruned(value, schema, [])["pod"] == {k: v for k, v in value["pod"].items() if k != "other"}


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ({}, {"a": {"b": 1}}),
        ({"a": {}}, {"a": {"b": 5}}),
        ({"a": None}, {"a": {"b": 1}}),
        ({"a": {"b": None}}, {"a": {"b": 5}}),
        ({"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_defaults(value, made):
    set_defaults(value, of(a={**of(b={"type": "integer", "default": 5}), "default": {"b": 1}}))
    assert value == made


def test_nulls_that_are_allowed_stay():
    value = {"a": None}
    set_defaults(value, of(a={"type": "string", "nullable": True, "default": "x"}))
    assert value == {"a": None}


def test_defaults_are_not_shared():
    schema = of(a={"type": "array", "default": [], "items": {"type": "string"}})
    one, other = {}, {}
    set_defaults(one, schema)
    set_defaults(other, schema)
    one["a"].append("x")
    assert other == {"a": []}


def test_strict_errors():
    text = b'{"kind":"T","metadata":{"name":"t","bogus":1},"spec":{"a":1.0,"a":2.5,"b":1}}'
    made, strict = read_object(parse_exactly(text), of(spec=of(a={"type": "number"})))
    assert strict == ['duplicate field "spec.a"', 'unknown field "metadata.bogus"', 'unknown field "spec.b"']
    assert made == {"kind": "T", "metadata": {"name": "t"}, "spec": {"a": 2.5}}


def test_types_know_how_lists_merge():
    schema = of(l={"type": "array", "items": of(k={"type": "string"}), "x-kubernetes-list-type": "map"})
    schema["properties"]["l"]["x-kubernetes-list-map-keys"] = ["k"]
    field = type_of(schema).fields["l"]
    assert (field.list_type, field.map_keys, field.type.kind) == ("map", ("k",), "list")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.n", [3]),
        (".metadata.annotations.example\\.com/a", ["x"]),
        (".metadata.annotations['example.com/a']", ["x"]),
        (".conditions[0].status", ["True"]),
        (".conditions[-1].type", ["Done"]),
        ('.conditions[?(@.type=="Done")].status', ["False"]),
        (".conditions[?(@.type=='Ready')].status", ["True"]),
        (".conditions[*].type", ["Ready", "Done"]),
        (".nothing.here", []),
    ],
)
def test_json_paths(path, found):
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Done", "status": "False"}]
    value = {"spec": {"n": 3}, "metadata": {"annotations": {"example.com/a": "x"}}, "conditions": conditions}
    assert jsonpath.find(value, path) == found


def test_paths_that_are_none():
    with pytest.raises(jsonpath.JsonPathError):
        jsonpath.find({}, ".a[")
