"""PodTopologySpread: few pods of the same controller on a node, and the pod's own `ScheduleAnyway` constraints.

The first stands for the reference's default constraints, which spread the pods of one Service or controller over nodes.
"""

from typing import Any

from corral.scheduler.filters.spread import constraints, count
from corral.scheduler.scores.contract import BEST, Score, lowest
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot


def _family(shape: Shape, node: NodeInfo, _: Any) -> float:
    return BEST / (1 + sum(number for other, number in node.shapes.items() if other.family == shape.family))


def _skew(shape: Shape, node: NodeInfo, state: Any) -> float:
    total = 0.0
    for spread in state:
        domain = node.labels.get(spread.constraint["topologyKey"])
        # A node outside of all domains is the last choice.
        total += spread.domains.get(domain, 0) if domain is not None else 1 + sum(spread.domains.values())
    return total


def _anyway(shape: Shape, snapshot: Snapshot) -> bool:
    return bool(constraints(shape, "ScheduleAnyway"))


FAMILY = Score("PodTopologySpread", 2, "node", lambda shape, snapshot: bool(shape.family), _family)
CONSTRAINTS = Score(
    "PodTopologySpread",
    2,
    "cluster",
    _anyway,
    _skew,
    lambda shape, snapshot: count(shape, snapshot, constraints(shape, "ScheduleAnyway")),
    lowest,
)
