"""Volumes of a pod: their defaults."""

from corral.api.kinds.imagename import default_pull_policy
from corral.api.objects import Object

FILE_MODE = 0o644


def default_volume(volume: Object) -> None:
    """Fill in what a volume leaves open. A volume without a source is an emptyDir."""
    if not any(v is not None for k, v in volume.items() if k != "name"):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        source = volume.get(name)
        if source is not None:
            source.setdefault("defaultMode", FILE_MODE)
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_downward_item(item)
    for projection in (volume.get("projected") or {}).get("sources") or ():
        _default_projection(projection)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    if "iscsi" in volume and not volume["iscsi"].get("iscsiInterface"):
        volume["iscsi"]["iscsiInterface"] = "default"
    if "rbd" in volume:
        default_rbd(volume["rbd"])
    if "azureDisk" in volume:
        default_azure_disk(volume["azureDisk"])
    if "scaleIO" in volume:
        default_scale_io(volume["scaleIO"])
    if "ephemeral" in volume:
        _default_ephemeral(volume["ephemeral"])
    image = volume.get("image")
    if image is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = default_pull_policy(image.get("reference", ""))


def default_rbd(source: Object) -> None:
    """Fill in what an rbd source leaves open."""
    for name, value in (("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")):
        if not source.get(name):
            source[name] = value


def default_azure_disk(source: Object) -> None:
    """Fill in what an azureDisk source leaves open."""
    for name, value in (("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4"), ("readOnly", False)):
        source.setdefault(name, value)


def default_scale_io(source: Object) -> None:
    """Fill in what a scaleIO source leaves open."""
    for name, value in (("storageMode", "ThinProvisioned"), ("fsType", "xfs")):
        if not source.get(name):
            source[name] = value


def default_claim_spec(spec: Object) -> None:
    """Fill in what the spec of a PersistentVolumeClaim leaves open."""
    spec.setdefault("resources", {})
    if spec.get("volumeMode") is None:
        spec["volumeMode"] = "Filesystem"


def _default_ephemeral(source: Object) -> None:
    template = source.get("volumeClaimTemplate")
    if template is not None:
        template.setdefault("metadata", {})
        default_claim_spec(template.setdefault("spec", {}))


def _default_downward_item(item: Object) -> None:
    field = item.get("fieldRef")
    if field is not None and not field.get("apiVersion"):
        field["apiVersion"] = "v1"
    if "resourceFieldRef" in item:
        item["resourceFieldRef"].setdefault("divisor", "0")


def _default_projection(projection: Object) -> None:
    for item in (projection.get("downwardAPI") or {}).get("items") or ():
        _default_downward_item(item)
    if "serviceAccountToken" in projection:
        projection["serviceAccountToken"].setdefault("expirationSeconds", 3600)
