"""TaintToleration: nodes repel pods that do not tolerate their taints.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from collections.abc import Iterable, Sequence
from typing import Any

from corral.api.objects import Object
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo

_MISFIT = Misfit(("node(s) had untolerated taint(s)",), False)


def tolerates(tolerations: Iterable[Object], taint: Object) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(_covers(toleration, taint) for toleration in tolerations)


def untolerated(tolerations: Sequence[Object], taints: Iterable[Object], effects: Sequence[str]) -> int:
    """How many taints of these effects no toleration covers."""
    return sum(taint["effect"] in effects and not tolerates(tolerations, taint) for taint in taints)


def _covers(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    value = taint.get("value", "")
    if operator in ("Lt", "Gt"):
        try:
            have, bound = int(value), int(toleration.get("value", ""))
        except ValueError:
            return False
        return have < bound if operator == "Lt" else have > bound
    return bool(toleration.get("key")) and bool(toleration.get("value", "") == value)


def _check(shape: Shape, node: NodeInfo, _: Any) -> Misfit | None:
    return _MISFIT if node.taints and untolerated(shape.tolerations, node.taints, ("NoSchedule", "NoExecute")) else None


FILTER = Filter("TaintToleration", Wake.NODE, lambda shape, snapshot: True, _check)
