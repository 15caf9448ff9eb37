"""Where CEL is evaluated: at once for a short while, then in a thread (docs/decisions/0025-short-evaluations.md).

Admission policies, match conditions, and the validation rules of custom resources may all cost a second or more of one request,
and everybody shares one event loop.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from corral.api.cel import Budget

#: Of this, some milliseconds: no other request waits longer for an evaluation.
AT_ONCE_COST = 10_000
#: Evaluations in threads at once, of all requests.
THREADS = 2

Made = TypeVar("Made")
#: Makes the budget of so much in all.
MakeBudget = Callable[[float], Budget]


class QuestionError(Exception):
    """An evaluation asks what cannot be answered here and now."""

    async def answer(self) -> None:
        """Have the answer ready when the evaluation is done again."""
        raise NotImplementedError


class _ImpatientError(Exception):
    """An evaluation takes too long for the thread that everybody waits for."""


class _ShortBudget(Budget):
    """The work that is done at once, whatever may be spent in all."""

    def __init__(self, left: float) -> None:
        super().__init__(min(left, AT_ONCE_COST))
        self._is_less = left > AT_ONCE_COST

    def exhausted(self) -> Exception:
        """Not the end, where more may be spent."""
        return _ImpatientError() if self._is_less else super().exhausted()


class Evaluations:
    """Lets expressions of all requests have their turns."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(THREADS)

    async def evaluated(self, evaluate: Callable[[MakeBudget], Made]) -> Made:
        """The outcome of `evaluate`, which makes its budgets by its argument and has no effects: it may be called again.

        First it has a short time. What takes longer is done again in a thread, where nobody waits for it but the request; and
        once more when a question is answered that only the server's own thread may ask.
        """
        is_short = True
        while True:
            try:
                if is_short:
                    return evaluate(_ShortBudget)
                async with self._turns:
                    return await asyncio.to_thread(evaluate, Budget)
            except _ImpatientError:
                is_short = False
            except QuestionError as question:
                await question.answer()
