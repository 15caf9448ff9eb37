"""What the two kinds of policies share: which policies, with which bindings and parameters, a write is evaluated for."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.expressions import ExpressionError
from corral.server.admission.matching import namespace_of
from corral.server.admission.policies.definitions import Binding, Policy
from corral.server.admission.policies.parameters import Parameters
from corral.server.admission.versions import Versions
from corral.server.lookup import Lookup
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.core import Core


class Invocation(NamedTuple):
    """A policy to be evaluated for a write: the binding, its parameters, and the version in which it wants the object.

    Where `fault` is not "", it says why that cannot be done; there need be no binding then.
    """

    policy: Policy
    binding: Binding | None
    parameters: Object | None
    target: Resource
    fault: str = ""


class Invocations:
    """Finds what a write is evaluated for."""

    def __init__(self, core: "Core", lookup: Lookup, versions: Versions) -> None:
        self._lookup = lookup
        self._versions = versions
        self._parameters = Parameters(core)

    async def of(self, policies: tuple[Policy, ...], admission: Admission) -> AsyncIterator[Invocation]:
        """The invocations of these policies, in their order, then that of their bindings."""
        own = admission.asked or admission.resource
        equivalents = self._versions.equivalents(own)
        for policy in policies:
            try:
                target = policy.match.target(self._lookup, admission, equivalents)
            except ApiError as error:
                yield Invocation(policy, None, None, own, f"failed to configure policy: {error.message}")
                continue
            if target is None:
                continue
            fault = policy.fault or self._kind_fault(policy)
            if fault:
                yield Invocation(policy, None, None, target, f"failed to configure policy: {fault}")
                continue
            for binding in policy.bindings:
                try:
                    if binding.match.target(self._lookup, admission, equivalents) is None:
                        continue
                    namespace = namespace_of(admission)
                    for found in await self._parameters.of(policy.parameter_kind, binding.parameters, namespace):
                        yield Invocation(policy, binding, found, target)
                except (ApiError, ExpressionError) as error:
                    yield Invocation(policy, binding, None, target, f"failed to configure binding: {error}")

    def _kind_fault(self, policy: Policy) -> str:
        if policy.parameter_kind is None:
            return ""
        try:
            self._parameters.resource(policy.parameter_kind)
        except ExpressionError as error:
            return str(error)
        return ""
