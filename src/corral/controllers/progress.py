"""The status of a Deployment: counts, and the conditions Progressing, Available and ReplicaFailure.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from collections.abc import Sequence

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339, rfc3339
from corral.controllers.conditions import condition, without_condition
from corral.controllers.rollout import fenceposts, size

AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
#: A progressDeadlineSeconds of this (the largest int32) means none.
NO_DEADLINE_S = 2**31 - 1


def counts(deployment: Object, new: Object | None, old: Sequence[Object], now_s: float) -> Object:
    """The status with fresh counts and condition Available; other conditions as the deployment has them."""
    every = [*old, *([new] if new is not None else [])]
    available = _sum(every, "availableReplicas")
    counted = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": _sum(every, "replicas"),
        "updatedReplicas": _sum([new], "replicas") if new is not None else 0,
        "readyReplicas": _sum(every, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(map(size, every)) - available),
        "collisionCount": deployment.get("status", {}).get("collisionCount", 0),
    }
    status: Object = {name: count for name, count in counted.items() if count}
    status["terminatingReplicas"] = _sum(every, "terminatingReplicas")
    _, unavailable = fenceposts(deployment)
    conditions = deployment.get("status", {}).get("conditions", ())
    if available >= deployment["spec"]["replicas"] - unavailable:
        text = "Deployment has minimum availability."
        conditions = _set(conditions, "Available", "True", "MinimumReplicasAvailable", text, now_s)
    else:
        text = "Deployment does not have minimum availability."
        conditions = _set(conditions, "Available", "False", "MinimumReplicasUnavailable", text, now_s)
    return {**status, "conditions": conditions}


def with_pause(deployment: Object, status: Object, now_s: float) -> Object:
    """The status with word of a pause that began or ended: time spent paused counts for no deadline."""
    current = condition(status.get("conditions", ()), "Progressing")
    if not _has_deadline(deployment) or (current is not None and current.get("reason") == TIMED_OUT):
        return status
    paused, told = bool(deployment["spec"].get("paused")), current is not None and current.get("reason") == "DeploymentPaused"
    if paused == told:
        return status
    reason, text = ("DeploymentPaused", "Deployment is paused") if paused else ("DeploymentResumed", "Deployment is resumed")
    return {**status, "conditions": _set(status.get("conditions", ()), "Progressing", "Unknown", reason, text, now_s)}


def with_new(deployment: Object, new: Object, *, created: bool, now_s: float) -> Object:
    """The status with word of the new ReplicaSet: made now, or found."""
    status: Object = deployment.get("status", {})
    conditions = status.get("conditions", ())
    if not _has_deadline(deployment) or (not created and condition(conditions, "Progressing") is not None):
        return status
    name = new["metadata"]["name"]
    reason = "NewReplicaSetCreated" if created else "FoundNewReplicaSet"
    text = f'Created new replica set "{name}"' if created else f'Found new replica set "{name}"'
    return {**status, "conditions": _set(conditions, "Progressing", "True", reason, text, now_s)}


def with_failure(deployment: Object, message: str, now_s: float) -> Object:
    """The status with word that the new ReplicaSet could not be made."""
    status: Object = deployment.get("status", {})
    if not _has_deadline(deployment):
        return status
    conditions = _set(status.get("conditions", ()), "Progressing", "False", "ReplicaSetCreateError", message, now_s)
    return {**status, "conditions": conditions}


def with_progress(deployment: Object, status: Object, new: Object | None, old: Sequence[Object], now_s: float) -> Object:
    """The `counts` with Progressing and ReplicaFailure, judged against the deployment's status as it was."""
    conditions = status["conditions"]
    before = deployment.get("status", {})
    current = condition(conditions, "Progressing")
    if not _has_deadline(deployment):
        conditions = without_condition(conditions, "Progressing")
    elif not _was_complete(status, current):
        subject = (
            f'ReplicaSet "{new["metadata"]["name"]}"' if new is not None else f'Deployment "{deployment["metadata"]["name"]}"'
        )
        if is_complete(deployment, status):
            text = f"{subject} has successfully progressed."
            conditions = _set(conditions, "Progressing", "True", AVAILABLE, text, now_s)
        elif _has_moved(before, status):
            fresh = _condition("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", now_s)
            if current is not None and current["status"] == "True":
                fresh["lastTransitionTime"] = current["lastTransitionTime"]
            conditions = [*without_condition(conditions, "Progressing"), fresh]
        elif _is_late(deployment, current, now_s):
            text = f"{subject} has timed out progressing."
            conditions = _set(conditions, "Progressing", "False", TIMED_OUT, text, now_s)
    conditions = without_condition(conditions, "ReplicaFailure")
    for rs in [*([new] if new is not None else []), *old]:
        failure = condition(rs.get("status", {}).get("conditions", ()), "ReplicaFailure")
        if failure is not None:
            since = {"lastUpdateTime": failure["lastTransitionTime"], "lastTransitionTime": failure["lastTransitionTime"]}
            conditions = [*conditions, {**failure, **since}]
            break
    return {**status, "conditions": conditions}


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether all replicas are of the new template and available, and no old ones are left."""
    replicas = deployment["spec"]["replicas"]
    names = ("updatedReplicas", "replicas", "availableReplicas")
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return seen and all(status.get(name, 0) == replicas for name in names)


def deadline_in_s(deployment: Object, now_s: float) -> float | None:
    """Seconds until the rollout is to be called late; None where it is done, late already, or has no deadline."""
    status = deployment.get("status", {})
    current = condition(status.get("conditions", ()), "Progressing")
    if not _has_deadline(deployment) or current is None or current.get("reason") in (TIMED_OUT, AVAILABLE):
        return None
    if is_complete(deployment, status):
        return None
    deadline_s: int = deployment["spec"]["progressDeadlineSeconds"]
    return max(1.0, parse_rfc3339(current["lastUpdateTime"]) + deadline_s - now_s + 1)


def _was_complete(status: Object, current: Object | None) -> bool:
    same = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return same and current is not None and current.get("reason") == AVAILABLE


def _has_moved(before: Object, after: Object) -> bool:
    def old(status: Object) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    grew = any(after.get(n, 0) > before.get(n, 0) for n in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grew or old(after) < old(before)


def _is_late(deployment: Object, current: Object | None, now_s: float) -> bool:
    if current is None or current.get("reason") == AVAILABLE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    deadline_s: int = deployment["spec"]["progressDeadlineSeconds"]
    return parse_rfc3339(current["lastUpdateTime"]) + deadline_s < now_s


def _has_deadline(deployment: Object) -> bool:
    deadline_s: int = deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE_S)
    return deadline_s != NO_DEADLINE_S


def _set(conditions: Sequence[Object], type: str, status: str, reason: str, message: str, now_s: float) -> list[Object]:
    current = condition(conditions, type)
    if current is not None and current["status"] == status and current.get("reason") == reason:
        return list(conditions)
    fresh = _condition(type, status, reason, message, now_s)
    if current is not None and current["status"] == status:
        fresh["lastTransitionTime"] = current["lastTransitionTime"]
    return [*without_condition(conditions, type), fresh]


def _condition(type: str, status: str, reason: str, message: str, now_s: float) -> Object:
    now = rfc3339(now_s)
    return {
        "type": type,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def _sum(replica_sets: Sequence[Object], name: str) -> int:
    return sum(rs.get("status", {}).get(name, 0) for rs in replica_sets)
