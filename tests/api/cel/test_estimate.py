"""What rules can cost at most, as the reference estimates it."""

import pytest

from corral.api.cel.estimate import UNBOUNDED
from corral.api.cel.sizes import REQUEST_BYTES, of_schema
from corral.api.validationrules import compiled

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def cost(rule, schema):
    whole = {**schema, "x-kubernetes-validations": [{"rule": rule}]}
    (one,) = compiled(whole)
    assert not one.fault
    return one.costs(of_schema(whole))[0]


def numbers(**more):
    return {"type": "array", "items": NUMBER, **more}


@pytest.mark.parametrize(
    ("rule", "schema", "wanted"),
    [
        ("self > 50 && self < 100", NUMBER, 4),
        # A list of numbers that fill a request: two bytes each.
        ("self.all(x, true)", numbers(), 3 * ((REQUEST_BYTES - 2) // 2) + 2),
        ("self.all(x, true)", numbers(maxItems=10), 32),
        ("self.all(x, self.all(y, true))", numbers(maxItems=10), 10 * (3 + 32) + 2),
        ("self.map(x, x).size() > 0", numbers(maxItems=10), 1 + 10 + 1 + 10 * 13 + 1 + 1),
        ("self.exists_one(x, x == 1)", numbers(maxItems=10), 1 + 2 + 10 * (1 + 2)),
        # Characters of a text may take four bytes each, and a pattern a quarter for each of its own.
        ("self.matches('^a+$')", {**TEXT, "maxLength": 10}, 1 + 5 * 1),
        ("self.startsWith('x')", TEXT, 1 + 1),
        ("self == 'x'", TEXT, 1 + 1),
        ("self.a == self.b", {"type": "object", "properties": {"a": TEXT, "b": TEXT}}, 4 + (REQUEST_BYTES - 2 + 9) // 10),
        ("has(self.a) || !has(self.b)", {"type": "object", "properties": {"a": TEXT, "b": TEXT}}, 1 + 2),
        ("self['x'] == 1 || 'y' in self", {"type": "object", "additionalProperties": NUMBER, "maxProperties": 3}, 4),
        ("self == 'red' ? true : self.contains('blue')", {**TEXT, "enum": ["red", "blue"]}, 2 + 2),
    ],
)
def test_estimates(rule, schema, wanted):
    assert cost(rule, schema) == wanted


def test_estimates_stay_within_64_bits():
    deep = "self.all(a, self.all(b, self.all(c, self.all(d, true))))"
    assert cost(deep, numbers()) == UNBOUNDED


def test_the_smallest_json_bounds_a_list():
    item = {"type": "object", "properties": {"name": TEXT, "on": {"type": "boolean"}}, "required": ["name", "on"]}
    assert of_schema({"type": "array", "items": item}).most == (REQUEST_BYTES - 2) // (2 + 4 + 2 + 4 + 2 + 4 + 4 + 1)
