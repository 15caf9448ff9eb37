"""persistentVolumeClaim: the folder of the bound PersistentVolume, where it is one of this host (hostPath, local).

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from pathlib import Path

from corral.api.objects import Object
from corral.client.client import Client
from corral.node.volumes import hostpath
from corral.node.volumes.content import VolumeError


async def resolve(client: Client, namespace: str, source: Object) -> Path:
    """The host's path of a claim. Raises VolumeError, ApiError."""
    name = source["claimName"]
    claim = await client.get("persistentvolumeclaims", name, namespace)
    volume_name = claim.get("spec", {}).get("volumeName")
    if not volume_name or claim.get("status", {}).get("phase") != "Bound":
        raise VolumeError(f'PersistentVolumeClaim "{name}" is not bound')
    spec = (await client.get("persistentvolumes", volume_name))["spec"]
    if spec.get("hostPath"):
        return hostpath.prepare(spec["hostPath"])
    if spec.get("local"):
        return hostpath.prepare({"path": spec["local"]["path"], "type": "Directory"})
    kinds = [k for k in spec if k not in ("capacity", "accessModes", "claimRef", "storageClassName", "volumeMode")]
    raise VolumeError(f'PersistentVolume "{volume_name}" is of a kind that this node cannot mount ({", ".join(kinds)})')
