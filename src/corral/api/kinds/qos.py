"""A pod's quality of service: Guaranteed, Burstable or BestEffort (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/)."""

from collections.abc import Mapping
from typing import Any

from corral.api.objects import Object
from corral.api.quantity import parse

_COUNTED = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """The class that the pod's requests and limits put it in."""
    spec = pod["spec"]
    if (spec.get("resources") or {}).keys() & {"requests", "limits"}:
        parts = [spec["resources"]]
    else:
        parts = [c.get("resources") or {} for n in ("containers", "initContainers") for c in spec.get(n) or ()]
    requests: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    all_limited = True
    for part in parts:
        _sum(requests, part.get("requests"))
        limited = _sum(limits, part.get("limits"))
        all_limited = all_limited and limited == len(_COUNTED)
    if not requests and not limits:
        return "BestEffort"
    guaranteed = all_limited and len(requests) == len(limits) and all(limits.get(n) == v for n, v in requests.items())
    return "Guaranteed" if guaranteed else "Burstable"


def _sum(total: dict[str, Any], resources: Mapping[str, str] | None) -> int:
    """Add the positive amounts of the counted resources to `total`; how many there were."""
    count = 0
    for name in _COUNTED:
        amount = parse(resources[name]) if resources and name in resources else None
        if amount is not None and amount.nanos > 0:
            total[name] = total[name] + amount if name in total else amount
            count += 1
    return count
