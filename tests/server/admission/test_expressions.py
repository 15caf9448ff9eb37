"""Running the expressions of admission: what fails."""

import pytest

from corral.api.admissioncel import match_condition
from corral.api.cel import Budget
from corral.server.admission.expressions import ExpressionError, conditions_hold

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
