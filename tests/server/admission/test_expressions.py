"""Running the expressions of admission: what fails, and what takes too long."""

import asyncio
import threading

import pytest

from corral.api.admissioncel import match_condition
from corral.api.cel import Budget, BudgetError
from corral.server.admission.expressions import (
    AT_ONCE_COST,
    POLICY_BUDGET,
    ExpressionError,
    Values,
    conditions_hold,
    run,
)
from corral.server.authorization import Authorizer
from corral.server.lookup import MemoryLookup

LOOP = match_condition("object.l.all(a, object.l.all(b, a + b >= 0))")
FAULT = match_condition("object.nothing == 1")


def numbers(count: int) -> dict:
    return {"object": {"l": list(range(count))}}


def test_faults_are_told_together_and_a_false_condition_decides():
    values = {"object": {"a": 1}}
    with pytest.raises(ExpressionError, match=r"expression 'object\.nothing == 1' resulted in error: no such key: nothing"):
        conditions_hold([FAULT, match_condition("true")], values, Budget(1000), fails_open=False)
    assert not conditions_hold([FAULT, match_condition("object.a == 2")], values, Budget(1000), fails_open=False)
    assert not conditions_hold([FAULT], values, Budget(1000), fails_open=True)
    assert conditions_hold([match_condition("object.a == 1")], values, Budget(1000), fails_open=False)


def test_conditions_share_what_they_may_cost():
    with pytest.raises(ExpressionError, match="running out of cost budget"):
        conditions_hold([LOOP, LOOP], numbers(10), Budget(700), fails_open=False)


def test_what_takes_longer_is_evaluated_in_a_thread():
    values, threads = Values(MemoryLookup(), Authorizer(MemoryLookup())), []

    def evaluation(count):
        def evaluate(make_budget):
            threads.append(threading.get_ident())
            return run(LOOP, numbers(count), make_budget(POLICY_BUDGET))

        return evaluate

    assert asyncio.run(values.evaluated(evaluation(10))) is True
    assert threads == [threading.get_ident()]
    assert asyncio.run(values.evaluated(evaluation(60))) is True
    assert threads[1] == threads[0] and threads[2] != threads[0]


def test_a_budget_that_is_small_is_the_end_at_once():
    values = Values(MemoryLookup(), Authorizer(MemoryLookup()))
    with pytest.raises(BudgetError):
        asyncio.run(values.evaluated(lambda make_budget: run(LOOP, numbers(60), make_budget(AT_ONCE_COST / 2))))
