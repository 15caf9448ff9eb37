"""VolumeRestrictions: a claim of access mode ReadWriteOncePod is mounted by one pod only (KEP-2485)."""

from corral.api.objects import Key
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot

ONE_POD = "ReadWriteOncePod"
_IN_USE = Misfit(("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",), True)


def _prepare(shape: Shape, snapshot: Snapshot) -> tuple[list[Key], Snapshot]:
    """The claims that only one pod may mount."""
    keys = [Key(shape.namespace, claim.name) for claim in shape.claims]
    claims = ((key, snapshot.volumes.claim(key)) for key in keys)
    return [key for key, claim in claims if claim and ONE_POD in (claim["spec"].get("accessModes") or ())], snapshot


def _check(shape: Shape, node: NodeInfo, state: tuple[list[Key], Snapshot]) -> Misfit | None:
    keys, snapshot = state
    return _IN_USE if any(key in snapshot.claimed for key in keys) else None


FILTER = Filter(
    "VolumeRestrictions",
    Wake.FREED | Wake.VOLUME,
    lambda shape, _: bool(shape.claims),
    _check,
    _prepare,
    local=False,
)
