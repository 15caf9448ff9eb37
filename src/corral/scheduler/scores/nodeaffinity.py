"""NodeAffinity: the weights of the preferred terms that a node meets."""

from typing import Any

from corral.api.objects import Object
from corral.api.selectors import matches_node_term
from corral.scheduler.scores.contract import Score, highest
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo


def _preferred(shape: Shape) -> list[Object]:
    return shape.affinity("nodeAffinity").get("preferredDuringSchedulingIgnoredDuringExecution") or []


def _rate(shape: Shape, node: NodeInfo, _: Any) -> float:
    return float(
        sum(term["weight"] for term in _preferred(shape) if matches_node_term(term["preference"], node.labels, node.name))
    )


SCORE = Score("NodeAffinity", 2, "fixed", lambda shape, snapshot: bool(_preferred(shape)), _rate, normalize=highest)
