"""InterPodAffinity: the weights of preferred terms, the pod's own and those of the pods that are there."""

from typing import Any

from corral.scheduler.scores.contract import Score, spread_out
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot
from corral.scheduler.terms import means

#: What a pod's required affinity is worth to those that would join it.
_HARD_WEIGHT = 1


def _prepare(shape: Shape, snapshot: Snapshot) -> dict[tuple[str, str], float]:
    weights: dict[tuple[str, str], float] = {}
    spaces = snapshot.namespaces

    def weigh(node: NodeInfo, term: dict[str, Any], weight: float) -> None:
        key = term["topologyKey"]
        if key in node.labels:
            domain = key, node.labels[key]
            weights[domain] = weights.get(domain, 0.0) + weight

    for node in snapshot.nodes():
        for other, number in node.shapes.items():
            for kind, sign in (("podAffinity", number), ("podAntiAffinity", -number)):
                for own in shape.weighted_terms(kind):
                    if means(own["podAffinityTerm"], shape, other, spaces):
                        weigh(node, own["podAffinityTerm"], sign * own["weight"])
                for theirs in other.weighted_terms(kind):
                    if means(theirs["podAffinityTerm"], other, shape, spaces):
                        weigh(node, theirs["podAffinityTerm"], sign * theirs["weight"])
            for term in other.terms("podAffinity"):
                if means(term, other, shape, spaces):
                    weigh(node, term, _HARD_WEIGHT * number)
    return weights


def _rate(shape: Shape, node: NodeInfo, weights: Any) -> float:
    return float(sum(weight for (key, value), weight in weights.items() if node.labels.get(key) == value))


def _applies(shape: Shape, snapshot: Snapshot) -> bool:
    return bool(shape.weighted_terms("podAffinity") or shape.weighted_terms("podAntiAffinity") or snapshot.affine)


SCORE = Score("InterPodAffinity", 2, "cluster", _applies, _rate, _prepare, spread_out)
