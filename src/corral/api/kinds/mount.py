"""Volume mounts and block devices of a container."""

from collections.abc import Mapping

from corral.api.fields import Errors, Path
from corral.api.kinds.paths import check_descending
from corral.api.objects import Object

PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def check_mounts(errs: Errors, container: Object, volumes: Mapping[str, Object], path: Path) -> None:
    """The `volumeMounts` of a container."""
    devices = {d.get("name", ""): d.get("devicePath", "") for d in container.get("volumeDevices") or ()}
    seen: set[str] = set()
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        at, name, mount_path = path.at(i), mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errs.required(at.child("name"))
        if name not in volumes:
            errs.not_found(at.child("name"), name)
        if not mount_path:
            errs.required(at.child("mountPath"))
        if mount_path in seen:
            errs.invalid(at.child("mountPath"), mount_path, "must be unique")
        seen.add(mount_path)
        if name in devices:
            errs.invalid(at.child("name"), name, "must not already exist in volumeDevices")
        if mount_path in devices.values():
            errs.invalid(at.child("mountPath"), mount_path, "must not already exist as a path in volumeDevices")
        _check_sub_paths(errs, mount, path, at)
        _check_propagation(errs, mount, container, path)
        _check_recursive(errs, mount, path.child("recursiveReadOnly"))


def check_devices(errs: Errors, devices: list[Object], mounts: list[Object], volumes: Mapping[str, Object], path: Path) -> None:
    """The `volumeDevices` of a container."""
    mounted = {m.get("name", ""): m.get("mountPath", "") for m in mounts}
    seen_names: set[str] = set()
    seen_paths: set[str] = set()
    for i, device in enumerate(devices):
        at, name, device_path = path.at(i), device.get("name", ""), device.get("devicePath", "")
        volume = volumes.get(name)
        if not name:
            errs.required(at.child("name"))
        if name in seen_names:
            errs.invalid(at.child("name"), name, "must be unique")
        if volume is not None and not volume.keys() & {"persistentVolumeClaim", "ephemeral"}:
            why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errs.invalid(at.child("name"), name, why)
        if volume is None:
            errs.not_found(at.child("name"), name)
        if not device_path:
            errs.required(at.child("devicePath"))
        if device_path in seen_paths:
            errs.invalid(at.child("devicePath"), device_path, "must be unique")
        if ".." in device_path.split("/"):
            errs.invalid(at.child("devicePath"), device_path, "can not contain backsteps ('..')")
        else:
            seen_paths.add(device_path)
        if name in mounted:
            errs.invalid(at.child("name"), name, "must not already exist in volumeMounts")
        if device_path in mounted.values():
            errs.invalid(at.child("devicePath"), device_path, "must not already exist as a path in volumeMounts")
        if name:
            seen_names.add(name)


def _check_sub_paths(errs: Errors, mount: Object, path: Path, at: Path) -> None:
    sub_path, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    if sub_path:
        check_descending(errs, sub_path, path.child("subPath"))
    if expression:
        if sub_path:
            errs.invalid(at.child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive")
        check_descending(errs, expression, path.child("subPathExpr"))


def _check_propagation(errs: Errors, mount: Object, container: Object, path: Path) -> None:
    propagation = mount.get("mountPropagation")
    if propagation is None:
        return
    at = path.child("mountPropagation")
    if propagation not in PROPAGATIONS:
        errs.unsupported(at, propagation, PROPAGATIONS)
    if propagation == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        errs.forbidden(at, "Bidirectional mount propagation is available only to privileged containers")


def _check_recursive(errs: Errors, mount: Object, path: Path) -> None:
    mode = mount.get("recursiveReadOnly")
    if mode in (None, "Disabled"):
        return
    if mode not in RECURSIVE:
        errs.unsupported(path, mode, RECURSIVE)
        return
    if not mount.get("readOnly"):
        errs.forbidden(path, "may only be specified when readOnly is true")
    if mount.get("mountPropagation") not in (None, "None"):
        errs.forbidden(path, "may only be specified when mountPropagation is None or not specified")
