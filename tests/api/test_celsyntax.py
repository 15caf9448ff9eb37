"""Whether CEL expressions can be read."""

from functools import partial

import pytest

from corral.api.celsyntax import fault

KNOWN = frozenset(("object", "self"))


@pytest.mark.parametrize(
    "expression",
    [
        "self.size < 100 && !(self.name == 'a')",
        "object.metadata.name.size() < 10",
        "has(object.spec) ? object.spec.replicas in [1, 2,] : true",
        "self.all(k, k.startsWith(\"a\") && self[k] != '')",
        "self.map(i, v, i + v).size() > 0x1f",
        "{'a': 1, 'b': [2u, .5, 1e3]}.a == -1 // a comment",
        "Object{spec: Object.spec{replicas: 1}}",
        "object.?spec.orValue({}).size() == int('1')",
        "cel.bind(n, self.size, n < 3)",
    ],
)
def test_sound_expressions_have_no_fault(expression):
    assert fault(expression, KNOWN) == ""


def test_nothing_is_no_expression():
    assert fault("", KNOWN).startswith("ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', '{'")


def test_a_fault_is_shown_where_it_is():
    assert fault("1 +\nself!", KNOWN) == (
        "ERROR: <input>:2:5: Syntax error: extraneous input '!' expecting <EOF>\n | self!\n | ....^"
    )


def test_what_is_open_is_to_be_closed():
    assert "missing ')' at '<EOF>'" in fault("(self", KNOWN)
    assert "token recognition error at: '#'" in fault("self # 1", KNOWN)


def test_all_undeclared_names_are_told():
    assert fault("a + b", KNOWN) == (
        "ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a + b\n | ^\n"
        "ERROR: <input>:1:5: undeclared reference to 'b' (in container '')\n | a + b\n | ....^"
    )


def test_a_macros_variable_is_known_inside_of_it_only():
    assert "undeclared reference to 'x'" in fault("self.all(x, x > 1) && x > 2", KNOWN)


def test_fields_are_asked_for_by_their_path():
    asked = []

    def has_field(known, path):
        asked.append(path)
        return path[-1] in known

    assert "undefined field 'c'" in fault("self.a.c == self.a.b()", KNOWN, partial(has_field, {"a"}))
    assert asked == [("self", "a"), ("self", "a", "c"), ("self", "a")]
