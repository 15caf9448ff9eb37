"""Containers of all three sorts: init, ordinary, ephemeral."""

from collections.abc import Mapping

from msgspec import Struct

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.computeresources import check_requirements
from corral.api.kinds.env import check_env, check_env_from
from corral.api.kinds.imagename import default_pull_policy
from corral.api.kinds.mount import check_devices, check_mounts
from corral.api.kinds.probe import check_probes, default_handler, default_probe
from corral.api.kinds.security import check_container_context
from corral.api.objects import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MAX_RESTART_RULES = 20
MAX_EXIT_CODES = 255
_EPHEMERAL_FORBIDDEN = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
]


class Surroundings(Struct, frozen=True):
    """What the checks of a container need to know of its pod."""

    volumes: Mapping[str, Object]
    claims: frozenset[str]
    grace_s: int | None
    restart_policy: str
    host_users: bool
    #: A pod itself, not a template: its images are trimmed already.
    is_pod: bool


def default_container(container: Object) -> None:
    """Fill in what a container leaves open."""
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = default_pull_policy(container.get("image", ""))
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for env in container.get("env") or ():
        source = env.get("valueFrom") or {}
        if "fieldRef" in source and not source["fieldRef"].get("apiVersion"):
            source["fieldRef"]["apiVersion"] = "v1"
        if "resourceFieldRef" in source:
            source["resourceFieldRef"].setdefault("divisor", "0")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            default_probe(container[name])
    lifecycle = container.get("lifecycle") or {}
    if lifecycle.pop("stopSignal", None) is not None and not lifecycle:
        # Its feature is off (KEP-4960), so that nobody may think that it is heeded.
        del container["lifecycle"]
    for hook in lifecycle.values():
        if isinstance(hook, dict):
            default_handler(hook)


def check_containers(errs: Errors, spec: Object, around: Surroundings, path: Path) -> None:
    """The ordinary containers, then the init containers, then the ephemeral ones."""
    _check_ordinary(errs, spec, around, path.child("containers"))
    _check_init(errs, spec, around, path.child("initContainers"))
    _check_ephemeral(errs, spec, around, path.child("ephemeralContainers"))


def _check_ordinary(errs: Errors, spec: Object, around: Surroundings, path: Path) -> None:
    containers = spec.get("containers") or []
    if not containers:
        errs.required(path)
        return
    seen: set[str] = set()
    ports: set[str] = set()
    for i, container in enumerate(containers):
        at, name = path.at(i), container.get("name", "")
        _check_common(errs, container, around, at)
        if name in seen:
            errs.duplicate(at.child("name"), name)
        seen.add(name)
        check_probes(errs, container, around.grace_s, at)
        _check_restart(errs, container, at, ("Always", "OnFailure", "Never"))
    for i, container in enumerate(containers):
        _check_host_ports(errs, container, ports, path.at(i))


def _check_init(errs: Errors, spec: Object, around: Surroundings, path: Path) -> None:
    seen = {c.get("name", "") for c in spec.get("containers") or ()}
    for i, container in enumerate(spec.get("initContainers") or ()):
        at, name = path.at(i), container.get("name", "")
        _check_common(errs, container, around, at)
        _check_restart(errs, container, at, ("Always", "OnFailure", "Never"))
        if name in seen:
            errs.duplicate(at.child("name"), name)
        elif name:
            seen.add(name)
        _check_host_ports(errs, container, set(), path.at(0))
        if container.get("restartPolicy") == "Always":
            check_probes(errs, container, around.grace_s, at)
        else:
            for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
                if container.get(field) is not None:
                    errs.forbidden(at.child(field), "may not be set for init containers without restartPolicy=Always")


def _check_ephemeral(errs: Errors, spec: Object, around: Surroundings, path: Path) -> None:
    others = {c.get("name", "") for kind in ("containers", "initContainers") for c in spec.get(kind) or ()}
    seen = set(others)
    for i, container in enumerate(spec.get("ephemeralContainers") or ()):
        at, name = path.at(i), container.get("name", "")
        _check_common(errs, container, around, at)
        check_image_trimmed(errs, container, at)
        if name in seen:
            errs.duplicate(at.child("name"), name)
        seen.add(name)
        target = container.get("targetContainerName", "")
        if target and target not in others:
            errs.not_found(at.child("targetContainerName"), target)
        for field in _EPHEMERAL_FORBIDDEN:
            if container.get(field):
                errs.forbidden(at.child(field), "cannot be set for an Ephemeral Container")
        for j, mount in enumerate(container.get("volumeMounts") or ()):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    errs.forbidden(at.child("volumeMounts").at(j).child(field), "cannot be set for an Ephemeral Container")


def check_image_trimmed(errs: Errors, container: Object, path: Path) -> None:
    """No white space around the image's name (in a pod; templates have had it for too long)."""
    image = container.get("image", "")
    if image != image.strip():
        errs.invalid(path.child("image"), image, "must not have leading or trailing whitespace")


def _check_common(errs: Errors, container: Object, around: Surroundings, path: Path) -> None:
    name = container.get("name", "")
    if not name:
        errs.required(path.child("name"))
    else:
        errs.each(path.child("name"), name, names.dns_label(name))
    if not container.get("image"):
        errs.required(path.child("image"))
    policy = container.get("terminationMessagePolicy", "")
    if policy not in ("File", "FallbackToLogsOnError"):
        _unsupported(errs, path.child("terminationMessagePolicy"), policy, ("FallbackToLogsOnError", "File"))
    mounts, devices = container.get("volumeMounts") or [], container.get("volumeDevices") or []
    _check_ports(errs, container.get("ports") or [], path.child("ports"))
    check_env(errs, container.get("env") or [], path.child("env"))
    check_env_from(errs, container.get("envFrom") or [], path.child("envFrom"))
    check_mounts(errs, container, around.volumes, path.child("volumeMounts"))
    check_devices(errs, devices, mounts, around.volumes, path.child("volumeDevices"))
    pull = container.get("imagePullPolicy", "")
    if pull not in PULL_POLICIES:
        _unsupported(errs, path.child("imagePullPolicy"), pull, PULL_POLICIES)
    if container.get("resources"):
        check_requirements(errs, container["resources"], path.child("resources"), around.claims)
    _check_resize(errs, container.get("resizePolicy") or [], around, path.child("resizePolicy"))
    if container.get("securityContext"):
        check_container_context(errs, container["securityContext"], path.child("securityContext"), around.host_users)


def _unsupported(errs: Errors, path: Path, value: str, choices: tuple[str, ...]) -> None:
    if value:
        errs.unsupported(path, value, choices)
    else:
        errs.required(path)


def _check_ports(errs: Errors, ports: list[Object], path: Path) -> None:
    seen: set[str] = set()
    for i, port in enumerate(ports):
        at, name = path.at(i), port.get("name", "")
        number, host, protocol = port.get("containerPort", 0), port.get("hostPort", 0), port.get("protocol", "")
        if name:
            wrong = names.port_name(name)
            errs.each(at.child("name"), name, wrong)
            if not wrong and name in seen:
                errs.duplicate(at.child("name"), name)
            seen.add(name)
        if not number:
            errs.required(at.child("containerPort"))
        else:
            errs.each(at.child("containerPort"), number, names.port_number(number))
        if host:
            errs.each(at.child("hostPort"), host, names.port_number(host))
        if protocol not in PROTOCOLS:
            _unsupported(errs, at.child("protocol"), protocol, PROTOCOLS)


def _check_host_ports(errs: Errors, container: Object, seen: set[str], path: Path) -> None:
    for i, port in enumerate(container.get("ports") or ()):
        if not port.get("hostPort"):
            continue
        key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
        if key in seen:
            errs.duplicate(path.child("ports").at(i).child("hostPort"), key)
        seen.add(key)


def _check_restart(errs: Errors, container: Object, path: Path, choices: tuple[str, ...]) -> None:
    """A container's own restart policy and rules (KEP-753, KEP-5307)."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or []
    if policy is not None and policy not in choices:
        errs.unsupported(path.child("restartPolicy"), policy, choices)
    if not rules:
        return
    at = path.child("restartPolicyRules")
    if policy is None:
        errs.required(path.child("restartPolicy"), "must specify restartPolicy when restart rules are used")
    if policy == "Always" and path.startswith("spec.initContainers"):
        errs.forbidden(at, "restartPolicyRules are not allowed for init containers with restart policy Always")
    if len(rules) > MAX_RESTART_RULES:
        errs.too_long(at, MAX_RESTART_RULES)
    for i, rule in enumerate(rules):
        _check_restart_rule(errs, rule, at.at(i))


def _check_restart_rule(errs: Errors, rule: Object, path: Path) -> None:
    action, codes = rule.get("action", ""), rule.get("exitCodes")
    if action not in ("Restart", "RestartAllContainers"):
        _unsupported(errs, path.child("action"), action, ("Restart",))
    if codes is None:
        errs.required(path.child("exitCodes"), "must be specified")
        return
    operator, values = codes.get("operator", ""), codes.get("values") or []
    if operator not in ("In", "NotIn"):
        _unsupported(errs, path.child("exitCodes", "operator"), operator, ("In", "NotIn"))
    if len(values) > MAX_EXIT_CODES:
        errs.too_long(path.child("exitCodes", "values"), MAX_EXIT_CODES)


def _check_resize(errs: Errors, policies: list[Object], around: Surroundings, path: Path) -> None:
    seen: set[str] = set()
    for i, policy in enumerate(policies):
        resource, restart = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if resource in seen:
            errs.duplicate(path.at(i), resource)
        seen.add(resource)
        if resource not in ("cpu", "memory"):
            _unsupported(errs, path, resource, ("cpu", "memory"))
        if restart not in ("NotRequired", "RestartContainer"):
            _unsupported(errs, path, restart, ("NotRequired", "RestartContainer"))
        if around.restart_policy == "Never" and restart != "NotRequired":
            errs.invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'")
