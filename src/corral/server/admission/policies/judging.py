"""What validating policies say of one write, and what becomes of it: a refusal, warnings, audit annotations."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from corral.api.cel import Budget, BudgetError, EvaluationError
from corral.api.errors import ApiError
from corral.server.admission.chain import forbidden
from corral.server.admission.expressions import (
    CONDITIONS_BUDGET,
    POLICY_BUDGET,
    ExpressionError,
    Values,
    conditions_hold,
    run,
    with_variables,
)
from corral.server.admission.policies.definitions import Binding, Policy, Validation
from corral.server.admission.policies.invocations import Invocation, Invocations
from corral.server.admission.versions import Versions
from corral.server.evaluations import MakeBudget
from corral.server.lookup import Lookup
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.core import Core

FAILURE = "validation.policy.admission.k8s.io/validation_failure"
_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}
_MESSAGE_MAX_BYTES = 5 * 1024
_ANNOTATION_MAX_CHARS = 10 * 1024


class Denial(NamedTuple):
    """A demand that is not fulfilled, or that could not be evaluated."""

    policy: Policy
    binding: Binding | None
    message: str
    reason: str = "Invalid"
    #: Which of the policy's validations it is.
    place: int = 0


class Judgement(NamedTuple):
    """What one policy with one binding says: about denials the binding decides, faults refuse the write, notes are audited."""

    denials: Sequence[Denial] = ()
    faults: Sequence[Denial] = ()
    notes: Sequence[tuple[str, str]] = ()


class Judge:
    """Evaluates validating policies."""

    def __init__(self, core: "Core", lookup: Lookup, versions: Versions) -> None:
        self._versions = versions
        self._invocations = Invocations(core, lookup, versions)
        self._core = core
        self._values = Values(lookup, core.authorizer)

    async def judge(self, policies: tuple[Policy, ...], admission: Admission) -> None:
        """Evaluate `policies` for a write; every one is, so that all warnings are given. Raises ApiError."""
        denied: list[Denial] = []
        notes: dict[str, list[str]] = {}
        async for invocation in self._invocations.of(policies, admission):
            policy, binding = invocation.policy, invocation.binding
            if binding is None or invocation.fault:
                denied += _failed(policy, binding, invocation.fault)
                continue
            found = await self._evaluate(invocation, binding, admission)
            for denial in found.denials:
                self._act(denial, binding, admission, denied)
            denied += found.faults
            for key, text in found.notes:
                known = notes.setdefault(key, [])
                if text not in known:
                    known.append(text)
        for key, values in notes.items():
            admission.request.annotate(key, ", ".join(values))
        if denied:
            raise _refusal(admission, denied[0])

    async def _evaluate(self, invocation: Invocation, binding: Binding, admission: Admission) -> "Judgement":
        policy = invocation.policy
        try:
            obj = await self._versions.shown(admission.object, invocation.target)
            old = await self._versions.shown(admission.old_object, invocation.target)
        except ApiError as error:
            why = f"failed to configure policy: failed to convert object version: {error.message}"
            return Judgement(faults=_failed(policy, None, why))
        values = self._values.of(admission, invocation.target, (obj, old))
        values["params"] = invocation.parameters
        return await self._core.evaluations.evaluated(lambda budget: _judged(policy, binding, values, budget))

    @staticmethod
    def _act(denial: Denial, binding: Binding, admission: Admission, denied: list[Denial]) -> None:
        """Do what the binding says about a denial."""
        for action in binding.actions:
            match action:
                case "Deny":
                    denied.append(denial)
                case "Warn":
                    said = (
                        f"Validation failed for ValidatingAdmissionPolicy '{denial.policy.name}' with binding '{binding.name}'"
                    )
                    admission.request.warnings.append(f"{said}: {denial.message}")
                case "Audit":
                    failure = {
                        "message": denial.message,
                        "policy": denial.policy.name,
                        "binding": binding.name,
                        "expressionIndex": denial.place,
                        "validationActions": list(binding.actions),
                    }
                    admission.request.annotate(FAILURE, orjson.dumps([failure]).decode())


def _judged(policy: Policy, binding: Binding, given: Mapping[str, Any], make_budget: MakeBudget) -> Judgement:
    """Evaluate a policy. Pure, so that it can be done again."""
    budget = make_budget(POLICY_BUDGET)
    values = with_variables(policy.variables, given, budget)
    found = []
    try:
        if not conditions_hold(policy.conditions, values, make_budget(CONDITIONS_BUDGET), fails_open=policy.fails_open):
            return Judgement()
        for i, validation in enumerate(policy.validations):
            denial = _validate(policy, binding, validation, values, budget)
            if denial is not None:
                found.append(denial._replace(place=i))
    except (ExpressionError, BudgetError) as error:
        return Judgement(_failed(policy, binding, str(error)))
    return _annotated(policy, binding, values, make_budget(POLICY_BUDGET), found)


def _failed(policy: Policy, binding: Binding | None, message: str) -> list[Denial]:
    """What an evaluation that fails means."""
    return [] if policy.fails_open else [Denial(policy, binding, message)]


def _validate(
    policy: Policy, binding: Binding, validation: Validation, values: Mapping[str, Any], budget: Budget
) -> Denial | None:
    try:
        if run(validation.demand, values, budget) is True:
            return None
    except ExpressionError as error:
        return next(iter(_failed(policy, binding, str(error))), None)
    return Denial(policy, binding, _message(validation, values, budget), validation.reason)


def _message(validation: Validation, values: Mapping[str, Any], budget: Budget) -> str:
    """The message that the policy makes, else the fixed one, else the expression."""
    made = ""
    if validation.message_maker is not None:
        try:
            value = validation.message_maker.evaluate(values, budget)
            made = value.strip() if isinstance(value, str) else ""
        except BudgetError:
            raise
        except EvaluationError:
            made = ""
    if len(made.encode()) > _MESSAGE_MAX_BYTES or "\n" in made:
        made = ""
    return made or validation.message or f"failed expression: {validation.demand.source}"


def _annotated(policy: Policy, binding: Binding, values: Mapping[str, Any], budget: Budget, denials: list[Denial]) -> Judgement:
    """The judgement with the policy's audit annotations."""
    notes: list[tuple[str, str]] = []
    for key, program in policy.annotations:
        try:
            value = run(program, values, budget)
        except (ExpressionError, BudgetError) as error:
            return Judgement(denials, _failed(policy, binding, str(error)), notes)
        text = value.strip()[:_ANNOTATION_MAX_CHARS] if isinstance(value, str) else ""
        if text:
            notes.append((f"{policy.name}/{key}", text))
    return Judgement(denials, (), notes)


def _refusal(admission: Admission, denial: Denial) -> ApiError:
    bound = f" with binding '{denial.binding.name}'" if denial.binding is not None else ""
    message = f"ValidatingAdmissionPolicy '{denial.policy.name}'{bound} denied request: {denial.message}"
    error = forbidden(admission, message)
    error.reason, error.code = denial.reason, _CODES.get(denial.reason, 422)
    error.details = {**(error.details or {}), "causes": [{"message": message}]}
    return error
