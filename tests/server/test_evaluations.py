"""Expressions that take long leave the thread that everybody shares."""

import asyncio
import threading

import pytest

from corral.api.admissioncel import match_condition
from corral.api.cel import BudgetError
from corral.server.admission.expressions import POLICY_BUDGET, run
from corral.server.evaluations import AT_ONCE_COST, Evaluations

LOOP = match_condition("object.l.all(a, object.l.all(b, a + b >= 0))")


def numbers(count: int) -> dict:
    return {"object": {"l": list(range(count))}}


def test_what_takes_longer_is_evaluated_in_a_thread():
    evaluations, threads = Evaluations(), []

    def evaluation(count):
        def evaluate(make_budget):
            threads.append(threading.get_ident())
            return run(LOOP, numbers(count), make_budget(POLICY_BUDGET))

        return evaluate

    assert asyncio.run(evaluations.evaluated(evaluation(10))) is True
    assert threads == [threading.get_ident()]
    assert asyncio.run(evaluations.evaluated(evaluation(60))) is True
    assert threads[1] == threads[0] and threads[2] != threads[0]


def test_a_budget_that_is_small_is_the_end_at_once():
    evaluations = Evaluations()
    with pytest.raises(BudgetError):
        asyncio.run(evaluations.evaluated(lambda make_budget: run(LOOP, numbers(60), make_budget(AT_ONCE_COST / 2))))
