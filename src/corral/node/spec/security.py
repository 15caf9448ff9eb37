"""Whom a container runs as and what it may do: the CRI's LinuxContainerSecurityContext. Pure.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from typing import Any

from corral.api.objects import Object
from corral.node.cri.types import Image
from corral.node.facts import ConfigError

NAMESPACE_POD = "POD"
NAMESPACE_CONTAINER = "CONTAINER"
NAMESPACE_NODE = "NODE"
NAMESPACE_TARGET = "TARGET"
_PROFILES = {"RuntimeDefault": "RuntimeDefault", "Unconfined": "Unconfined", "Localhost": "Localhost"}

MASKED_PATHS = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
]
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def namespaces(pod: Object, target_id: str = "") -> dict[str, Any]:
    """Which namespaces are the host's, the pod's or the container's own; with `target_id`, that container's processes."""
    spec = pod["spec"]
    if target_id:
        pid = NAMESPACE_TARGET
    elif spec.get("hostPID"):
        pid = NAMESPACE_NODE
    else:
        pid = NAMESPACE_POD if spec.get("shareProcessNamespace") else NAMESPACE_CONTAINER
    made: dict[str, Any] = {
        "network": NAMESPACE_NODE if spec.get("hostNetwork") else NAMESPACE_POD,
        "ipc": NAMESPACE_NODE if spec.get("hostIPC") else NAMESPACE_POD,
        "pid": pid,
    }
    return made | ({"target_id": target_id} if target_id else {})


def security_profile(profile: Object | None, *, default: str = "Unconfined") -> dict[str, Any]:
    """A SecurityProfile of a seccompProfile or appArmorProfile."""
    if not profile:
        return {"profile_type": default}
    made = {"profile_type": _PROFILES.get(profile.get("type", ""), default)}
    return made | ({"localhost_ref": profile["localhostProfile"]} if profile.get("localhostProfile") else {})


def security_context(pod: Object, container: Object, image: Image | None, target_id: str = "") -> dict[str, Any]:
    """The LinuxContainerSecurityContext. Raises ConfigError where the container must not be root and would be."""
    whole = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    made: dict[str, Any] = {
        "namespace_options": namespaces(pod, target_id),
        "privileged": bool(own.get("privileged")),
        "readonly_rootfs": bool(own.get("readOnlyRootFilesystem")),
        "no_new_privs": own.get("allowPrivilegeEscalation") is False,
    }
    _user(own, whole, image, made)
    if capabilities := own.get("capabilities"):
        made["capabilities"] = {
            "add_capabilities": list(capabilities.get("add") or ()),
            "drop_capabilities": list(capabilities.get("drop") or ()),
        }
    groups = [*([whole["fsGroup"]] if whole.get("fsGroup") is not None else []), *(whole.get("supplementalGroups") or ())]
    if groups:
        made["supplemental_groups"] = groups
    if whole.get("supplementalGroupsPolicy"):
        made["supplemental_groups_policy"] = whole["supplementalGroupsPolicy"]
    if not own.get("privileged"):
        if own.get("procMount") != "Unmasked":
            made |= {"masked_paths": MASKED_PATHS, "readonly_paths": READONLY_PATHS}
        made["seccomp"] = security_profile(own.get("seccompProfile") or whole.get("seccompProfile"))
        apparmor = own.get("appArmorProfile") or whole.get("appArmorProfile")
        if apparmor:
            made["apparmor"] = security_profile(apparmor)
    else:
        made["seccomp"] = {"profile_type": "Unconfined"}
    if selinux := own.get("seLinuxOptions") or whole.get("seLinuxOptions"):
        made["selinux_options"] = {k: selinux[k] for k in ("user", "role", "type", "level") if k in selinux}
    return made


def _user(own: Object, whole: Object, image: Image | None, made: dict[str, Any]) -> None:
    user = _first(own, whole, "runAsUser")
    group = _first(own, whole, "runAsGroup")
    uid = image.uid if image is not None else None
    name = image.username if image is not None else ""
    if _first(own, whole, "runAsNonRoot"):
        if user == 0:
            raise ConfigError("container's runAsUser breaks non-root policy")
        if user is None and name:
            why = f"image has non-numeric user ({name}), cannot verify user is non-root"
            raise ConfigError(f"container has runAsNonRoot and {why}")
        if user is None and not uid:
            raise ConfigError("container has runAsNonRoot and image will run as root")
    if user is not None:
        made["run_as_user"] = {"value": user}
    elif name:
        made["run_as_username"] = name
    elif uid is not None:
        made["run_as_user"] = {"value": uid}
    if group is not None:
        made["run_as_group"] = {"value": group}
        if not made.keys() & {"run_as_user", "run_as_username"}:
            made["run_as_user"] = {"value": 0}


def _first(own: Object, whole: Object, field: str) -> Any:
    return own[field] if own.get(field) is not None else whole.get(field)
