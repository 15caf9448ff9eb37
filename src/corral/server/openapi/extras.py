"""What the schemas say beside the facts of types: defaults that only describe (the rules of kinds fill them in), unions.

Definitions are named as in `data/types.txt`; betas have what their stable types have.
"""

from collections.abc import Mapping

from corral.api.objects import Object

_NAMED = ("ConfigMapEnvSource", "ConfigMapKeySelector", "ConfigMapProjection", "ConfigMapVolumeSource", "LocalObjectReference")
_SECRETS = ("SecretEnvSource", "SecretKeySelector", "SecretProjection")
_DISK: Mapping[str, object] = {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False}
_ISCSI: Mapping[str, object] = {"iscsiInterface": "default"}
_RBD: Mapping[str, object] = {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"}
_SCALE_IO: Mapping[str, object] = {"fsType": "xfs", "storageMode": "ThinProvisioned"}

#: definition → field → its default.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "autoscaling.v1.ScaleSpec": {"replicas": 0},
    "core.v1.AzureDiskVolumeSource": _DISK,
    "core.v1.FileKeySelector": {"optional": False},
    "core.v1.GRPCAction": {"service": ""},
    "core.v1.ISCSIPersistentVolumeSource": _ISCSI,
    "core.v1.ISCSIVolumeSource": _ISCSI,
    "core.v1.RBDPersistentVolumeSource": _RBD,
    "core.v1.RBDVolumeSource": _RBD,
    "core.v1.ReplicationControllerSpec": {"minReadySeconds": 0, "replicas": 1},
    "core.v1.ScaleIOPersistentVolumeSource": _SCALE_IO,
    "core.v1.ScaleIOVolumeSource": _SCALE_IO,
    **{f"core.v1.{name}": {"name": ""} for name in (*_NAMED, *_SECRETS)},
}

#: definition → (the field that says which, "" where none does; the fields of which one is given).
_UNIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "core.v1.AppArmorProfile": ("type", ("localhostProfile",)),
    "core.v1.PodSchedulingGroup": ("", ("podGroupName",)),
    "core.v1.SeccompProfile": ("type", ("localhostProfile",)),
    "flowcontrol.v1.LimitResponse": ("type", ("queuing",)),
    "flowcontrol.v1.PriorityLevelConfigurationSpec": ("type", ("exempt", "limited")),
    "flowcontrol.v1.Subject": ("kind", ("group", "serviceAccount", "user")),
}

#: Fields whose parts are owned one by one though their type is owned as a whole, or that say so of themselves.
GRANULAR = frozenset(
    {("core.v1.PersistentVolumeClaimStatus", "allocatedResourceStatuses"), ("core.v1.PersistentVolumeSpec", "claimRef")}
)


def unions(name: str) -> list[Object]:
    """`x-kubernetes-unions` of a definition."""
    found = _UNIONS.get(name)
    if found is None:
        return []
    discriminator, fields = found
    union: Object = {"discriminator": discriminator} if discriminator else {}
    return [{**union, "fields-to-discriminateBy": {field: field[0].upper() + field[1:] for field in fields}}]
