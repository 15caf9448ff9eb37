"""VolumeBinding: bound volumes reach the node; what waits for its first consumer can be had there.

https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

from msgspec import Struct, field

from corral.api import persistentvolumes as facts
from corral.api.objects import Key, Object
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Claim, Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot
from corral.scheduler.volumes import Choice, Volumes, Want, choose

_UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
_GONE = Misfit(("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",), False)
_ELSEWHERE = Misfit(("node(s) didn't match PersistentVolume's node affinity",), False)
_NOTHING = Misfit(("node(s) didn't find available persistent volumes to bind",), False)


class _Claims(Struct):
    """The claims of a shape: the volumes of those that are bound (None: lost), and those that wait."""

    bound: list[Object | None] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    why: str = ""


def choice_for(node: NodeInfo, state: tuple[_Claims, Volumes]) -> Choice:
    """What the claims of a pod get on the node that it was given, by what the filter has prepared."""
    claims, volumes = state
    return choose(claims.wants, node.labels, node.name, volumes.taken) or Choice()


def _claims(shape: Shape, volumes: Volumes) -> _Claims:
    found, waiting = _Claims(), list[Object]()
    for mounted in shape.claims:
        claim = volumes.claim(Key(shape.namespace, mounted.name))
        found.why = _missing(shape.namespace, mounted, claim)
        if claim is None or found.why:
            return found
        promised = volumes.promised(Key(shape.namespace, mounted.name))
        if facts.is_bound(claim) or promised:
            found.bound.append(volumes.volume(promised or claim["spec"]["volumeName"]))
        elif facts.is_delayed(volumes.storage_class(facts.class_of(claim))) and not claim["spec"].get("volumeName"):
            waiting.append(claim)
        else:
            found.why = _UNBOUND
            return found
    # The smallest first: what is left for the others is larger.
    found.wants = [volumes.want(claim) for claim in sorted(waiting, key=facts.requested)]
    return found


def _missing(namespace: str, mounted: Claim, claim: Object | None) -> str:
    """Why the pod cannot mount the claim anywhere; '' where it can."""
    if claim is None:
        if mounted.pod:
            return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{mounted.name}"'
        return f'persistentvolumeclaim "{mounted.name}" not found'
    meta = claim["metadata"]
    if (claim.get("status") or {}).get("phase") == "Lost":
        volume = claim["spec"].get("volumeName", "")
        return f'persistentvolumeclaim "{mounted.name}" bound to non-existent persistentvolume "{volume}"'
    if meta.get("deletionTimestamp"):
        return f'persistentvolumeclaim "{mounted.name}" is being deleted'
    owners = meta.get("ownerReferences") or ()
    if mounted.pod and not any(owner["uid"] == mounted.pod and owner.get("controller") for owner in owners):
        return f"PVC {namespace}/{mounted.name} was not created for the pod (pod is not owner)"
    return ""


def _prepare(shape: Shape, snapshot: Snapshot) -> tuple[_Claims, Volumes]:
    return _claims(shape, snapshot.volumes), snapshot.volumes


def _check(shape: Shape, node: NodeInfo, state: tuple[_Claims, Volumes]) -> Misfit | None:
    claims, volumes = state
    if claims.why:
        return Misfit((claims.why,), False, everywhere=True)
    for volume in claims.bound:
        if volume is None:
            return _GONE
        if not facts.reaches(volume, node.labels, node.name):
            return _ELSEWHERE
    return _NOTHING if choose(claims.wants, node.labels, node.name, volumes.taken) is None else None


FILTER = Filter(
    "VolumeBinding",
    Wake.NODE | Wake.VOLUME,
    lambda shape, _: bool(shape.claims),
    _check,
    _prepare,
    local=False,
)
