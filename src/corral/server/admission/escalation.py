"""Nobody grants what he does not hold: roles and bindings are checked against the rules of who writes them.

In the reference this guards the storage of RBAC objects, after mutation and before validation; here it is the last plugin that
sees the object before its rules do. Whoever may `escalate` roles or `bind` a role may go further. See
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping.
"""

from collections.abc import Sequence

from corral.api import errors
from corral.api.objects import Object
from corral.server.admission.chain import Plugin
from corral.server.authorization import Attributes, Authorizer, rules
from corral.server.authorization.authorizer import PRIVILEGED_GROUP
from corral.server.authorization.rbac import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES
from corral.server.request import Admission

#: Metadata by which objects are collected, or that the server keeps itself.
_COLLECTION_FIELDS = frozenset(("ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation"))
NO_AGGREGATION = "must have cluster-admin privileges to use an aggregationRule"


class EscalationCheck(Plugin):
    """Refuses grants beyond the writer's own rights."""

    resources = frozenset({ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def admit(self, admission: Admission) -> None:
        """Raise ApiError: 403 for a grant too far, 404 where the role to bind does not exist."""
        if admission.object is None or PRIVILEGED_GROUP in admission.user.groups:
            return
        if admission.resource.plural in ("roles", "clusterroles"):
            await self._check_role(admission, admission.object, admission.old_object)
        else:
            await self._check_binding(admission, admission.object, admission.old_object)

    async def _check_role(self, admission: Admission, new: Object, old: Object | None) -> None:
        if old is not None and _only_collected(new, old):
            return
        name = new["metadata"].get("name", "")
        if await self._may(admission, "escalate", admission.resource.plural, name):
            return
        self._require_held(admission, name, new.get("rules") or [])
        aggregates = new.get("aggregationRule") or (old or {}).get("aggregationRule")
        if aggregates and self._missing(admission, rules.FULL_AUTHORITY):
            raise errors.forbidden(admission.resource.plural, GROUP, name, NO_AGGREGATION)

    async def _check_binding(self, admission: Admission, new: Object, old: Object | None) -> None:
        if old is not None and _only_collected(new, old):
            return
        ref = new.get("roleRef") or {}
        plural = "clusterroles" if ref.get("kind") == "ClusterRole" else "roles"
        if await self._may(admission, "bind", plural, ref.get("name", "")):
            return
        granted = self._authorizer.rbac.rules_of(ref, admission.request.namespace)
        if granted is None:
            raise errors.not_found(plural, GROUP, ref.get("name", ""))
        self._require_held(admission, new["metadata"].get("name", ""), granted)

    async def _may(self, admission: Admission, verb: str, plural: str, name: str) -> bool:
        asked = Attributes(admission.user, verb, GROUP, "v1", plural, namespace=admission.request.namespace, name=name)
        return (await self._authorizer.ask(asked)).allowed

    def _missing(self, admission: Admission, granted: Sequence[Object]) -> list[Object]:
        held = self._authorizer.rbac.rules_for(admission.user, admission.request.namespace)
        return rules.uncovered(held.rules, granted)

    def _require_held(self, admission: Admission, name: str, granted: Sequence[Object]) -> None:
        missing = self._missing(admission, granted)
        if not missing:
            return
        user = admission.user
        listed = "\n".join(sorted({rules.describe(rule) for rule in rules.compact(missing)}))
        why = f'user "{user.name}" (groups={rules.quoted(user.groups)}) is attempting to grant RBAC permissions '
        why += f"not currently held:\n{listed}"
        problems = self._authorizer.rbac.rules_for(user, admission.request.namespace).problems
        if problems:
            why += f"; resolution errors: [{', '.join(dict.fromkeys(problems))}]"
        raise errors.forbidden(admission.resource.plural, GROUP, name, why)


def _only_collected(new: Object, old: Object) -> bool:
    """Whether nothing changes but what garbage collection needs. A label is more: it can make a role part of another one."""
    return _but_for_collection(new) == _but_for_collection(old)


def _but_for_collection(obj: Object) -> Object:
    metadata = {name: value for name, value in obj["metadata"].items() if value and name not in _COLLECTION_FIELDS}
    return {**{name: value for name, value in obj.items() if value}, "metadata": metadata}
