"""Facts about pods that several controllers ask for.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

import math
from collections.abc import Mapping, Sequence

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339
from corral.controllers.conditions import condition

DELETION_COST_KEY = "controller.kubernetes.io/pod-deletion-cost"
_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


def is_finished(pod: Object) -> bool:
    """Whether all its containers have ended for good."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Whether it counts as a replica: neither finished nor being deleted."""
    return not is_finished(pod) and not pod["metadata"].get("deletionTimestamp")


def is_terminating(pod: Object) -> bool:
    """Whether it is being deleted and its containers may still run."""
    return not is_finished(pod) and bool(pod["metadata"].get("deletionTimestamp"))


def is_ready(pod: Object) -> bool:
    """Whether its condition Ready is True."""
    return ready_since_s(pod) is not None


def ready_since_s(pod: Object) -> float | None:
    """When it became Ready (seconds since the epoch); None while it is not."""
    ready = condition(pod.get("status", {}).get("conditions") or (), "Ready")
    if ready is None or ready["status"] != "True":
        return None
    since = ready.get("lastTransitionTime")
    return parse_rfc3339(since) if since else 0.0


def is_available(pod: Object, min_ready_s: float, now_s: float) -> bool:
    """Whether it has been Ready for `min_ready_s` seconds."""
    since_s = ready_since_s(pod)
    return since_s is not None and (min_ready_s == 0 or since_s + min_ready_s <= now_s)


def available_in_s(pods: Sequence[Object], min_ready_s: float, now_s: float) -> float | None:
    """Seconds until the next of the Ready pods becomes available; None if none will by time alone."""
    if min_ready_s == 0:
        return None
    waits = [since + min_ready_s - now_s for since in map(ready_since_s, pods) if since is not None]
    return min((wait for wait in waits if wait > 0), default=None)


def deletion_order(pods: Sequence[Object], related_on_node: Mapping[str, int], now_s: float) -> list[Object]:
    """The pods, those first that are the least loss (the reference's ActivePodsWithRanks).

    `related_on_node`: how many pods of the same family each node runs; crowded nodes give first.
    """

    def rank(pod: Object) -> tuple[object, ...]:
        meta, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
        since_s = ready_since_s(pod)
        node = spec.get("nodeName", "")
        return (
            bool(node),
            _PHASE_RANK.get(status.get("phase", ""), 1),
            since_s is not None,
            _deletion_cost(pod),
            -related_on_node.get(node, 0),
            0 if since_s is None else _age_class(since_s, now_s),
            -max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0),
            _age_class(parse_rfc3339(meta["creationTimestamp"]), now_s),
            meta.get("uid", ""),
        )

    return sorted(pods, key=rank)


def _deletion_cost(pod: Object) -> int:
    try:
        return int(pod["metadata"].get("annotations", {}).get(DELETION_COST_KEY, 0))
    except ValueError:
        return 0


def _age_class(since_s: float, now_s: float) -> int:
    """Ages within a factor of two count as equal (KEP-2185), so that scaling down hits no generation of pods as a whole."""
    age_ns = (now_s - since_s) * 1e9
    return int(math.log2(age_ns)) if age_ns > 0 else -1


def from_template(template: Object, owner: Object, namespace: str, generate_name: str) -> Object:
    """A pod as `template` describes, controlled by `owner` (an owner reference)."""
    meta = template.get("metadata", {})
    metadata: Object = {"generateName": generate_name, "namespace": namespace}
    for field in ("labels", "annotations", "finalizers"):
        if meta.get(field):
            metadata[field] = meta[field]
    metadata["ownerReferences"] = [owner]
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"]}


def owner_reference(owner: Object) -> Object:
    """The reference to `owner` as the controller of what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
