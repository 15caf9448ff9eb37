"""Whatever an expression holds, it ends soon, and in a value or in one of the room's own errors."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corral.api import cel
from corral.api.cel.values import equal

VARIABLES = {
    "object": cel.DYN,
    "text": cel.STRING,
    "numbers": cel.list_of(cel.INT),
    "by_name": cel.map_of(cel.STRING, cel.INT),
    "maybe": cel.optional_of(cel.INT),
    "flag": cel.BOOL,
    "when": cel.TIMESTAMP,
}
ENVIRONMENT = cel.Environment(VARIABLES, bindings=True)
#: Small enough that the slowest evaluation takes milliseconds.
LIMIT = 20_000

NAMES = ("object", "text", "numbers", "by_name", "maybe", "flag", "when", "x", "y", "object.a", "object.b.c")
LITERALS = (
    "1",
    "0",
    "-1",
    "2u",
    "1.5",
    "'a'",
    "''",
    "b'a'",
    "true",
    "null",
    "[]",
    "{}",
    "9223372036854775807",
    "duration('1h')",
)
OPERATORS = ("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in")
MACROS = ("all", "exists", "exists_one", "filter", "map", "optMap", "optFlatMap")
PAIRS = ("all", "exists", "existsOne", "transformList", "transformMap", "transformMapEntry")
FUNCTIONS = (
    *("size", "int", "uint", "double", "string", "bytes", "bool", "type", "dyn", "timestamp", "duration", "has", "ip", "cidr"),
    *("quantity", "semver", "url", "isURL", "isIP", "optional.of", "sets.contains", "strings.quote", "image", "format.named"),
)
METHODS = (
    *(
        "size",
        "startsWith",
        "contains",
        "matches",
        "charAt",
        "replace",
        "split",
        "join",
        "substring",
        "format",
        "find",
        "findAll",
    ),
    *("sum", "min", "max", "isSorted", "indexOf", "value", "orValue", "hasValue", "getHours", "getDate", "lowerAscii", "trim"),
)


def _joined(inner):
    pairs, some = st.tuples(inner, inner), st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
        inner.map(lambda one: f"!({one})"),
        inner.map(lambda one: f"-({one})"),
        some.map(lambda items: f"[{items}]"),
        pairs.map(lambda parts: f"{{{parts[0]}: {parts[1]}}}"),
        pairs.map(lambda parts: f"({parts[0]})[{parts[1]}]"),
        pairs.map(lambda parts: f"({parts[0]})[?{parts[1]}]"),
        st.tuples(inner, st.sampled_from((".a", ".b", ".?a"))).map("".join),
        inner.map(lambda one: f"has(({one}).a)"),
        st.tuples(st.sampled_from(FUNCTIONS), some).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, st.sampled_from(METHODS), some).map(lambda parts: f"({parts[0]}).{parts[1]}({parts[2]})"),
        st.tuples(inner, st.sampled_from(MACROS), inner).map(lambda parts: f"({parts[0]}).{parts[1]}(x, {parts[2]})"),
        st.tuples(inner, st.sampled_from(PAIRS), inner).map(lambda parts: f"({parts[0]}).{parts[1]}(x, y, {parts[2]})"),
        pairs.map(lambda parts: f"cel.bind(x, {parts[0]}, {parts[1]})"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(NAMES + LITERALS), _joined, max_leaves=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


def evaluate(expression, value):
    """The outcome; anything that is raised but the room's own errors fails the test."""
    try:
        program = ENVIRONMENT.compile(expression, limit=LIMIT)
    except cel.CompileError as error:
        assert str(error).startswith("ERROR: <input>:")
        return
    try:
        program.evaluate(dict.fromkeys(VARIABLES, value) | {"object": value})
    except cel.EvaluationError as error:
        assert str(error)
    # What was charged last may be more than what was left, by as much as one step can cost.
    assert program.cost <= LIMIT + 1_000_000


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, JSON)
def test_well_formed_expressions(expression, value):
    evaluate(expression, value)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="()[]{}.,?:!&|=+-*/%<>'\"`\\ \n01xuaeb_", max_size=40), JSON)
def test_any_text(expression, value):
    evaluate(expression, value)


@settings(max_examples=80, deadline=None)
@given(EXPRESSIONS, st.data())
def test_broken_expressions(expression, data):
    at = data.draw(st.integers(0, len(expression)))
    end = data.draw(st.integers(at, min(at + 3, len(expression))))
    evaluate(expression[:at] + data.draw(st.text(max_size=2)) + expression[end:], {"a": 1})


@settings(max_examples=80, deadline=None)
@given(JSON)
def test_a_value_equals_itself(value):
    assert equal(value, value, [math.inf])
    assert ENVIRONMENT.compile("object == object").evaluate({"object": value}) is True


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=50))
def test_text_survives_its_literal(text):
    quoted = ENVIRONMENT.compile("strings.quote(text)").evaluate({"text": text})
    # The literal of a text has escapes for what breaks a line, and no others are needed.
    if not any(char in text for char in "\r\x00") and not any(0xD800 <= ord(char) < 0xE000 for char in text):
        assert ENVIRONMENT.compile(quoted).evaluate({}) == text


@settings(max_examples=80, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_are_exact_or_overflow(one, other):
    environment = cel.Environment({"one": cel.INT, "other": cel.INT})
    for sign, wanted in (("+", one + other), ("-", one - other), ("*", one * other)):
        program = environment.compile(f"one {sign} other")
        if -(2**63) <= wanted < 2**63:
            assert program.evaluate({"one": one, "other": other}) == wanted
        else:
            with pytest.raises(cel.EvaluationError, match="integer overflow"):
                program.evaluate({"one": one, "other": other})
