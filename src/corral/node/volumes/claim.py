"""persistentVolumeClaim and ephemeral: the PersistentVolume of a claim, where it is one of this host (hostPath, local).

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

import asyncio
import stat
from pathlib import Path

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.persistentvolumes import is_bound
from corral.api.podreferences import claim_of
from corral.client.client import Client
from corral.node.volumes import hostpath, ownership
from corral.node.volumes.content import VolumeError

#: What of a volume's spec is not its source.
_COMMON = (
    "capacity",
    "accessModes",
    "claimRef",
    "storageClassName",
    "volumeMode",
    "persistentVolumeReclaimPolicy",
    "nodeAffinity",
)


async def prepare(client: Client, pod: Object, volume: Object) -> Path:
    """The host's path of a pod's volume. Raises VolumeError, ApiError, OSError."""
    found = await _volume_of(client, await _claim_of(client, pod, volume))
    name, spec = found["metadata"]["name"], found["spec"]
    if spec.get("volumeMode") == "Block":
        raise VolumeError(f'PersistentVolume "{name}" is a block device, which this node cannot give to a container')
    if spec.get("hostPath"):
        return hostpath.prepare(spec["hostPath"])
    if spec.get("local"):
        return await _local(pod, Path(spec["local"]["path"]))
    kinds = [kind for kind in spec if kind not in _COMMON]
    raise VolumeError(f'PersistentVolume "{name}" is of a kind that this node cannot mount ({", ".join(kinds)})')


async def _claim_of(client: Client, pod: Object, volume: Object) -> Object:
    """The claim of a volume, which is bound."""
    meta = pod["metadata"]
    its_own = "ephemeral" in volume
    name = claim_of(pod, volume)
    try:
        claim = await client.get("persistentvolumeclaims", name, meta["namespace"])
    except ApiError as error:
        if error.code != 404:
            raise
        raise VolumeError(f'PersistentVolumeClaim "{name}" not found') from None
    owners = claim["metadata"].get("ownerReferences") or ()
    if its_own and not any(owner["uid"] == meta["uid"] for owner in owners):
        who = f"{meta['namespace']}/{meta['name']}"
        raise VolumeError(f"PVC {meta['namespace']}/{name} was not created for pod {who} (pod is not owner)")
    if not is_bound(claim) or (claim.get("status") or {}).get("phase") != "Bound":
        raise VolumeError(f'PersistentVolumeClaim "{name}" is not bound')
    return claim


async def _volume_of(client: Client, claim: Object) -> Object:
    """The volume of a claim; both must name each other."""
    name = claim["spec"]["volumeName"]
    volume = await client.get("persistentvolumes", name)
    if (volume["spec"].get("claimRef") or {}).get("uid") != claim["metadata"]["uid"]:
        raise VolumeError(f'PersistentVolume "{name}" is bound to another claim')
    return volume


async def _local(pod: Object, path: Path) -> Path:
    """A folder that must be there; what the pod's group may do with it is said here."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise VolumeError(f'path "{path}" does not exist') from None
    if not stat.S_ISDIR(mode):
        raise VolumeError(f'path "{path}" is not a directory')
    await asyncio.to_thread(ownership.apply, pod, path)
    return path
