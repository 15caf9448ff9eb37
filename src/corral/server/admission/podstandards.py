"""The Pod Security Standards: what a pod may ask for at the levels `baseline` and `restricted`. Pure functions.

Each check returns what is wrong, as (reason, detail), or None. See https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from corral.api.objects import Object
from corral.api.podcontainers import containers
from corral.api.sysctls import SAFE_SYSCTLS

LATEST_MINOR = 36
LEVELS = ("privileged", "baseline", "restricted")

APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
DEFAULT_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SELINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"))
SAFE_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)
PROFILES = ("RuntimeDefault", "Localhost")


class Fault(NamedTuple):
    """What a pod must not, in few words and in detail."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class Check(NamedTuple):
    """One rule: since which minor version of the standards, and which rule of the level below it replaces."""

    id: str
    level: str
    since: int
    run: Callable[[Object, Object], Fault | None]
    replaces: str = ""


def evaluate(level: str, minor: int, meta: Object, spec: Object) -> list[Fault]:
    """What is wrong with a pod at a level of the standards' version 1.`minor`; baseline faults first."""
    if level == "privileged":
        return []
    minor = min(minor, LATEST_MINOR)
    checks = [c for c in CHECKS if c.since <= minor and (level == "restricted" or c.level == "baseline")]
    replaced = {c.replaces for c in checks}
    faults = (c.run(meta, spec) for c in checks if c.id not in replaced)
    return [fault for fault in faults if fault is not None]


def _context(holder: Object) -> Object:
    return holder.get("securityContext") or {}


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _some(names: list[str], noun: str = "container") -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {_quoted(names)}"


def _setters(pod: bool, names: list[str]) -> str:
    return " and ".join([*(["pod"] if pod else []), *([_some(names)] if names else [])])


def _named(spec: Object, test: Callable[[Object], bool]) -> list[str]:
    return [c.get("name", "") for c in containers(spec) if test(c)]


def _is_windows(spec: Object) -> bool:
    return bool((spec.get("os") or {}).get("name") == "windows")


def _app_armor(meta: Object, spec: Object) -> Fault | None:
    values = set()

    def bad(holder: Object) -> bool:
        profile = _context(holder).get("appArmorProfile")
        if not profile or profile.get("type") in PROFILES:
            return False
        values.add(profile.get("type", ""))
        return True

    setters = [s for s in [_setters(bad(spec), _named(spec, bad))] if s]
    annotations = [
        f'{key}="{value}"'
        for key, value in sorted((meta.get("annotations") or {}).items())
        if key.startswith(APPARMOR_ANNOTATION) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    ]
    if annotations:
        setters.append("annotation" if len(annotations) == 1 else "annotations")
    if not setters:
        return None
    listed = [*sorted(values), *annotations]
    reason = "forbidden AppArmor profile" + ("s" if len(listed) > 1 else "")
    return Fault(reason, f"{' and '.join(setters)} must not set AppArmor profile type to {_quoted(listed)}")


def _added(spec: Object, allowed: frozenset[str]) -> str:
    """Which containers add which capabilities too many."""
    extra: set[str] = set()
    names = []
    for container in containers(spec):
        added = [c for c in (_context(container).get("capabilities") or {}).get("add") or () if c not in allowed]
        if added:
            extra.update(added)
            names.append(container.get("name", ""))
    return f"{_some(names)} must not include {_quoted(sorted(extra))} in securityContext.capabilities.add" if names else ""


def _capabilities_baseline(meta: Object, spec: Object) -> Fault | None:
    added = _added(spec, DEFAULT_CAPABILITIES)
    return Fault("non-default capabilities", added) if added else None


def _capabilities_restricted(meta: Object, spec: Object) -> Fault | None:
    if _is_windows(spec):
        return None
    keeping = _named(spec, lambda c: "ALL" not in ((_context(c).get("capabilities") or {}).get("drop") or ()))
    details = [f'{_some(keeping)} must set securityContext.capabilities.drop=["ALL"]'] if keeping else []
    added = _added(spec, frozenset(("NET_BIND_SERVICE",)))
    if added:
        details.append(added)
    return Fault("unrestricted capabilities", "; ".join(details)) if details else None


def _host_namespaces(meta: Object, spec: Object) -> Fault | None:
    found = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return Fault("host namespaces", ", ".join(found)) if found else None


def _host_path_volumes(meta: Object, spec: Object) -> Fault | None:
    names = [v["name"] for v in spec.get("volumes") or () if v.get("hostPath") is not None]
    return Fault("hostPath volumes", _some(names, "volume")) if names else None


def _host_ports(meta: Object, spec: Object) -> Fault | None:
    names = []
    ports: set[str] = set()
    for container in containers(spec):
        used = [str(p["hostPort"]) for p in container.get("ports") or () if p.get("hostPort")]
        if used:
            names.append(container.get("name", ""))
            ports.update(used)
    if not names:
        return None
    noun = "hostPort" if len(ports) == 1 else "hostPorts"
    return Fault("hostPort", f"{_some(names)} {_verb(names)} {noun} {', '.join(sorted(ports))}")


def _verb(names: list[str]) -> str:
    return "uses" if len(names) == 1 else "use"


def _hosts(container: Object) -> list[str]:
    lifecycle = container.get("lifecycle") or {}
    handlers = [container.get(probe) for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
    handlers += [lifecycle.get(hook) for hook in ("postStart", "preStop")]
    sources = [(handler or {}).get(way) or {} for handler in handlers for way in ("httpGet", "tcpSocket")]
    return [source["host"] for source in sources if source.get("host")]


def _host_probes(meta: Object, spec: Object) -> Fault | None:
    found = {c.get("name", ""): _hosts(c) for c in containers(spec)}
    names = sorted(name for name, hosts in found.items() if hosts)
    if not names:
        return None
    hosts = sorted({host for listed in found.values() for host in listed})
    noun = "probe or lifecycle host" + ("s" if len(hosts) > 1 else "")
    return Fault("probe or lifecycle host", f"{_some(names)} {_verb(names)} {noun} {_quoted(hosts)}")


def _privileged(meta: Object, spec: Object) -> Fault | None:
    names = _named(spec, lambda c: bool(_context(c).get("privileged")))
    return Fault("privileged", f"{_some(names)} must not set securityContext.privileged=true") if names else None


def _proc_mount(meta: Object, spec: Object) -> Fault | None:
    def bad(container: Object) -> bool:
        return _context(container).get("procMount") not in (None, "Default")

    names = _named(spec, bad)
    types = sorted({_context(c)["procMount"] for c in containers(spec) if bad(c)})
    return Fault("procMount", f"{_some(names)} must not set securityContext.procMount to {_quoted(types)}") if names else None


def _proc_mount_baseline(meta: Object, spec: Object) -> Fault | None:
    return None if spec.get("hostUsers") is False else _proc_mount(meta, spec)


def _selinux(meta: Object, spec: Object) -> Fault | None:
    types: set[str] = set()
    fields: set[str] = set()

    def bad(holder: Object) -> bool:
        options = _context(holder).get("seLinuxOptions") or {}
        wrong_type = options.get("type", "") not in SELINUX_TYPES
        if wrong_type:
            types.add(options["type"])
        set_fields = [f for f in ("user", "role") if options.get(f)]
        fields.update(set_fields)
        return wrong_type or bool(set_fields)

    pod = bad(spec)
    names = _named(spec, bad)
    if not pod and not names:
        return None
    what = [f"type{'s' if len(types) > 1 else ''} {_quoted(sorted(types))}"] if types else []
    what += [f"{field} may not be set" for field in ("user", "role") if field in fields]
    return Fault("seLinuxOptions", f"{_setters(pod, names)} set forbidden securityContext.seLinuxOptions: {'; '.join(what)}")


def _seccomp_setters(spec: Object) -> Fault | None:
    values: set[str] = set()

    def bad(holder: Object) -> bool:
        profile = _context(holder).get("seccompProfile")
        if not profile or profile.get("type") in PROFILES:
            return False
        values.add(profile.get("type", ""))
        return True

    pod = bad(spec)
    names = _named(spec, bad)
    if not pod and not names:
        return None
    what = f"must not set securityContext.seccompProfile.type to {_quoted(sorted(values))}"
    return Fault("seccompProfile", f"{_setters(pod, names)} {what}")


def _seccomp_baseline(meta: Object, spec: Object) -> Fault | None:
    return _seccomp_setters(spec)


def _seccomp_restricted(meta: Object, spec: Object) -> Fault | None:
    if _is_windows(spec):
        return None
    fault = _seccomp_setters(spec)
    if fault is not None or _context(spec).get("seccompProfile"):
        return fault
    names = _named(spec, lambda c: not _context(c).get("seccompProfile"))
    what = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Fault("seccompProfile", f"pod or {_some(names)} {what}") if names else None


def _sysctls(meta: Object, spec: Object) -> Fault | None:
    names = [s["name"] for s in _context(spec).get("sysctls") or () if s.get("name") not in SAFE_SYSCTLS]
    return Fault("forbidden sysctls", ", ".join(names)) if names else None


def _windows_host_process(meta: Object, spec: Object) -> Fault | None:
    def bad(holder: Object) -> bool:
        return bool((_context(holder).get("windowsOptions") or {}).get("hostProcess"))

    setters = _setters(bad(spec), _named(spec, bad))
    return Fault("hostProcess", f"{setters} must not set securityContext.windowsOptions.hostProcess=true") if setters else None


def _privilege_escalation(meta: Object, spec: Object) -> Fault | None:
    if _is_windows(spec):
        return None
    names = _named(spec, lambda c: _context(c).get("allowPrivilegeEscalation") is not False)
    what = "must set securityContext.allowPrivilegeEscalation=false"
    return Fault("allowPrivilegeEscalation != false", f"{_some(names)} {what}") if names else None


def _restricted_volumes(meta: Object, spec: Object) -> Fault | None:
    names = []
    types: set[str] = set()
    for volume in spec.get("volumes") or ():
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        if not SAFE_VOLUMES & set(sources):
            names.append(volume["name"])
            types.add(sources[0] if sources else "unknown")
    if not names:
        return None
    noun = "restricted volume type" + ("s" if len(types) > 1 else "")
    return Fault("restricted volume types", f"{_some(names, 'volume')} {_verb(names)} {noun} {_quoted(sorted(types))}")


def _run_as_non_root(meta: Object, spec: Object) -> Fault | None:
    if spec.get("hostUsers") is False:
        return None
    pod = _context(spec).get("runAsNonRoot")
    names = _named(spec, lambda c: _context(c).get("runAsNonRoot") is False)
    if pod is False or names:
        what = "must not set securityContext.runAsNonRoot=false"
        return Fault("runAsNonRoot != true", f"{_setters(pod is False, names)} {what}")
    if pod:
        return None
    names = _named(spec, lambda c: _context(c).get("runAsNonRoot") is None)
    what = "must set securityContext.runAsNonRoot=true"
    return Fault("runAsNonRoot != true", f"pod or {_some(names)} {what}") if names else None


def _run_as_user(meta: Object, spec: Object) -> Fault | None:
    if spec.get("hostUsers") is False:
        return None
    setters = _setters(_context(spec).get("runAsUser") == 0, _named(spec, lambda c: _context(c).get("runAsUser") == 0))
    return Fault("runAsUser=0", f"{setters} must not set runAsUser=0") if setters else None


#: In the order in which faults are told.
CHECKS = (
    Check("appArmorProfile", "baseline", 0, _app_armor),
    Check("capabilities_baseline", "baseline", 0, _capabilities_baseline),
    Check("hostNamespaces", "baseline", 0, _host_namespaces),
    Check("hostPathVolumes", "baseline", 0, _host_path_volumes),
    Check("hostPorts", "baseline", 0, _host_ports),
    Check("hostProbesAndHostLifecycle", "baseline", 34, _host_probes),
    Check("privileged", "baseline", 0, _privileged),
    Check("procMount", "baseline", 0, _proc_mount_baseline),
    Check("seLinuxOptions", "baseline", 0, _selinux),
    Check("seccompProfile_baseline", "baseline", 0, _seccomp_baseline),
    Check("sysctls", "baseline", 0, _sysctls),
    Check("windowsHostProcess", "baseline", 0, _windows_host_process),
    Check("allowPrivilegeEscalation", "restricted", 8, _privilege_escalation),
    Check("capabilities_restricted", "restricted", 22, _capabilities_restricted, "capabilities_baseline"),
    Check("procMount_restricted", "restricted", 35, _proc_mount, "procMount"),
    Check("restrictedVolumes", "restricted", 0, _restricted_volumes, "hostPathVolumes"),
    Check("runAsNonRoot", "restricted", 0, _run_as_non_root),
    Check("runAsUser", "restricted", 23, _run_as_user),
    Check("seccompProfile_restricted", "restricted", 19, _seccomp_restricted, "seccompProfile_baseline"),
)
