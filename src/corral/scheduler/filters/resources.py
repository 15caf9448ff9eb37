"""NodeResourcesFit: what a pod asks for must be free.

https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#how-pods-with-resource-requests-are-scheduled
"""

from typing import Any

from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo


def _check(shape: Shape, node: NodeInfo, _: Any) -> Misfit | None:
    have, used = node.allocatable, node.requested
    if len(node.pods) + 1 <= have.get("pods", 0):
        for name, amount in shape.requests.items():
            if used.get(name, 0) + amount > have.get(name, 0):
                break
        else:
            return None
    texts = ["Too many pods"] if len(node.pods) + 1 > have.get("pods", 0) else []
    short = [name for name, amount in shape.requests.items() if used.get(name, 0) + amount > have.get(name, 0)]
    texts += [f"Insufficient {name}" for name in sorted(short)]
    # A node too small for the pod alone does not become large enough by removing others.
    resolvable = all(shape.requests[name] <= have.get(name, 0) for name in short)
    return Misfit(tuple(texts), resolvable)


FILTER = Filter("NodeResourcesFit", Wake.NODE | Wake.FREED, lambda shape, snapshot: True, _check)
