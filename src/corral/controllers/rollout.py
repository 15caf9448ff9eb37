"""How many replicas each ReplicaSet of a Deployment gets next: rolling update, recreate, and scaling in proportion.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from corral.api.objects import Object
from corral.controllers.percent import scaled
from corral.controllers.revisions import DESIRED_KEY, MAX_KEY


class Scale(NamedTuple):
    """This ReplicaSet is to have so many replicas."""

    replica_set: Object
    replicas: int


def fenceposts(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; never both 0, or nothing could move. Recreate has neither."""
    strategy = deployment["spec"].get("strategy", {})
    if strategy.get("type") == "Recreate":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    replicas = deployment["spec"]["replicas"]
    surge = scaled(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def max_size(deployment: Object) -> int:
    """The most pods that there may be at once."""
    return int(deployment["spec"]["replicas"]) + fenceposts(deployment)[0]


def initial_size(deployment: Object, old: Sequence[Object]) -> int:
    """The size that a new ReplicaSet is made with."""
    return _new_size(deployment, 0, sum(map(size, old)))


def roll(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    """One step of a rolling update: the new one grows as far as surge allows; else old ones shrink as availability allows."""
    target = _new_size(deployment, size(new), size(new) + sum(map(size, old)))
    if target != size(new):
        return [Scale(new, target)]
    _, unavailable = fenceposts(deployment)
    least = deployment["spec"]["replicas"] - unavailable
    room = size(new) + sum(map(size, old)) - least - (size(new) - _available(new))
    if room <= 0 or not any(map(size, old)):
        return []
    sizes = _drop_unhealthy({id(rs): size(rs) for rs in old}, old, room)
    spare = sum(map(_available, [new, *old])) - least
    for rs in old:
        drop = min(sizes[id(rs)], max(spare, 0))
        sizes[id(rs)] -= drop
        spare -= drop
    return [Scale(rs, sizes[id(rs)]) for rs in old if sizes[id(rs)] != size(rs)]


def stop_old(old: Iterable[Object]) -> list[Scale]:
    """Recreate's first step: every old one to nothing."""
    return [Scale(rs, 0) for rs in old if size(rs)]


def start_new(deployment: Object, new: Object) -> list[Scale]:
    """Recreate's second step: the new one to full size."""
    replicas = deployment["spec"]["replicas"]
    return [] if size(new) == replicas else [Scale(new, replicas)]


def was_rescaled(deployment: Object, replica_sets: Iterable[Object]) -> bool:
    """Whether the deployment's size has changed since its ReplicaSets were sized."""
    wanted = str(deployment["spec"]["replicas"])
    desired = (rs["metadata"].get("annotations", {}).get(DESIRED_KEY) for rs in replica_sets if size(rs))
    return any(text is not None and text != wanted for text in desired)


def rescale(deployment: Object, new: Object | None, old: Sequence[Object]) -> list[Scale]:
    """Bring the ReplicaSets to the deployment's size without moving the rollout: all to the active one, or in proportion."""
    every = [*old, *([new] if new is not None else [])]
    active = [rs for rs in every if size(rs)]
    if len(active) <= 1:
        only = active[0] if active else (new or (old[-1] if old else None))
        return [] if only is None else [Scale(only, deployment["spec"]["replicas"])]
    if new is not None and _is_saturated(deployment, new):
        return stop_old(old)
    if deployment["spec"].get("strategy", {}).get("type") == "Recreate":
        return []
    return _proportional(deployment, active)


def size(replica_set: Object) -> int:
    """The replicas it asks for."""
    replicas: int | None = replica_set["spec"].get("replicas")
    return 1 if replicas is None else replicas


def _new_size(deployment: Object, present: int, total: int) -> int:
    replicas: int = deployment["spec"]["replicas"]
    if deployment["spec"].get("strategy", {}).get("type") == "Recreate" or present > replicas:
        return replicas
    return present + max(0, min(max_size(deployment) - total, replicas - present))


def _drop_unhealthy(sizes: dict[int, int], old: Sequence[Object], room: int) -> dict[int, int]:
    """First take away old pods that are not available anyway."""
    for rs in old:
        drop = min(room, max(0, sizes[id(rs)] - _available(rs)))
        sizes[id(rs)] -= drop
        room -= drop
    return sizes


def _proportional(deployment: Object, active: Sequence[Object]) -> list[Scale]:
    """Share out what the size grew or shrank by, so that an error in a new version meets no more users than before."""
    replicas = deployment["spec"]["replicas"]
    allowed = max_size(deployment) if replicas > 0 else 0
    delta = allowed - sum(map(size, active))
    # Biggest first; among equals the newest takes the growth, the oldest the loss.
    newest_first = sorted(active, key=lambda rs: rs["metadata"].get("creationTimestamp", ""), reverse=delta > 0)
    in_order = sorted(newest_first, key=size, reverse=True)
    sizes, added = [], 0
    for rs in in_order:
        share = 0
        if delta not in (0, added):
            share = _share(deployment, rs)
            share = min(share, delta - added) if delta > 0 else max(share, delta - added)
        sizes.append(size(rs) + share)
        added += share
    sizes[0] = max(0, sizes[0] + delta - added)
    return [Scale(rs, count) for rs, count in zip(in_order, sizes, strict=True)]


def _share(deployment: Object, replica_set: Object) -> int:
    if deployment["spec"]["replicas"] == 0:
        return -size(replica_set)
    text = replica_set["metadata"].get("annotations", {}).get(MAX_KEY, "")
    before = int(text) if text.isdecimal() else deployment.get("status", {}).get("replicas", 0)
    if before == 0:
        return 0
    # Rounded half away from zero, as Go does.
    return int(size(replica_set) * max_size(deployment) / before + 0.5) - size(replica_set)


def _is_saturated(deployment: Object, new: Object) -> bool:
    replicas = deployment["spec"]["replicas"]
    desired = new["metadata"].get("annotations", {}).get(DESIRED_KEY)
    return bool(size(new) == replicas and desired == str(replicas) and _available(new) == replicas)


def _available(replica_set: Object) -> int:
    return int(replica_set.get("status", {}).get("availableReplicas", 0))
