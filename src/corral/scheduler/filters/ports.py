"""NodePorts: ports of the node can be taken once.

https://kubernetes.io/docs/concepts/configuration/overview/#services
"""

from typing import Any

from corral.api.hostports import TAKEN
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo

_MISFIT = Misfit((TAKEN,), True)


def _check(shape: Shape, node: NodeInfo, _: Any) -> Misfit | None:
    taken = list(node.host_ports())
    return _MISFIT if any(port.clashes(other) for port in shape.host_ports for other in taken) else None


FILTER = Filter("NodePorts", Wake.NODE | Wake.FREED, lambda shape, snapshot: bool(shape.host_ports), _check)
