"""VolumeZone: a volume that is labelled with a zone or region is used on nodes of that zone and region.

Volumes of today have node affinity instead. https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone
"""

from corral.api.objects import Key, Object
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot

_TOPOLOGY = (
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)
#: Between the zones of a volume that lies in several.
_SEPARATOR = "__"
_ELSEWHERE = Misfit(("node(s) had no available volume zone",), False)


def _prepare(shape: Shape, snapshot: Snapshot) -> list[tuple[str, set[str]]]:
    """What each labelled volume demands of a node: label, and the values that will do."""
    demands = []
    for mounted in shape.claims:
        claim = snapshot.volumes.claim(Key(shape.namespace, mounted.name))
        volume = snapshot.volumes.volume(claim["spec"].get("volumeName", "")) if claim else None
        labels: Object = (volume or {"metadata": {}})["metadata"].get("labels") or {}
        demands += [(key, set(labels[key].split(_SEPARATOR))) for key in _TOPOLOGY if key in labels]
    return demands


def _check(shape: Shape, node: NodeInfo, demands: list[tuple[str, set[str]]]) -> Misfit | None:
    if not any(key in node.labels for key in _TOPOLOGY):
        return None  # A cluster without zones.
    return None if all(node.labels.get(key) in values for key, values in demands) else _ELSEWHERE


FILTER = Filter(
    "VolumeZone",
    Wake.NODE | Wake.VOLUME,
    lambda shape, _: bool(shape.claims),
    _check,
    _prepare,
    local=False,
)
