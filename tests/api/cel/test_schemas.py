"""Schemas as types, and the values of custom resources as CEL sees them."""

import pytest

from corral.api import cel
from corral.api.cel import schemas

SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "at": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "wait": {"type": "string", "format": "duration"},
        "raw": {"type": "string", "format": "byte"},
        "port": {"x-kubernetes-int-or-string": True},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "items": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "number"}}},
        },
        "by-name": {"type": "object", "additionalProperties": {"type": "number"}},
        "namespace": {"type": "string"},
        "a__b.c/d": {"type": "string"},
        "open": {"x-kubernetes-preserve-unknown-fields": True},
        "embedded": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
    },
}
VALUE = {
    "count": 1,
    "ratio": 1,
    "at": "2020-01-01T00:00:00.5Z",
    "day": "2020-01-01",
    "wait": "1h",
    "raw": "aGk=",
    "port": "80%",
    "tags": ["a", "b"],
    "items": [{"k": "x", "v": 1}, {"k": "y", "v": 2}],
    "by-name": {"x": 1},
    "namespace": "ns",
    "a__b.c/d": "e",
    "open": {"x": 1},
    "embedded": {"kind": "Pod", "metadata": {"name": "p"}},
}


def value(expression):
    type_ = schemas.type_of(SCHEMA, "self")
    convert = schemas.converter(SCHEMA)
    return cel.Environment({"self": type_}).compile(expression).evaluate({"self": convert(VALUE)})


@pytest.mark.parametrize(
    "expression",
    [
        "self.ratio == 1.0 && self.ratio + 0.5 == 1.5",
        "self.at > timestamp('2020-01-01T00:00:00Z') && self.day.getFullYear() == 2020",
        "self.wait == duration('60m') && self.raw == b'hi'",
        "type(self.port) == string ? self.port == '80%' : self.port < 100",
        "self.tags == ['b', 'a'] && (self.tags + ['a', 'c']).size() == 3",
        "self.items == [self.items[1], self.items[0]] && self.items.exists(i, i.v == 2.0)",
        "self.by__dash__name['x'] == 1.0 && self.by__dash__name.all(k, k == 'x')",
        "self.__namespace__ == 'ns' && self.a__underscores__b__dot__c__slash__d == 'e'",
        "self.embedded.kind == 'Pod' && self.embedded.metadata.name == 'p'",
    ],
)
def test_values_have_the_types_of_their_schema(expression):
    assert value(expression) is True


def test_map_lists_merge_by_key():
    assert value("(self.items + self.items).size()") == 2


@pytest.mark.parametrize("expression", ["self.open", "self.namespace", "self.missing"])
def test_what_has_no_type_is_no_field(expression):
    with pytest.raises(cel.CompileError, match="undefined field"):
        value(expression)


def test_types_are_checked():
    with pytest.raises(cel.CompileError, match=r"found no matching overload for '_==_' applied to '\(int, string\)'"):
        value("self.count == 'a'")


def test_a_null_is_no_value_of_a_field():
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "nullable": True},
            "m": {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
        },
    }
    environment = cel.Environment({"self": schemas.type_of(schema, "self")})
    value = {"self": {"a": None, "m": {"k": None}}}
    assert environment.compile("!has(self.a) && self.?a.orValue('none') == 'none'").evaluate(value) is True
    with pytest.raises(cel.EvaluationError, match="no such key: a"):
        environment.compile("self.a == 'x'").evaluate(value)
    # Of a map, it is one.
    assert environment.compile("'k' in self.m && dyn(self.m['k']) == null").evaluate(value) is True


def test_most_schemas_need_no_conversion():
    assert schemas.converter({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}) is None


def test_the_root_has_a_head():
    type_ = schemas.type_of({"type": "object"}, "self", is_root=True)
    assert cel.Environment({"self": type_}).compile("self.metadata.name == 'x' && self.kind == 'K'").type == cel.BOOL


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a", "a"),
        ("a-b", "a__dash__b"),
        ("a.b", "a__dot__b"),
        ("in", "__in__"),
        ("a__b", "a__underscores__b"),
        ("ü", ""),
        ("1a", ""),
    ],
)
def test_escaping(name, written):
    assert schemas.escaped(name) == written
