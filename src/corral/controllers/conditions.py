"""Conditions in a status: find one, set one. The transition time moves only when the status does.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/condition/
"""

from collections.abc import Sequence

from corral.api.objects import Object
from corral.base.clock import rfc3339


def condition(conditions: Sequence[Object], type: str) -> Object | None:
    """The condition of `type`."""
    return next((c for c in conditions if c["type"] == type), None)


def is_true(obj: Object, type: str) -> bool:
    """Whether the object's condition `type` is True."""
    found = condition(obj.get("status", {}).get("conditions") or (), type)
    return found is not None and found["status"] == "True"


def with_condition(
    conditions: Sequence[Object],
    type: str,
    status: str,
    reason: str,
    message: str,
    now_s: float,
    *,
    updated: bool = False,
) -> list[Object]:
    """The conditions with this one set. One with the same status and reason stays as it is, unless `updated` (a kind whose
    conditions have `lastUpdateTime`, which then moves).
    """
    current = condition(conditions, type)
    if current is not None and current["status"] == status and current.get("reason", "") == reason and not updated:
        return list(conditions)
    now = rfc3339(now_s)
    new: Object = {"type": type, "status": status, "lastTransitionTime": now}
    if current is not None and current["status"] == status:
        new["lastTransitionTime"] = current["lastTransitionTime"]
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    return [*without_condition(conditions, type), new]


def without_condition(conditions: Sequence[Object], type: str) -> list[Object]:
    """The conditions without that of `type`."""
    return [c for c in conditions if c["type"] != type]
