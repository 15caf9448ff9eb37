"""What validating policies say of one write, and what becomes of it: a refusal, warnings, audit annotations."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from corral.api.cel import Budget, BudgetError, EvaluationError
from corral.api.errors import ApiError
from corral.server.admission.chain import forbidden
from corral.server.admission.expressions import POLICY_BUDGET, ExpressionError, Values, conditions_hold, run, variables
from corral.server.admission.policies.definitions import Binding, Policy, Validation
from corral.server.admission.policies.invocations import Invocation, Invocations
from corral.server.admission.versions import Versions
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


class Judge:
    """Evaluates validating policies."""

    def __init__(self, core: "Core", lookup: Lookup, versions: Versions) -> None:
        self._versions = versions
        self._invocations = Invocations(core, lookup, versions)
        self._values = Values(lookup, core.authorizer)

    async def judge(self, policies: tuple[Policy, ...], admission: Admission) -> None:
        """Evaluate `policies` for a write; every one is, so that all warnings are given. Raises ApiError."""
        denied: list[Denial] = []
        notes: dict[str, list[str]] = {}
        async for invocation in self._invocations.of(policies, admission):
            if invocation.binding is None or invocation.fault:
                if not invocation.policy.fails_open:
                    denied.append(Denial(invocation.policy, invocation.binding, invocation.fault))
                continue
            for denial in await self._evaluate(invocation, admission, notes, denied):
                self._act(denial, invocation.binding, admission, denied)
        for key, values in notes.items():
            admission.request.annotate(key, ", ".join(values))
        if denied:
            raise _refusal(admission, denied[0])

    async def _evaluate(
        self, invocation: Invocation, admission: Admission, notes: dict[str, list[str]], denied: list[Denial]
    ) -> list[Denial]:
        policy, binding = invocation.policy, invocation.binding
        try:
            obj = await self._versions.shown(admission.object, invocation.target)
            old = await self._versions.shown(admission.old_object, invocation.target)
        except ApiError as error:
            denied += _failed(policy, None, f"failed to configure policy: failed to convert object version: {error.message}")
            return []
        values = self._values.of(admission, invocation.target, (obj, old))
        values["params"] = invocation.parameters
        budget = Budget(POLICY_BUDGET)
        values["variables"] = variables(policy.variables, values, budget)
        try:
            if not conditions_hold(policy.conditions, values, fails_open=policy.fails_open):
                return []
        except ExpressionError as error:
            return _failed(policy, binding, str(error))
        found = []
        for i, validation in enumerate(policy.validations):
            try:
                denial = _validate(policy, binding, validation, values, budget)
            except BudgetError as error:
                return _failed(policy, binding, str(error))
            if denial is not None:
                found.append(denial._replace(place=i))
        denied += _annotate(policy, binding, values, notes)
        return found

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


def _failed(policy: Policy, binding: Binding | None, message: str) -> list[Denial]:
    """What an evaluation that fails means."""
    return [] if policy.fails_open else [Denial(policy, binding, message)]


def _validate(
    policy: Policy, binding: Binding | None, validation: Validation, values: Mapping[str, Any], budget: Budget
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


def _annotate(policy: Policy, binding: Binding | None, values: Mapping[str, Any], notes: dict[str, list[str]]) -> list[Denial]:
    """Note the policy's audit annotations; different values of several parameters are all noted."""
    budget = Budget(POLICY_BUDGET)
    for key, program in policy.annotations:
        try:
            value = run(program, values, budget)
        except (ExpressionError, BudgetError) as error:
            return _failed(policy, binding, str(error))
        text = value.strip()[:_ANNOTATION_MAX_CHARS] if isinstance(value, str) else ""
        known = notes.setdefault(f"{policy.name}/{key}", []) if text else []
        if text and text not in known:
            known.append(text)
    return []


def _refusal(admission: Admission, denial: Denial) -> ApiError:
    bound = f" with binding '{denial.binding.name}'" if denial.binding is not None else ""
    message = f"ValidatingAdmissionPolicy '{denial.policy.name}'{bound} denied request: {denial.message}"
    error = forbidden(admission, message)
    error.reason, error.code = denial.reason, _CODES.get(denial.reason, 422)
    error.details = {**(error.details or {}), "causes": [{"message": message}]}
    return error
