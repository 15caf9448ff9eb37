"""The spec of a pod, alone or in a template."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.computeresources import check_requirements
from corral.api.kinds.container import Surroundings, check_containers, default_container
from corral.api.kinds.podannotations import check_annotations, check_profiles_match
from corral.api.kinds.podresources import check_pod_resources
from corral.api.kinds.scheduling import check_affinity, check_spread, check_tolerations
from corral.api.kinds.security import check_host_process, check_os, check_pod_context
from corral.api.kinds.selector import check_labels
from corral.api.kinds.volume import check_volumes, default_volume
from corral.api.metadata import validate_annotations
from corral.api.objects import Object
from corral.api.podcontainers import containers, containers_at

GRACE_PERIOD_S = 30
RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
MAX_NAMESERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARS = 2048
MAX_INT32 = 2**31 - 1


def default_pod_spec(spec: Object) -> None:
    """Fill in what a pod's spec leaves open, in a pod and in a template alike; fields of features that are off are dropped."""
    spec.pop("schedulingGroup", None)
    if not spec.get("dnsPolicy"):
        spec["dnsPolicy"] = "ClusterFirst"
    if not spec.get("restartPolicy"):
        spec["restartPolicy"] = "Always"
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = GRACE_PERIOD_S
    if not spec.get("schedulerName"):
        spec["schedulerName"] = "default-scheduler"
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in containers(spec):
        default_container(container)
    for volume in spec.get("volumes") or ():
        default_volume(volume)


def default_template(template: Object) -> None:
    """Fill in what a PodTemplateSpec leaves open."""
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def check_pod_spec(errs: Errors, spec: Object, path: Path, pod_name: str | None = None) -> None:
    """The spec of a pod called `pod_name`, or of a template where that is None."""
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        errs.required(path.child("terminationGracePeriodSeconds"))
    volumes = check_volumes(errs, spec.get("volumes") or [], pod_name, path.child("volumes"))
    claims = _check_claims(errs, spec.get("resourceClaims") or [], path.child("resourceClaims"))
    restart, host_users = spec.get("restartPolicy", ""), spec.get("hostUsers") is not False
    around = Surroundings(volumes, claims, grace, restart, host_users, pod_name is not None)
    check_containers(errs, spec, around, path)
    if spec.get("resources"):
        check_pod_resources(errs, spec, path.child("resources"))
    if spec.get("hostNetwork"):
        _check_host_network(errs, spec, around, path.child("containers"))
    _check_choice(errs, restart, RESTART_POLICIES, path.child("restartPolicy"))
    _check_choice(errs, spec.get("dnsPolicy", ""), DNS_POLICIES, path.child("dnsPolicy"))
    check_labels(errs, spec.get("nodeSelector"), path.child("nodeSelector"))
    check_pod_context(errs, spec, path)
    if spec.get("affinity"):
        check_affinity(errs, spec["affinity"], path.child("affinity"))
    _check_dns(errs, spec, path.child("dnsConfig"))
    _check_gates(errs, spec, path)
    check_spread(errs, spec.get("topologySpreadConstraints") or [], path.child("topologySpreadConstraints"))
    check_host_process(errs, spec, path)
    if not host_users:
        _check_host_users(errs, spec, path)
    _check_names(errs, spec, path)
    _check_deadline(errs, spec.get("activeDeadlineSeconds"), path.child("activeDeadlineSeconds"))
    for field in ("hostname", "subdomain"):
        if spec.get(field):
            errs.each(path.child(field), spec[field], names.dns_label(spec[field]))
    check_tolerations(errs, spec.get("tolerations") or [], path.child("tolerations"))
    _check_host_aliases(errs, spec.get("hostAliases") or [], path.child("hostAliases"))
    for field in ("priorityClassName", "runtimeClassName"):
        name = spec.get(field)
        if name or (name is not None and field == "runtimeClassName"):
            errs.each(path.child(field), name, names.dns_subdomain(name))
    if spec.get("preemptionPolicy") is not None:
        _check_choice(errs, spec["preemptionPolicy"], PREEMPTION_POLICIES, path.child("preemptionPolicy"))
    if spec.get("overhead") is not None:
        check_requirements(errs, {"limits": spec["overhead"]}, path.child("overhead"))
    if spec.get("os") is not None:
        check_os(errs, spec, path)


def check_template(errs: Errors, template: Object, path: Path) -> None:
    """A PodTemplateSpec. (Its labels are told of without `metadata`, as the reference does.)"""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    check_labels(errs, metadata.get("labels"), path.child("labels"))
    annotations = metadata.get("annotations") or {}
    validate_annotations(errs, path.child("annotations"), annotations)
    check_annotations(errs, annotations, spec, path.child("annotations"))
    check_pod_spec(errs, spec, path.child("spec"))
    check_profiles_match(errs, annotations, spec, path.child("spec"))
    if spec.get("ephemeralContainers"):
        errs.forbidden(path.child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template")


def _check_choice(errs: Errors, value: str, choices: tuple[str, ...], path: Path) -> None:
    if not value:
        errs.required(path)
    elif value not in choices:
        errs.unsupported(path, value, choices)


def _check_claims(errs: Errors, claims: list[Object], path: Path) -> frozenset[str]:
    seen: set[str] = set()
    for i, claim in enumerate(claims):
        at, name = path.at(i), claim.get("name", "")
        if not name:
            errs.required(at.child("name"))
        elif name in seen:
            errs.duplicate(at.child("name"), name)
        else:
            errs.each(at.child("name"), name, names.dns_label(name))
            seen.add(name)
        direct, template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        shown = {"Name": name, "ResourceClaimName": direct, "ResourceClaimTemplateName": template}
        if direct is not None and template is not None:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errs.invalid(at, shown, why)
        if direct is None and template is None:
            errs.invalid(at, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
        for field in ("resourceClaimName", "resourceClaimTemplateName"):
            if claim.get(field) is not None:
                errs.each(at.child(field), claim[field], names.dns_subdomain(claim[field]))
    return frozenset(c["name"] for c in claims if c.get("name"))


def _check_host_network(errs: Errors, spec: Object, around: Surroundings, path: Path) -> None:
    for i, container in enumerate(spec.get("containers") or ()):
        for j, port in enumerate(container.get("ports") or ()):
            host, inner = port.get("hostPort", 0), port.get("containerPort", 0)
            if (around.is_pod or host) and host != inner:
                why = "must match `containerPort` when `hostNetwork` is true"
                errs.invalid(path.at(i).child("ports").at(j).child("hostPort"), host, why)


def _check_dns(errs: Errors, spec: Object, path: Path) -> None:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            errs.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            errs.required(path.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None")
            return
    if not config:
        return
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > MAX_NAMESERVERS:
        errs.invalid(path.child("nameservers"), servers, f"must not have more than {MAX_NAMESERVERS} nameservers")
    for i, server in enumerate(servers):
        errs.each(path.child("nameservers").at(i), server, names.ip_address(server))
    if len(searches) > MAX_SEARCHES:
        errs.invalid(path.child("searches"), searches, f"must not have more than {MAX_SEARCHES} search paths")
    if len(" ".join(searches)) > MAX_SEARCH_CHARS:
        why = f"must not have more than {MAX_SEARCH_CHARS} characters (including spaces) in the search list"
        errs.invalid(path.child("searches"), searches, why)
    for i, search in enumerate(searches):
        # A trailing dot is fine, and a dot alone; so are underscores (KEP-4427).
        bare = search.removesuffix(".").replace("_", "-")
        if search != ".":
            errs.each(path.child("searches").at(i), search.removesuffix("."), names.dns_subdomain(bare))
    for i, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errs.required(path.child("options").at(i), "must not be empty")


def _check_gates(errs: Errors, spec: Object, path: Path) -> None:
    for i, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        errs.each(path.child("readinessGates").at(i).child("conditionType"), kind, names.qualified_name(kind))
    seen: set[str] = set()
    for i, gate in enumerate(spec.get("schedulingGates") or ()):
        at, name = path.child("schedulingGates").at(i), gate.get("name", "")
        errs.each(at, name, names.qualified_name(name))
        if name in seen:
            errs.duplicate(at, name)
        seen.add(name)


def _check_host_users(errs: Errors, spec: Object, path: Path) -> None:
    for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            errs.forbidden(path.child(shown), "when `hostUsers` is false")
    for at, container in containers_at(spec, path):
        if container.get("volumeDevices"):
            errs.forbidden(at.child("volumeDevices"), "when `hostUsers` is false")


def _check_names(errs: Errors, spec: Object, path: Path) -> None:
    for field in ("serviceAccountName", "nodeName"):
        if spec.get(field):
            errs.each(path.child(field), spec[field], names.dns_subdomain(spec[field]))


def _check_deadline(errs: Errors, deadline_s: int | None, path: Path) -> None:
    if deadline_s is not None and not 1 <= deadline_s <= MAX_INT32:
        errs.invalid(path, deadline_s, names.between(1, MAX_INT32))


def _check_host_aliases(errs: Errors, aliases: list[Object], path: Path) -> None:
    for i, alias in enumerate(aliases):
        address = alias.get("ip", "")
        errs.each(path.at(i).child("ip"), address, names.ip_address(address))
        for j, hostname in enumerate(alias.get("hostnames") or ()):
            errs.each(path.at(i).child("hostnames").at(j), hostname, names.dns_subdomain(hostname))
