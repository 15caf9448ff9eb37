"""The match conditions of webhooks: expressions that must all be true for a webhook to be called (KEP-3716)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.chain import forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.admission.expressions import Shown, Values
    from corral.server.core import Core


class Conditions:
    """Evaluates match conditions. CEL is loaded with the first one."""

    def __init__(self, core: "Core", lookup: Lookup) -> None:
        self._core = core
        self._lookup = lookup
        self._values: Values | None = None

    async def hold(
        self, conditions: Sequence[Object], admission: Admission, target: Resource, shown: "Shown", *, fails_open: bool
    ) -> bool:
        """Whether a webhook with these conditions is called. Raises ApiError (403) where one fails and failures count."""
        from corral.api.admissioncel import match_condition
        from corral.api.cel import CompileError
        from corral.server.admission.expressions import CONDITIONS_BUDGET, ExpressionError, Values, conditions_hold

        if self._values is None:
            self._values = Values(self._lookup, self._core.authorizer)
        values = self._values.of(admission, target, shown)
        try:
            programs = [match_condition(condition["expression"].strip()) for condition in conditions]
            return await self._core.evaluations.evaluated(
                lambda budget: conditions_hold(programs, values, budget(CONDITIONS_BUDGET), fails_open=fails_open)
            )
        except CompileError as error:
            if fails_open:
                return False
            raise forbidden(admission, f"compilation error: {error}") from None
        except ExpressionError as error:
            raise forbidden(admission, str(error)) from None
