"""A write of a pod's resize subresource: CPU and memory, within the pod's quality of service (KEP-1287, KEP-5419)."""

from collections.abc import Iterator

from corral.api.fields import Errors, Path
from corral.api.kinds.podupdate import MIRROR, plain
from corral.api.kinds.qos import qos_class
from corral.api.objects import Object

_RESIZABLE = ("cpu", "memory")
_SPEC = Path("spec")


def check_resize(errs: Errors, new: Object, old: Object) -> None:
    """What of the new pod the resize may not have changed."""
    if MIRROR in (old["metadata"].get("annotations") or {}):
        errs.forbidden("", "static pods cannot be resized")
        return
    if (old["spec"].get("os") or {}).get("name") == "windows":
        errs.forbidden("", "windows pods cannot be resized")
        return
    status = old.get("status") or {}
    if status.get("qosClass", qos_class(old)) != qos_class(new):
        shown = (new.get("status") or {}).get("qosClass", "")
        errs.invalid(_SPEC, shown, "Pod QOS Class may not change as a result of resizing")
    if not _is_supported(status):
        errs.forbidden(_SPEC, "Pod running on node without support for resize")
    _check_whole(errs, new["spec"].get("resources"), old["spec"].get("resources"))
    if status.get("nodeAllocatableResourceClaimStatuses"):
        errs.forbidden(_SPEC, "pods with node allocatable resource claims cannot be resized")
    for kind in ("initContainers", "containers"):
        for at, after, before in _pairs(new, old, kind):
            _check_kept(errs, after.get("resources") or {}, before.get("resources") or {}, at.child("resources"), "resource")
    for _, after, before in _pairs(new, old, "containers"):
        if _fixed(after) != _fixed(before):
            errs.forbidden(_SPEC, "only cpu and memory resources are mutable")
    for at, after, before in _pairs(new, old, "initContainers"):
        if _fixed(after) != _fixed(before):
            errs.forbidden(at, "only cpu and memory resources for init or sidecar containers are mutable")
        restarts = any(policy.get("restartPolicy") == "RestartContainer" for policy in after.get("resizePolicy") or ())
        if after.get("restartPolicy") != "Always" and restarts and plain(after) != plain(before):
            errs.forbidden(at, "non-sidecar init containers with a resize policy of RestartContainer cannot be resized")


def _is_supported(status: Object) -> bool:
    """Whether the pod's node says what a running container has: others do not know of resizing."""
    running = [s for s in status.get("containerStatuses") or () if (s.get("state") or {}).get("running") is not None]
    return not running or running[0].get("resources") is not None


def _check_whole(errs: Errors, after: Object | None, before: Object | None) -> None:
    """The resources of the pod as a whole."""
    at = _SPEC.child("resources")
    if before and not after:
        errs.forbidden(at, "pod-level resources cannot be removed")
        return
    _check_kept(errs, after or {}, before or {}, at, "pod-level resource")
    if _fixed({"resources": after}) != _fixed({"resources": before}):
        errs.forbidden(_SPEC, "only cpu and memory resources are mutable at pod-level")


def _check_kept(errs: Errors, after: Object, before: Object, path: Path, what: str) -> None:
    for part in ("requests", "limits"):
        if (before.get(part) or {}).keys() - (after.get(part) or {}).keys():
            errs.forbidden(path.child(part), f"{what} {part} cannot be removed")


def _pairs(new: Object, old: Object, kind: str) -> Iterator[tuple[Path, Object, Object]]:
    containers = zip(new["spec"].get(kind) or (), old["spec"].get(kind) or (), strict=False)
    for i, (after, before) in enumerate(containers):
        yield _SPEC.child(kind).at(i), after, before


def _fixed(container: Object) -> object:
    """What of a container a resize leaves as it is."""
    resources = dict(container.get("resources") or {})
    for part in ("requests", "limits"):
        resources[part] = {k: v for k, v in (resources.get(part) or {}).items() if k not in _RESIZABLE}
    resources = {name: value for name, value in resources.items() if value}
    return plain({**{k: v for k, v in container.items() if k != "resizePolicy"}, "resources": resources})
