"""The values of the variables that admission's expressions speak of, and running them.

Their types are in `api.admissioncel`. https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from collections.abc import Mapping, Sequence
from threading import get_ident
from typing import Any

from corral.api.admissioncel import REQUEST_RESOURCE
from corral.api.cel import Budget, BudgetError, EvaluationError, LazyMap, Program
from corral.api.cel.libraries.authorization import Authorizer as CelAuthorizer
from corral.api.cel.libraries.authorization import Check, Decision, ResourceCheck
from corral.api.cel.times import parse_timestamp
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.matching import namespace_of, object_name
from corral.server.admission.requests import admission_request
from corral.server.authorization import Authorizer
from corral.server.authorization.attributes import Attributes
from corral.server.evaluations import QuestionError
from corral.server.lookup import Lookup
from corral.server.request import Admission, User

#: What the match conditions of one webhook or policy may cost together, and all other expressions of a policy.
CONDITIONS_BUDGET = 2_500_000
POLICY_BUDGET = 10_000_000
_NAMESPACE_METADATA = (
    *("name", "generateName", "namespace", "labels", "annotations", "uid", "creationTimestamp", "deletionTimestamp"),
    *("deletionGracePeriodSeconds", "generation", "resourceVersion", "finalizers"),
)
_TIMES = ("creationTimestamp", "deletionTimestamp", "lastTransitionTime")

#: The object and the old one.
Shown = tuple[Object | None, Object | None]


class ExpressionError(Exception):
    """An expression came to nothing; the text says which, and why."""


class UnansweredError(QuestionError):
    """An expression asks the authorizer what only a webhook knows, or asks it from another thread."""

    def __init__(self, asking: "_Asking", check: Check) -> None:
        super().__init__()
        self._asking, self._check = asking, check

    async def answer(self) -> None:
        """Ask the authorizer."""
        await self._asking.answer(self._check)


class Values:
    """Makes the values of variables for requests."""

    def __init__(self, lookup: Lookup, authorizer: Authorizer) -> None:
        self._lookup = lookup
        self._authorizer = authorizer

    def of(self, admission: Admission, target: Resource, shown: Shown) -> dict[str, Any]:
        """All variables but `params` and `variables`; the objects are in the version of `target`."""
        obj, old = shown
        ask = _Asking(self._authorizer, admission.user)
        resource = admission.asked or admission.resource
        check = Check(
            group=resource.group,
            resource=resource.plural,
            subresource=admission.subresource,
            namespace=namespace_of(admission),
            name=object_name(admission),
        )
        return {
            "object": obj,
            "oldObject": old,
            "request": admission_request(admission, target, obj if obj is not None else old),
            "namespaceObject": self._namespace(admission),
            "authorizer": CelAuthorizer(ask),
            REQUEST_RESOURCE: ResourceCheck(ask, check),
        }

    def _namespace(self, admission: Admission) -> Object | None:
        """The namespace of a namespaced object, without what changes all the time."""
        if not admission.resource.namespaced:
            return None
        found = self._lookup.get("namespaces", "", admission.request.namespace)
        if found is None:
            return None
        status = dict(found.get("status") or {})
        status["conditions"] = [_timed(condition) for condition in status.get("conditions") or ()]
        meta = {name: found["metadata"][name] for name in _NAMESPACE_METADATA if name in found["metadata"]}
        return {"metadata": _timed(meta), "spec": found.get("spec") or {}, "status": status}


def _timed(obj: Object) -> Object:
    return {key: parse_timestamp(value) if key in _TIMES and value else value for key, value in obj.items()}


class _Asking:
    """Asks the authorizer for an expression, the same question once only."""

    def __init__(self, authorizer: Authorizer, user: User) -> None:
        self._authorizer = authorizer
        self._user = user
        self._thread = get_ident()
        self._known: dict[Check, Decision] = {}

    def __call__(self, check: Check) -> Decision:
        found = self._known.get(check)
        if found is None:
            if get_ident() != self._thread:
                raise UnansweredError(self, check)
            decision = self._authorizer.decide(self._attributes(check))
            if not decision.allowed and self._authorizer.webhook is not None:
                raise UnansweredError(self, check)
            found = self._known[check] = Decision(decision.allowed, decision.reason)
        return found

    async def answer(self, check: Check) -> None:
        """Have the answer ready when the expression is evaluated again."""
        decision = await self._authorizer.ask(self._attributes(check))
        self._known[check] = Decision(decision.allowed, decision.reason)

    def _attributes(self, check: Check) -> Attributes:
        user = self._user
        if check.service_account is not None:
            namespace, name = check.service_account
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
            user = User(f"system:serviceaccount:{namespace}:{name}", groups=groups)
        if check.path:
            return Attributes(user, check.verb, path=check.path)
        return Attributes(
            user,
            check.verb,
            check.group,
            "*",
            check.resource,
            check.subresource,
            check.namespace,
            check.name,
            field_selector=check.field_selector,
        )


def run(program: Program, values: Mapping[str, Any], budget: Budget) -> Any:
    """The value of an expression. Raises ExpressionError, and BudgetError where nothing more may be run."""
    try:
        return program.evaluate(values, budget)
    except BudgetError:
        raise
    except EvaluationError as error:
        raise ExpressionError(f"expression '{program.source}' resulted in error: {error}") from None


def with_variables(programs: Mapping[str, Program], values: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """`values`, and the variables of a policy, which are made when they are first asked for and may speak of each other."""
    made = dict(values)

    def maker(name: str, program: Program) -> Any:
        def make() -> Any:
            try:
                return program.evaluate(made, budget)
            except BudgetError:
                raise
            except EvaluationError as error:
                raise EvaluationError(f'composited variable "{name}" fails to evaluate: {error}') from None

        return make

    made["variables"] = LazyMap({name: maker(name, program) for name, program in programs.items()})
    return made


def conditions_hold(programs: Sequence[Program], values: Mapping[str, Any], budget: Budget, *, fails_open: bool) -> bool:
    """Whether every match condition is true. One that is false decides, whatever fails.

    Where some fail and none is false, `fails_open` means that they do not hold. Raises ExpressionError where it does not.
    """
    faults = []
    for program in programs:
        try:
            if run(program, values, budget) is False:
                return False
        except ExpressionError as error:
            faults.append(str(error))
        except BudgetError as error:
            faults = [str(error)]
            break
    if not faults:
        return True
    if fails_open:
        return False
    raise ExpressionError(joined(faults))


def joined(faults: Sequence[str]) -> str:
    """Several faults as one, as Go joins them."""
    different = list(dict.fromkeys(faults))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"
