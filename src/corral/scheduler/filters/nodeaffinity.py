"""NodeAffinity: `nodeSelector` and required node affinity.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from typing import Any

from corral.api.objects import Object
from corral.api.selectors import matches_node_term
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot

_MISFIT = Misfit(("node(s) didn't match Pod's node affinity/selector",), False)


def _required(shape: Shape) -> list[Object] | None:
    required = shape.affinity("nodeAffinity").get("requiredDuringSchedulingIgnoredDuringExecution")
    return None if required is None else required.get("nodeSelectorTerms") or []


def _applies(shape: Shape, _: Snapshot) -> bool:
    return bool(shape.spec.get("nodeSelector")) or _required(shape) is not None


def _check(shape: Shape, node: NodeInfo, _: Any) -> Misfit | None:
    wanted = shape.spec.get("nodeSelector") or {}
    if any(node.labels.get(key) != value for key, value in wanted.items()):
        return _MISFIT
    terms = _required(shape)
    return None if terms is None or any(matches_node_term(term, node.labels, node.name) for term in terms) else _MISFIT


FILTER = Filter("NodeAffinity", Wake.NODE, _applies, _check)
