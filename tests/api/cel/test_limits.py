"""No expression hangs the server: work is counted, nesting bounded, text that grows stopped before it is made."""

import pytest

from corral.api import cel
from corral.api.cel.jsonvalues import as_json

ENVIRONMENT = cel.Environment({"list": cel.list_of(cel.INT), "text": cel.STRING})
VALUES = {"list": list(range(1000)), "text": "x" * 100_000}


@pytest.mark.parametrize(
    "expression",
    [
        "list.map(a, list.map(b, list.map(c, list.map(d, a)))).size() > 0",
        "list.all(a, list.all(b, list.all(c, a + b + c >= 0)))",
        "list.map(a, text).join('').size() > 0",
        "text.replace('', text).size() > 0",
        "list.all(a, list.map(b, text) == list.map(b, text))",
        "list.all(a, text.matches('(x+x+)+y') || true)",
        "list.map(a, list.filter(b, b in list)).size() > 0",
        "'%s%s%s'.format([list.map(a, text), list.map(a, text), [text]]) == ''",
    ],
)
def test_work_is_bounded(expression):
    program = ENVIRONMENT.compile(expression)
    with pytest.raises(cel.CostError, match="operation cancelled: actual cost limit exceeded"):
        program.evaluate(VALUES)


@pytest.mark.parametrize(
    "expression", ["(" * 300 + "1" + ")" * 300, "1" + " + 1" * 300, "!" * 5 + "(!" * 300 + "true" + ")" * 300]
)
def test_nesting_is_bounded(expression):
    with pytest.raises(cel.CompileError, match="expression recursion limit exceeded: 250"):
        ENVIRONMENT.compile(expression)


def test_long_chains_of_logic_are_not_nested():
    assert ENVIRONMENT.compile(" || ".join(["list.size() == 0"] * 2000 + ["true"])).evaluate(VALUES) is True


def test_size_is_bounded():
    with pytest.raises(cel.CompileError, match="size exceeds limit"):
        ENVIRONMENT.compile("1" * 100_001)


def test_a_budget_is_spent_by_several_evaluations():
    program, budget = ENVIRONMENT.compile("list.all(a, a >= 0)"), cel.Budget(8000)
    assert program.evaluate(VALUES, budget) is True
    assert budget.left == 8000 - program.cost
    with pytest.raises(cel.BudgetError, match="running out of cost budget"):
        program.evaluate(VALUES, budget)


def test_costs_are_those_of_the_reference():
    # A name, a selection and a plain call cost one each; texts a tenth for each character.
    costs = {"text == 'abc'": 2, "text.contains('x')": 10_001, "list.all(a, true)": 3002, "1 + 2": 1, "text.size() > 3": 3}
    for expression, cost in costs.items():
        program = ENVIRONMENT.compile(expression)
        program.evaluate(VALUES)
        assert program.cost == cost, expression


def test_types_stay_small():
    nested = "[{1: 1}]" + "".join(f".map(x{i}, {{x{i}: x{i}}})" for i in range(100)) + ".size() == 1"
    with pytest.raises(cel.EvaluationError, match="unsupported key type"):
        ENVIRONMENT.compile(nested).evaluate(VALUES)


def test_compiling_takes_time_that_grows_with_the_source():
    # Each comparison has a type variable of its own; ten thousand of them took minutes when each remembered all before it.
    assert ENVIRONMENT.compile(" && ".join(["1 == 1"] * 9000)).evaluate(VALUES) is True


def test_a_value_that_is_huge_as_json_is_refused():
    doubled = "[1]" + "".join(f".map(x{i}, [x{i}, x{i}])" for i in range(40))
    with pytest.raises(cel.EvaluationError, match="parts can not be JSON"):
        as_json(ENVIRONMENT.compile(doubled).evaluate(VALUES))
