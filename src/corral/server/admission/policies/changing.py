"""What mutating policies make of one write: one after the other, each what those before it have made.

As with webhooks, the chain runs once more where something was changed, and policies that want it (`reinvocationPolicy:
IfNeeded`) are evaluated again.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from corral.api.cel import BudgetError
from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.chain import forbidden
from corral.server.admission.expressions import (
    CONDITIONS_BUDGET,
    POLICY_BUDGET,
    ExpressionError,
    Shown,
    Values,
    conditions_hold,
    run,
    with_variables,
)
from corral.server.admission.policies.definitions import Mutation, Policy
from corral.server.admission.policies.invocations import Invocation, Invocations
from corral.server.admission.policies.patches import configured, patched
from corral.server.admission.reinvocation import Reinvocation
from corral.server.admission.versions import Versions
from corral.server.evaluations import MakeBudget
from corral.server.lookup import Lookup
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.core import Core


class Changer:
    """Evaluates mutating policies."""

    def __init__(self, core: "Core", lookup: Lookup, versions: Versions) -> None:
        self._core = core
        self._versions = versions
        self._invocations = Invocations(core, lookup, versions)
        self._values = Values(lookup, core.authorizer)

    async def change(self, policies: tuple[Policy, ...], admission: Admission) -> None:
        """Change the object of a write. Raises ApiError (403 with every fault, 500)."""
        invocations = [one async for one in self._invocations.of(policies, admission)]
        memory = Reinvocation.of(admission, Changer)
        faults: list[tuple[Invocation, str, str]] = []
        for invocation in invocations:
            if invocation.binding is None or invocation.fault:
                faults.append((invocation, invocation.fault, ""))
                continue
            try:
                await self._evaluate(invocation, admission, memory, faults)
            except (ExpressionError, BudgetError) as error:
                faults.append((invocation, str(error), "Invalid"))
        memory.leave(admission)
        faults = [fault for fault in faults if not fault[0].policy.fails_open]
        if faults:
            raise _refusal(admission, faults)

    async def _evaluate(
        self,
        invocation: Invocation,
        admission: Admission,
        memory: Reinvocation,
        faults: list[tuple[Invocation, str, str]],
    ) -> None:
        policy, target = invocation.policy, invocation.target
        shown = await self._shown(admission, target)
        values = self._given(invocation, admission, shown)
        if policy.conditions and not await self._core.evaluations.evaluated(partial(_applies, policy, values)):
            return
        key = _key(invocation)
        if not memory.is_due(admission, key):
            return
        before = shown[0]
        for mutation in policy.mutations:
            if shown[0] is None:
                break
            try:
                outcome = await self._core.evaluations.evaluated(partial(_outcome, policy, mutation, values))
                made = self._made(mutation, shown[0], target, outcome)
            except (ExpressionError, BudgetError) as error:
                faults.append((invocation, str(error), "Invalid"))
                continue
            await self._versions.take(admission, made)
            shown = await self._shown(admission, target)
            values = self._given(invocation, admission, shown)
        if shown[0] != before:
            memory.changed(admission)
        if policy.reinvoked:
            memory.asked.add(key)

    def _made(self, mutation: Mutation, obj: Object, target: Resource, outcome: Any) -> Object:
        """The object after one mutation."""
        if mutation.applies:
            schema = self._core.schema_of(target, obj.get("apiVersion", ""), obj.get("kind", ""))
            return self._versions.typed(configured(obj, outcome, schema), obj, target)
        return self._versions.typed(patched(obj, outcome), obj, target, strict=True)

    async def _shown(self, admission: Admission, target: Resource) -> Shown:
        """The object as it is now (a copy of the top, as mutations replace what is in it) and the old one."""
        obj = await self._versions.shown(admission.object, target)
        return None if obj is None else dict(obj), await self._versions.shown(admission.old_object, target)

    def _given(self, invocation: Invocation, admission: Admission, shown: Shown) -> dict[str, Any]:
        values = self._values.of(admission, invocation.target, shown)
        values["params"] = invocation.parameters
        return values


def _applies(policy: Policy, given: Mapping[str, Any], make_budget: MakeBudget) -> bool:
    """Whether the policy's match conditions hold."""
    budget = make_budget(CONDITIONS_BUDGET)
    values = with_variables(policy.variables, given, budget)
    return conditions_hold(policy.conditions, values, budget, fails_open=policy.fails_open)


def _outcome(policy: Policy, mutation: Mutation, given: Mapping[str, Any], make_budget: MakeBudget) -> Any:
    """What a mutation's expression gives."""
    budget = make_budget(POLICY_BUDGET)
    return run(mutation.program, with_variables(policy.variables, given, budget), budget)


def _key(invocation: Invocation) -> str:
    """Tells an invocation from others in what a write remembers."""
    assert invocation.binding is not None
    meta = (invocation.parameters or {}).get("metadata") or {}
    return "/".join((invocation.policy.name, invocation.binding.name, meta.get("namespace", ""), meta.get("name", "")))


def _refusal(admission: Admission, faults: list[tuple[Invocation, str, str]]) -> ApiError:
    error = forbidden(admission, "")
    causes: list[Object] = []
    for invocation, fault, reason in faults:
        if invocation.binding is not None:
            about = f"policy '{invocation.policy.name}' with binding '{invocation.binding.name}'"
        else:
            about = f'policy "{invocation.policy.name}"'
        message = f"{about} denied request: {fault}"
        if not causes:
            error.message, error.reason = message, reason or error.reason
        causes.append({"message": message})
    error.details = {**(error.details or {}), "causes": causes}
    return error
