"""Where a volume's bytes are: the sources that pods and PersistentVolumes share."""

import re
from collections.abc import Callable

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.paths import check_no_backsteps
from corral.api.objects import Object

Check = Callable[[Errors, Object, Path], None]

HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
DRIVER_MAX_BYTES = 63
_ISCSI_NAMES = {
    "iqn": r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$",
    "eui": r"^eui.[A-Za-z0-9]{16}$",
    "naa": r"^naa.[A-Za-z0-9]{32}$",
}
_ISCSI_TOO_LONG = (
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."
)
_ONE_ONLY = "may not specify more than 1 volume type"
#: Fields whose fault is told under another name than the field's.
_CHECKED_AS = {"gcePersistentDisk": "persistentDisk"}
_FORBIDDEN_AS = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}


def required(*fields: str) -> Check:
    """A check that all of these fields are given."""

    def check(errs: Errors, source: Object, path: Path) -> None:
        for field in fields:
            if not source.get(field):
                errs.required(path.child(field))

    return check


def check_host_path(errs: Errors, source: Object, path: Path) -> None:
    """A directory or file of the node."""
    value = source.get("path", "")
    if not value:
        errs.required(path.child("path"))
        return
    check_no_backsteps(errs, value, path.child("path"))
    kind = source.get("type")
    if kind is not None and kind not in HOST_PATH_TYPES:
        errs.unsupported(path.child("type"), kind, HOST_PATH_TYPES)


def check_nfs(errs: Errors, source: Object, path: Path) -> None:
    """A directory of an NFS server."""
    required("server", "path")(errs, source, path)
    if not source.get("path", "").startswith("/"):
        errs.invalid(path.child("path"), source.get("path", ""), "must be an absolute path")


def check_iscsi(errs: Errors, source: Object, path: Path) -> None:
    """An iSCSI disk."""
    required("targetPortal", "iqn")(errs, source, path)
    _check_iscsi_name(errs, source.get("iqn", ""), path.child("iqn"))
    lun = source.get("lun", 0)
    if not 0 <= lun <= 255:
        errs.invalid(path.child("lun"), lun, names.between(0, 255))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get("secretRef") is None:
        errs.required(path.child("secretRef"))
    initiator = source.get("initiatorName")
    if initiator is not None:
        _check_iscsi_name(errs, initiator, path.child("initiatorname"))


def check_iscsi_length(errs: Errors, volume: str, source: Object, path: Path, value: str) -> None:
    """The volume's name and the portal together fit where an initiator name is given."""
    if source.get("initiatorName") is not None and len(f"{volume}:{source.get('targetPortal', '')}") > 64:
        errs.invalid(path, value, _ISCSI_TOO_LONG)


def check_fc(errs: Errors, source: Object, path: Path) -> None:
    """A Fibre Channel disk."""
    targets, wwids = source.get("targetWWNs") or [], source.get("wwids") or []
    if not targets and not wwids:
        errs.required(path.child("targetWWNs"), "must specify either targetWWNs or wwids, but not both")
    if targets and wwids:
        errs.invalid(path.child("targetWWNs"), targets, "targetWWNs and wwids can not be specified simultaneously")
    if targets:
        lun = source.get("lun")
        if lun is None:
            errs.required(path.child("lun"), "lun is required if targetWWNs is specified")
        elif not 0 <= lun <= 255:
            errs.invalid(path.child("lun"), lun, names.between(0, 255))


def check_flocker(errs: Errors, source: Object, path: Path) -> None:
    """A Flocker dataset."""
    name, uuid = source.get("datasetName", ""), source.get("datasetUUID", "")
    if not name and not uuid:
        errs.required(path, "one of datasetName and datasetUUID is required")
    if name and uuid:
        errs.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in name:
        errs.invalid(path.child("datasetName"), name, "must not contain '/'")


def check_quobyte(errs: Errors, source: Object, path: Path) -> None:
    """A Quobyte volume."""
    pairs = "must be a host:port pair or multiple pairs separated by commas"
    registry = source.get("registry", "")
    if not registry:
        errs.required(path.child("registry"), pairs)
    elif len(source.get("tenant", "")) >= 65:
        errs.required(path.child("tenant"), "must be a UUID and may not exceed a length of 64 characters")
    else:
        for pair in registry.split(","):
            if not re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*):[^:]*", pair):
                errs.invalid(path.child("registry"), registry, pairs)
    required("volume")(errs, source, path)


def check_flex(errs: Errors, source: Object, path: Path) -> None:
    """A FlexVolume."""
    required("driver")(errs, source, path)
    for option in sorted(source.get("options") or ()):
        namespace = "." + option.split("/", 1)[0].lower()
        if namespace.endswith((".kubernetes.io", ".k8s.io")):
            errs.invalid(path.child("options").key(option), option, "kubernetes.io and k8s.io namespaces are reserved")


def check_disk(*fields: str) -> Check:
    """A disk of a cloud, with a partition."""

    def check(errs: Errors, source: Object, path: Path) -> None:
        required(*fields)(errs, source, path)
        partition = source.get("partition", 0)
        if not 0 <= partition <= 255:
            errs.invalid(path.child("partition"), partition, names.between(1, 255))

    return check


def check_azure_disk(errs: Errors, source: Object, path: Path) -> None:
    """An Azure disk."""
    required("diskName", "diskURI")(errs, source, path)
    for field, choices in (("cachingMode", ("None", "ReadOnly", "ReadWrite")), ("kind", ("Dedicated", "Managed", "Shared"))):
        value = source.get(field)
        if value is not None and value not in choices:
            errs.unsupported(path.child(field), value, choices)
    uri, kind = source.get("diskURI", ""), source.get("kind")
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        managed = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        errs.unsupported(path.child("diskURI"), uri, (managed,))
    if kind not in (None, "Managed") and not uri.startswith("https://"):
        blob = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        errs.unsupported(path.child("diskURI"), uri, (blob,))


def check_storage_os(errs: Errors, source: Object, path: Path) -> None:
    """A StorageOS volume."""
    required("volumeName")(errs, source, path)
    for field in ("volumeName", "volumeNamespace"):
        if source.get(field):
            errs.each(path.child(field), source[field], names.dns_label(source[field]))
    check_secret_name(errs, source, path)


def check_secret_name(errs: Errors, source: Object, path: Path) -> None:
    """A `secretRef`, if given, has a name."""
    reference = source.get("secretRef")
    if reference is not None and not reference.get("name"):
        errs.required(path.child("secretRef", "name"))


def check_secret_reference(errs: Errors, source: Object, path: Path) -> None:
    """A `secretRef`, if given, has a name and a namespace."""
    reference = source.get("secretRef")
    if reference is not None:
        required("name", "namespace")(errs, reference, path.child("secretRef"))


def check_driver_name(errs: Errors, driver: str, path: Path) -> None:
    """The name of a CSI driver."""
    if not driver:
        errs.required(path)
        return
    if len(driver) > DRIVER_MAX_BYTES:
        errs.too_long(path, DRIVER_MAX_BYTES)
    errs.each(path, driver, names.dns_subdomain(driver.lower()))


def check_one_source(errs: Errors, source: Object, checks: dict[str, Check], path: Path) -> None:
    """Exactly one of the sources that `checks` knows, and that one sound."""
    count = 0
    for field, check in checks.items():
        if source.get(field) is None:
            continue
        if count:
            errs.forbidden(path.child(_FORBIDDEN_AS.get(field, field)), _ONE_ONLY)
            continue
        count += 1
        check(errs, source[field], path.child(_CHECKED_AS.get(field, field)))
    if not count:
        errs.required(path, "must specify a volume type")


def _check_iscsi_name(errs: Errors, name: str, path: Path) -> None:
    if not name:
        return
    kind = name[:3]
    if kind not in _ISCSI_NAMES:
        errs.invalid(path, name, "must be valid format starting with iqn, eui, or naa")
    elif not re.search(_ISCSI_NAMES[kind], name):
        errs.invalid(path, name, "must be valid format")
