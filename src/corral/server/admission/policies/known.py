"""The policies of one kind as the cluster has them now, and which of them a kind of request concerns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from corral.api.resources import Resource
from corral.server.admission.concerned import Concerned
from corral.server.admission.matching import EXEMPT
from corral.server.admission.versions import Versions
from corral.server.cache import Collection
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.admission.policies.definitions import Policy

#: Questions about access and identity, which policies are never asked about: they may ask such questions themselves.
_REVIEWS = frozenset(
    (
        "localsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectreviews.authentication.k8s.io",
        "selfsubjectrulesreviews.authorization.k8s.io",
        "subjectaccessreviews.authorization.k8s.io",
        "tokenreviews.authentication.k8s.io",
    )
)
_NEVER = EXEMPT | _REVIEWS


class Policies:
    """The policies and bindings of one kind. Where there are none, asking costs two comparisons."""

    def __init__(self, policies: Collection, bindings: Collection, versions: Versions) -> None:
        self._policies = policies
        self._bindings = bindings
        self._versions = versions
        self._policies_seen = self._bindings_seen = -1
        self._compiled: tuple[Policy, ...] = ()
        self._concerned = Concerned(versions, self._matching)

    def concerned(self, admission: Admission) -> "tuple[Policy, ...]":
        """The policies with a rule for this operation on this resource; names and selectors are looked at later."""
        if self._policies_seen != self._policies.version or self._bindings_seen != self._bindings.version:
            self._policies_seen, self._bindings_seen = self._policies.version, self._bindings.version
            self._compiled = self._compile()
            self._concerned.forget()
        if not self._compiled or admission.resource.group_resource in _NEVER:
            return ()
        return self._concerned.by(admission)

    def _matching(self, operation: str, resource: Resource, subresource: str) -> "Iterator[Policy]":
        others = self._versions.equivalents(resource)
        return (one for one in self._compiled if one.match.may_match(operation, resource, subresource, others))

    def _compile(self) -> "tuple[Policy, ...]":
        if not len(self._policies) or not len(self._bindings):
            return ()
        from corral.server.admission.policies.definitions import compiled

        return compiled(*([item.object for item in one.list()] for one in (self._policies, self._bindings)))
