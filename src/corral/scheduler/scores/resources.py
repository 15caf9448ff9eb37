"""NodeResourcesFit (least allocated first) and NodeResourcesBalancedAllocation (cpu and memory used alike).

https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
"""

from typing import Any

from corral.scheduler.scores.contract import BEST, Score
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo


def _least(shape: Shape, node: NodeInfo, _: Any) -> float:
    have, used, asked = node.allocatable, node.scored, shape.scored_requests
    total = 0.0
    for name in ("cpu", "memory"):
        capacity = have.get(name, 0)
        free = capacity - used[name] - asked.get(name, 0)
        if free > 0:
            total += BEST * free / capacity
    return total / 2


def _balanced(shape: Shape, node: NodeInfo, _: Any) -> float:
    have, used, asked = node.allocatable, node.requested, shape.requests
    shares = [
        min(1.0, (used.get(name, 0) + asked.get(name, 0)) / have[name]) if have.get(name) else 1.0 for name in ("cpu", "memory")
    ]
    return BEST * (1 - abs(shares[0] - shares[1]) / 2)


LEAST = Score("NodeResourcesFit", 1, "node", lambda shape, snapshot: True, _least)
BALANCED = Score("NodeResourcesBalancedAllocation", 1, "node", lambda shape, snapshot: bool(shape.requests), _balanced)
