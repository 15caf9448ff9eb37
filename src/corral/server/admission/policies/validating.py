"""ValidatingAdmissionPolicy: expressions that a write must fulfil (KEP-3488)."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from corral.server.admission.chain import Plugin
from corral.server.admission.matching import GROUP
from corral.server.admission.policies.known import Policies
from corral.server.admission.versions import Versions
from corral.server.lookup import Lookup
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.admission.policies.judging import Judge
    from corral.server.core import Core

POLICIES = f"validatingadmissionpolicies.{GROUP}"
BINDINGS = f"validatingadmissionpolicybindings.{GROUP}"


class ValidatingPolicies(Plugin):
    """Judges writes by the cluster's policies."""

    operations = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})

    def __init__(self, core: "Core", lookup: Lookup, versions: Versions) -> None:
        self._core = core
        self._lookup = lookup
        self._versions = versions
        self._known = Policies(core.cache.collection(POLICIES), core.cache.collection(BINDINGS), versions)
        self._judge: Judge | None = None

    def validate(self, admission: Admission) -> Awaitable[None] | None:
        """Raise ApiError (422, 403, ...) for what a policy denies; add warnings and audit annotations."""
        policies = self._known.concerned(admission)
        if not policies:
            return None
        if self._judge is None:
            from corral.server.admission.policies.judging import Judge

            self._judge = Judge(self._core, self._lookup, self._versions)
        return self._judge.judge(policies, admission)
