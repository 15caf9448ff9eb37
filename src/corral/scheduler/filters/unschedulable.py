"""NodeUnschedulable: cordoned nodes take only pods that tolerate it.

https://kubernetes.io/docs/concepts/nodes/node/#manual-node-administration
"""

from typing import Any

from corral.api.tolerations import tolerates
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo

_MISFIT = Misfit(("node(s) were unschedulable",), False)
_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _check(shape: Shape, node: NodeInfo, _: Any) -> Misfit | None:
    return _MISFIT if node.unschedulable and not any(tolerates(t, _TAINT) for t in shape.tolerations) else None


FILTER = Filter("NodeUnschedulable", Wake.NODE, lambda shape, snapshot: True, _check)
