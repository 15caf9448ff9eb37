"""ResourceQuota: a new object is charged to the quotas of its namespace, or refused.

Only what a quota's status already counts is enforced; the quota controller fills it in. The charge is written before the object
is, under the quota's revision: two creations cannot both take the last place. See
https://kubernetes.io/docs/concepts/policy/resource-quotas/.
"""

from collections.abc import Awaitable, Callable, Mapping

from corral.api import quota
from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.podresources import Amounts, add, amounts
from corral.api.quantity import ZERO
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

#: Resources whose updates can change what they count for.
CHANGING = frozenset({"pods", "services", "persistentvolumeclaims"})

#: Writes `status.used` of a quota (namespace, name) by a function of the present one; it may refuse by an ApiError.
WriteUsed = Callable[[str, str, Callable[[Object], dict[str, str]]], Awaitable[None]]


class ResourceQuota(Plugin):
    """Charges quotas. Comes last: what it charges for is what is written."""

    operations = frozenset({"CREATE", "UPDATE"})

    def __init__(self, lookup: Lookup, write_used: WriteUsed | None = None) -> None:
        self._lookup = lookup
        self.write_used = write_used

    async def validate(self, admission: Admission) -> None:
        """Charge every quota that the object falls under. Raises ApiError (403)."""
        resource, obj = admission.resource, admission.object
        if not resource.namespaced or obj is None or admission.request.namespace == "":
            return
        if admission.operation == "UPDATE":
            if resource.group_resource not in CHANGING or admission.subresource not in ("", "resize"):
                return
        elif admission.subresource:
            return
        delta: Amounts | None = None
        for found in list(self._lookup.list("resourcequotas", admission.request.namespace)):
            hard = (found.get("status") or {}).get("hard") or {}
            if not hard or not quota.matches(found, resource.group_resource, obj):
                continue
            delta = _delta(admission) if delta is None else delta
            await self._charge(admission, found, hard, delta)

    async def _charge(self, admission: Admission, found: Object, hard: Mapping[str, str], delta: Amounts) -> None:
        assert admission.object is not None
        name = found["metadata"]["name"]
        if admission.resource.plural == "pods" and admission.operation == "CREATE":
            missing = quota.missing_resources(admission.object, hard)
            if missing:
                listed = "; ".join(f"{resource} for: {','.join(names)}" for resource, names in missing.items())
                raise forbidden(admission, f"failed quota: {name}: must specify {listed}")
        asked = {resource: amount for resource, amount in delta.items() if resource in hard and amount > ZERO}
        if not asked:
            return

        def charged(present: Object) -> dict[str, str]:
            return _charged(admission, present, asked)

        if admission.dry_run or self.write_used is None:
            charged(found)
            return
        await self.write_used(admission.request.namespace, name, charged)


def _delta(admission: Admission) -> Amounts:
    """What the write adds; never less than nothing: what it gives back, the controller counts."""
    assert admission.object is not None
    new = quota.usage(admission.resource.group_resource, admission.object)
    if admission.old_object is None:
        return new
    old = quota.usage(admission.resource.group_resource, admission.old_object)
    return {name: amount - old[name] if name in old else amount for name, amount in new.items()}


def _charged(admission: Admission, present: Object, asked: Amounts) -> dict[str, str]:
    """`status.used` with what is asked for. Raises ApiError (403) where that is more than there is."""
    status = present.get("status") or {}
    hard, used = amounts(status.get("hard")), amounts(status.get("used"))
    name = present["metadata"]["name"]
    uncounted = sorted(resource for resource in asked if resource not in used)
    if uncounted:
        raise forbidden(admission, f"status unknown for quota: {name}, resources: {','.join(uncounted)}")
    exceeded = sorted(r for r, amount in asked.items() if r in hard and used[r] + amount > hard[r])
    if exceeded:
        raise _exceeded(admission, name, exceeded, asked, used, hard)
    add(used, asked)
    return {resource: str(amount) for resource, amount in used.items()}


def _exceeded(admission: Admission, name: str, over: list[str], asked: Amounts, used: Amounts, hard: Amounts) -> ApiError:
    def listed(found: Amounts) -> str:
        return ",".join(f"{resource}={found[resource]}" for resource in over)

    why = f"exceeded quota: {name}, requested: {listed(asked)}, used: {listed(used)}, limited: {listed(hard)}"
    return forbidden(admission, why)
