"""MutatingAdmissionPolicy: expressions that change a write (KEP-3962)."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from corral.server.admission.chain import Plugin
from corral.server.admission.matching import GROUP
from corral.server.admission.policies.known import Policies
from corral.server.admission.versions import Versions
from corral.server.lookup import Lookup
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.admission.policies.changing import Changer
    from corral.server.core import Core

POLICIES = f"mutatingadmissionpolicies.{GROUP}"
BINDINGS = f"mutatingadmissionpolicybindings.{GROUP}"


class MutatingPolicies(Plugin):
    """Changes writes as the cluster's policies want it."""

    operations = frozenset({"CREATE", "UPDATE", "CONNECT"})

    def __init__(self, core: "Core", lookup: Lookup, versions: Versions) -> None:
        self._core = core
        self._lookup = lookup
        self._versions = versions
        self._known = Policies(core.cache.collection(POLICIES), core.cache.collection(BINDINGS), versions)
        self._changer: Changer | None = None

    def admit(self, admission: Admission) -> Awaitable[None] | None:
        """Change the object. Raises ApiError (403, 500) where that cannot be done and the policy says Fail."""
        policies = self._known.concerned(admission)
        if not policies:
            return None
        if self._changer is None:
            from corral.server.admission.policies.changing import Changer

            self._changer = Changer(self._core, self._lookup, self._versions)
        return self._changer.change(policies, admission)
