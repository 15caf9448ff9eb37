"""Expressions compiled and evaluated: what they give, and the words of what is wrong with them."""

import pytest

from corral.api import cel

POINT = cel.ObjectType(
    "Point",
    {"x": cel.INT, "by_name": cel.map_of(cel.STRING, cel.INT), "foo__dash__bar": cel.INT},
    {"foo__dash__bar": "foo-bar"},
)
ENVIRONMENT = cel.Environment(
    {"self": cel.DYN, "text": cel.STRING, "numbers": cel.list_of(cel.INT), "number": cel.INT, "point": POINT}
)
VALUES = {
    "self": {"a": 1, "list": [1, 2, 3], "nested": {"name": "n"}, "null": None},
    "text": "xyz",
    "numbers": [3, 1, 2],
    "number": 5,
    "point": {"x": 7, "by_name": {"k": 1}, "foo-bar": 9},
}


def value(expression):
    return ENVIRONMENT.compile(expression).evaluate(VALUES)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("self.a + 1", 2),
        ("self.a < 1.5 && self.a == 1.0", True),
        ("7 / -2 == -3 && -7 % 3 == -1", True),
        ("1u + 2u == 3u", True),
        ("'a' + \"b\" + r'\\d' + '\\u00e9' == 'ab\\\\dé'", True),
        ("b'\\xff'.size()", 1),
        ("has(self.a) && !has(self.b) && has(point.x)", True),
        ("self.nested.name in ['m', 'n'] && 'a' in self && !(4 in numbers)", True),
        ("true ? 'yes' : 'no'", "yes"),
        ("numbers[0] + numbers.size() + size(text)", 9),
        ("point.foo__dash__bar", 9),
        ("point.by_name.k + point.by_name['k']", 2),
        ("type(1) == int && type(numbers) == list && type(timestamp(0)) == google.protobuf.Timestamp", True),
        ("{'a': {'b': 1}}.a.b", 1),
        ("[1, 2,] == [1, 2] // the end", True),
        ("self.null == null", True),
        ("0x1f - 1", 30),
        ("- -number", 5),
        ("dyn(1) == 1u && dyn(1) != 'a' && dyn(true) != dyn(1)", True),
    ],
)
def test_operators(expression, wanted):
    assert value(expression) == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("numbers.all(n, n > 0) && numbers.exists(n, n == 3) && numbers.exists_one(n, n == 1)", True),
        ("numbers.filter(n, n > 1).map(n, n * 2)", [6, 4]),
        ("numbers.map(n, n > 1, n * 2)", [6, 4]),
        ("{'a': 1, 'b': 2}.all(k, k < 'c') && {'a': 1}.exists(k, v, v == 1 && k == 'a')", True),
        ("numbers.transformList(i, n, i * 10 + n)", [3, 11, 22]),
        ("numbers.transformList(i, n, i > 0, n)", [1, 2]),
        ("{'a': 1, 'b': 2}.transformMap(k, v, k == 'b', v + 1)", {"b": 3}),
        ("numbers.transformMap(i, n, n)", {0: 3, 1: 1, 2: 2}),
        ("{'a': 'x'}.transformMapEntry(k, v, {v: k})", {"x": "a"}),
        ("numbers.existsOne(i, n, n == 1 && i == 1)", True),
        ("[[1, 2], [3]].map(l, l.map(n, n + l.size()))", [[3, 4], [4]]),
        # An error counts only where no item decides.
        ("[1, 0].exists(n, 1 / n == 1) && ![1, 0].all(n, 1 / n > 1)", True),
    ],
)
def test_comprehensions(expression, wanted):
    assert value(expression) == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("self.?nested.?name.orValue('none')", "n"),
        ("self.?missing.?name.orValue('none')", "none"),
        ("self.?missing.hasValue() || numbers[?9].hasValue()", False),
        ("numbers[?0].value()", 3),
        ("optional.of(2).optMap(n, n + 1).orValue(0)", 3),
        ("optional.none().or(optional.of(1)).value()", 1),
        ("optional.of(1).optFlatMap(n, optional.ofNonZeroValue(n - 1)).hasValue()", False),
        ("[1, ?self.?missing, ?optional.of(2)].size()", 2),
        ("{?'a': self.?missing, ?'b': optional.of(1)}", {"b": 1}),
    ],
)
def test_optional_values(expression, wanted):
    assert value(expression) == wanted


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("self.missing", "no such key: missing"),
        ("{'a': 1}['b']", "no such key: b"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("numbers[9]", "index out of bounds: 9"),
        ("9223372036854775807 + number", "integer overflow"),
        ("dyn(1) + 'a'", "no such overload"),
        ("self.a.b", "no such overload"),
        ("dyn(1).charAt(1)", "no such overload: charAt(int, int)"),
        ("optional.none().value()", "optional.none() dereference"),
        ("true && self.a", "no such overload"),
        ("int('x')", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("self.missing || false", "no such key: missing"),
    ],
)
def test_evaluations_that_fail(expression, fault):
    with pytest.raises(cel.EvaluationError) as error:
        value(expression)
    assert str(error.value) == fault


def test_an_operand_that_decides_hides_the_others_error():
    assert value("self.missing || true") is True
    assert value("self.missing && false") is False


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("foo + 1", "1:1: undeclared reference to 'foo' (in container '')\n | foo + 1\n | ^"),
        ("text.foo()", "1:9: undeclared reference to 'foo' (in container '')\n | text.foo()\n | ........^"),
        ("1 + 'a'", "1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^"),
        ("1 == 1.0", "1:3: found no matching overload for '_==_' applied to '(int, double)'\n | 1 == 1.0\n | ..^"),
        (
            "text.charAt('a')",
            "1:12: found no matching overload for 'charAt' applied to 'string.(string)'\n | text.charAt('a')\n | ...........^",
        ),
        ("point.z", "1:6: undefined field 'z'\n | point.z\n | .....^"),
        ("number.x", "1:7: type 'int' does not support field selection\n | number.x\n | ......^"),
        ("[1, 'a']", "1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"),
        (
            "numbers.all(n, n)",
            "1:12: found no matching overload for '_&&_' applied to '(bool, int)'\n | numbers.all(n, n)\n | ...........^",
        ),
        (
            "number.all(n, true)",
            "1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n"
            " | number.all(n, true)\n | ^",
        ),
        ("numbers.all(n.x, true)", "1:14: argument must be a simple name\n | numbers.all(n.x, true)\n | .............^"),
        ("has(self)", "1:5: invalid argument to has() macro\n | has(self)\n | ....^"),
        ("duration('x')", "1:10: invalid duration argument\n | duration('x')\n | .........^"),
        ("text.matches('(')", "1:14: invalid matches argument\n | text.matches('(')\n | .............^"),
        ("1 +\nself!", "2:5: Syntax error: extraneous input '!' expecting <EOF>\n | self!\n | ....^"),
        ("for", "1:1: reserved identifier: for\n | for\n | ^"),
        ("'é世' + 1", "1:6: found no matching overload for '_+_' applied to '(string, int)'\n | 'é世' + 1\n | ..．..^"),
    ],
)
def test_faults_are_shown_where_they_are(expression, fault):
    with pytest.raises(cel.CompileError) as error:
        ENVIRONMENT.compile(expression)
    assert str(error.value) == f"ERROR: <input>:{fault}"


def test_nothing_is_no_expression():
    with pytest.raises(cel.CompileError, match="ERROR: <input>:1:0: Syntax error: mismatched input"):
        ENVIRONMENT.compile("")


def test_every_fault_is_told():
    with pytest.raises(cel.CompileError) as error:
        ENVIRONMENT.compile("x + y")
    assert str(error.value).count("ERROR") == 2


def test_a_program_tells_its_type_and_what_it_speaks_of():
    program = ENVIRONMENT.compile("numbers.map(n, n == number)")
    assert str(program.type) == "list(bool)" and program.variables == {"numbers", "number"}


def test_a_variable_without_a_value_is_an_error_where_it_is_used():
    program = ENVIRONMENT.compile("text == 'a' || number == 1")
    assert program.evaluate({"text": "a"}) is True
    with pytest.raises(cel.EvaluationError, match="no such attribute"):
        program.evaluate({"text": "b"})


def test_lazy_values_are_made_once_and_only_when_asked_for():
    asked = []
    lazy = cel.LazyMap({"a": lambda: asked.append("a") or 1, "b": lambda: asked.append("b") or 2})
    program = cel.Environment({"variables": cel.DYN}).compile("variables.a + variables.a + (has(variables.b) ? 1 : 0)")
    assert program.evaluate({"variables": lazy}) == 3
    assert asked == ["a"]


def test_structs_are_made_of_declared_fields():
    made = cel.ObjectType("Object", {"spec": cel.DYN})
    environment = cel.Environment({}, structs={"Object": made}.get)
    assert environment.compile("Object{spec: {'a': 1}}").evaluate({}) == {"spec": {"a": 1}}
    with pytest.raises(cel.CompileError, match="undefined field 'other'"):
        environment.compile("Object{other: 1}")
