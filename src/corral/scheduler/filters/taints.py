"""TaintToleration: nodes repel pods that do not tolerate their taints.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from collections.abc import Iterable, Sequence
from typing import Any

from corral.api.objects import Object
from corral.api.tolerations import tolerates
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo

_MISFIT = Misfit(("node(s) had untolerated taint(s)",), False)


def untolerated(tolerations: Sequence[Object], taints: Iterable[Object], effects: Sequence[str]) -> int:
    """How many taints of these effects no toleration covers."""
    return sum(taint["effect"] in effects and not any(tolerates(t, taint) for t in tolerations) for taint in taints)


def _check(shape: Shape, node: NodeInfo, _: Any) -> Misfit | None:
    return _MISFIT if node.taints and untolerated(shape.tolerations, node.taints, ("NoSchedule", "NoExecute")) else None


FILTER = Filter("TaintToleration", Wake.NODE, lambda shape, snapshot: True, _check)
