"""TaintToleration: nodes with fewer `PreferNoSchedule` taints that the pod does not tolerate."""

from typing import Any

from corral.scheduler.filters.taints import untolerated
from corral.scheduler.scores.contract import Score, lowest
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo


def _rate(shape: Shape, node: NodeInfo, _: Any) -> float:
    return untolerated(shape.tolerations, node.taints, ("PreferNoSchedule",)) if node.taints else 0


SCORE = Score("TaintToleration", 3, "fixed", lambda shape, snapshot: True, _rate, normalize=lowest)
