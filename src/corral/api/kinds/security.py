"""Security contexts of pods and containers."""

import re
from collections.abc import Iterator

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.gostructs import CONTAINER_CONTEXT, SECCOMP_PROFILE, shown
from corral.api.kinds.paths import check_descending
from corral.api.objects import Object
from corral.api.podcontainers import containers_at
from corral.api.sysctls import dotted

_SYSCTL = "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
SYSCTL_MAX_CHARS = 253
PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
PATH_MAX_BYTES = 4095
GMSA_MAX_KIB = 64
WINDOWS_DOMAIN_MAX_BYTES, WINDOWS_USER_MAX_BYTES = 256, 104
_NET_BIOS = r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}'
_WINDOWS_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_WINDOWS_DOMAIN = rf"{_WINDOWS_LABEL}(?:\.{_WINDOWS_LABEL})*"
_NOT_LINUX = "windows options cannot be set for a linux pod"
_NOT_WINDOWS = "cannot be set for a windows pod"
#: In the order of the reference; True: a field of the spec, not of its security context.
_LINUX_POD_FIELDS = [
    ("appArmorProfile", False),
    ("seLinuxOptions", False),
    ("hostUsers", True),
    ("hostPID", True),
    ("hostIPC", True),
    ("seccompProfile", False),
    ("fsGroup", False),
    ("fsGroupChangePolicy", False),
    ("sysctls", False),
    ("shareProcessNamespace", True),
    ("runAsUser", False),
    ("runAsGroup", False),
    ("supplementalGroups", False),
    ("supplementalGroupsPolicy", False),
    ("seLinuxChangePolicy", False),
]
#: Of what is false when it is not set: false is not set.
_PLAIN_BOOLEANS = ("hostPID", "hostIPC")
_LINUX_CONTAINER_FIELDS = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
]


def check_pod_context(errs: Errors, spec: Object, path: Path) -> None:
    """The security context of a pod's spec at `path`."""
    context = spec.get("securityContext") or {}
    if not context and not spec.get("shareProcessNamespace"):
        return
    at = path.child("securityContext")
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        if context.get(field) is not None:
            errs.each(at.child(field), context[field], names.user_or_group_id(context[field]))
    for i, group in enumerate(context.get("supplementalGroups") or ()):
        errs.each(at.child("supplementalGroups").at(i), group, names.user_or_group_id(group))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        errs.invalid(at.child("shareProcessNamespace"), True, why)
    _check_sysctls(errs, spec, context.get("sysctls") or (), at.child("sysctls"))
    _check_choice(errs, context, "fsGroupChangePolicy", ("Always", "OnRootMismatch"), at)
    _check_seccomp(errs, context.get("seccompProfile"), at.child("seccompProfile"))
    _check_windows(errs, context.get("windowsOptions"), at.child("windowsOptions"))
    _check_app_armor(errs, context.get("appArmorProfile"), at.child("appArmorProfile"))
    _check_choice(errs, context, "supplementalGroupsPolicy", ("Merge", "Strict"), at)
    _check_choice(errs, context, "seLinuxChangePolicy", ("MountOption", "Recursive"), at)


def check_container_context(errs: Errors, context: Object, path: Path, host_users: bool = True) -> None:
    """The security context of a container."""
    for field in ("runAsUser", "runAsGroup"):
        value = context.get(field)
        if value is not None:
            errs.each(path.child(field), value, names.user_or_group_id(value))
    mount = context.get("procMount")
    if mount is not None:
        if mount not in ("Default", "Unmasked"):
            errs.unsupported(path.child("procMount"), mount, ("Default", "Unmasked"))
        if host_users and mount == "Unmasked":
            errs.invalid(path.child("procMount"), mount, "`hostUsers` must be false to use `Unmasked`")
    _check_seccomp(errs, context.get("seccompProfile"), path.child("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errs.invalid(path, shown(context, CONTAINER_CONTEXT), why)
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errs.invalid(path, shown(context, CONTAINER_CONTEXT), why)
    _check_windows(errs, context.get("windowsOptions"), path.child("windowsOptions"))
    _check_app_armor(errs, context.get("appArmorProfile"), path.child("appArmorProfile"))


def check_os(errs: Errors, spec: Object, path: Path) -> None:
    """`spec.os`, and that the other operating system's options are not set."""
    system = (spec.get("os") or {}).get("name", "")
    if not system:
        errs.required(path.child("os", "name"), "cannot be empty")
        return
    if system not in ("linux", "windows"):
        errs.unsupported(path.child("os"), system, ("linux", "windows"))
        return
    context, at = spec.get("securityContext") or {}, path.child("securityContext")
    if system == "windows":
        for field, of_spec in _LINUX_POD_FIELDS:
            value = (spec if of_spec else context).get(field)
            if value not in (None, []) and not (field in _PLAIN_BOOLEANS and value is False):
                errs.forbidden(path.child(field) if of_spec else at.child(field), _NOT_WINDOWS)
    elif context.get("windowsOptions") is not None:
        errs.forbidden(at.child("windowsOptions"), _NOT_LINUX)
    for at, context in _container_contexts(spec, path):
        if system == "linux" and context.get("windowsOptions") is not None:
            errs.forbidden(at.child("windowsOptions"), _NOT_LINUX)
        for field in _LINUX_CONTAINER_FIELDS if system == "windows" else ():
            if context.get(field) is not None:
                errs.forbidden(at.child(field), _NOT_WINDOWS)


def check_host_process(errs: Errors, spec: Object, path: Path) -> None:
    """HostProcess containers of Windows: all of a pod or none, and on the host's network."""
    whole = ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    all_contexts = list(_container_contexts(spec, path))
    count = 0
    for at, context in all_contexts:
        own = (context.get("windowsOptions") or {}).get("hostProcess")
        if whole is not None and own is not None and own != whole:
            why = f"pod hostProcess value must be identical if both are specified, was {str(whole).lower()}"
            errs.invalid(at.child("windowsOptions", "hostProcess"), own, why)
        count += bool(whole if own is None else own)
    if not count:
        return
    if count != len(all_contexts):
        why = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        errs.invalid(path, "", why)
    if not spec.get("hostNetwork"):
        errs.invalid(path.child("hostNetwork"), False, "hostNetwork must be true if pod contains any hostProcess containers")


def _container_contexts(spec: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    for at, container in containers_at(spec, path):
        yield at.child("securityContext"), container.get("securityContext") or {}


def _check_choice(errs: Errors, context: Object, field: str, choices: tuple[str, ...], path: Path) -> None:
    value = context.get(field)
    if value is not None and value not in choices:
        errs.unsupported(path.child(field), value, choices)


def _check_sysctls(errs: Errors, spec: Object, sysctls: "list[Object] | tuple[()]", path: Path) -> None:
    seen = set()
    for i, sysctl in enumerate(sysctls):
        at, name = path.at(i).child("name"), sysctl.get("name", "")
        if not name:
            errs.required(at)
        elif len(name) > SYSCTL_MAX_CHARS or not re.fullmatch(_SYSCTL, name):
            why = f"must have at most {SYSCTL_MAX_CHARS} characters and match regex ^{_SYSCTL}$"
            errs.invalid(at, name, why)
        elif name in seen:
            errs.duplicate(at, name)
        plain = dotted(name)
        if spec.get("hostNetwork") and plain.startswith("net."):
            errs.invalid(at, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and plain.startswith(("kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue.")):
            errs.invalid(at, name, "may not be specified when 'hostIPC' is true")
        seen.add(name)


def _check_seccomp(errs: Errors, profile: Object | None, path: Path) -> None:
    if profile is None:
        return
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    if not kind:
        errs.required(path.child("type"), "type is required when seccompProfile is set")
    elif kind not in PROFILE_TYPES:
        errs.unsupported(path.child("type"), kind, PROFILE_TYPES)
    if kind == "Localhost":
        if local is None:
            errs.required(path.child("localhostProfile"), "must be set when seccomp type is Localhost")
        else:
            check_descending(errs, local, path.child("localhostProfile"))
    elif local is not None:
        why = "can only be set when seccomp type is Localhost"
        errs.invalid(path.child("localhostProfile"), shown(profile, SECCOMP_PROFILE), why)


def _check_app_armor(errs: Errors, profile: Object | None, path: Path) -> None:
    if profile is None:
        return
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    at = path.child("localhostProfile")
    if kind == "Localhost":
        if local is None:
            errs.required(at, "must be set when AppArmor type is Localhost")
        elif local != local.strip():
            errs.invalid(at, local, "must not be padded with whitespace")
        elif not local:
            errs.required(at, "must be set when AppArmor type is Localhost")
        if local is not None and len(local) > PATH_MAX_BYTES:
            errs.too_long(at, PATH_MAX_BYTES)
    elif kind in PROFILE_TYPES:
        if local is not None:
            errs.invalid(at, local, "can only be set when AppArmor type is Localhost")
    elif not kind:
        errs.required(path.child("type"), "type is required when appArmorProfile is set")
    else:
        errs.unsupported(path.child("type"), kind, PROFILE_TYPES)


def _check_windows(errs: Errors, options: Object | None, path: Path) -> None:
    if not options:
        return
    name = options.get("gmsaCredentialSpecName")
    if name is not None:
        errs.each(path.child("gmsaCredentialSpecName"), name, names.dns_subdomain(name))
    spec = options.get("gmsaCredentialSpec")
    if spec is not None and not spec:
        errs.invalid(path.child("gmsaCredentialSpec"), spec, "gmsaCredentialSpec cannot be an empty string")
    if spec and len(spec.encode()) > GMSA_MAX_KIB * 1024:
        why = f"gmsaCredentialSpec size must be under {GMSA_MAX_KIB} KiB"
        errs.invalid(path.child("gmsaCredentialSpec"), spec, why)
    name = options.get("runAsUserName")
    if name is not None:
        errs.each(path.child("runAsUserName"), name, [f"runAsUserName{why}" for why in _windows_user(name)])


def _windows_user(name: str) -> Iterator[str]:
    """What is wrong with `DOMAIN\\user`, or `user` alone."""
    if not name:
        yield " cannot be an empty string"
        return
    if re.search(r"[\x00-\x1f\x7f]", name):
        yield " cannot contain control characters"
        return
    domain, backslash, user = name.rpartition("\\")
    if "\\" in domain:
        yield " cannot contain more than one backslash"
        return
    if len(domain.encode()) >= WINDOWS_DOMAIN_MAX_BYTES:
        yield f"'s Domain length must be under {WINDOWS_DOMAIN_MAX_BYTES} characters"
    if backslash and not re.fullmatch(_NET_BIOS, domain) and not re.fullmatch(_WINDOWS_DOMAIN, domain):
        yield "'s Domain doesn't match the NetBios nor the DNS format"
    if not user:
        yield "'s User cannot be empty"
    elif len(user.encode()) > WINDOWS_USER_MAX_BYTES:
        yield f"'s User length must not be longer than {WINDOWS_USER_MAX_BYTES} characters"
    if re.fullmatch("[. ]+", user):
        yield "'s User cannot contain only periods or spaces"
    if re.search(r'["/\\:;|=,+*?<>@\[\]]', user):
        yield "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"
