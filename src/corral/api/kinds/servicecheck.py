"""Validation of Services."""

import ipaddress

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.probe import check_port
from corral.api.kinds.selector import check_labels
from corral.api.kinds.servicespec import externally_accessible, needs_cluster_ip, needs_health_check_port
from corral.api.objects import Object

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
AFFINITY_MAX_S = 86400
TOPOLOGY_MODE, TOPOLOGY_HINTS = "service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_LOAD_BALANCER_ONLY = "may only be used when `type` is 'LoadBalancer'"
_SPEC = Path("spec")


def check_service(errs: Errors, service: Object) -> None:
    """All of a Service but its metadata."""
    spec = service["spec"]
    kind, ports, headless = spec.get("type", ""), spec.get("ports") or [], is_headless(spec)
    _check_topology(errs, service["metadata"].get("annotations") or {})
    if not ports and not headless and kind != "ExternalName":
        errs.required(_SPEC.child("ports"))
    _check_type(errs, spec, headless)
    seen: set[str] = set()
    for i, port in enumerate(ports):
        _check_port(errs, port, len(ports) > 1, seen, _SPEC.child("ports").at(i))
    check_labels(errs, spec.get("selector"), _SPEC.child("selector"))
    _check_affinity(errs, spec)
    if kind != "ExternalName":
        _check_addresses(errs, spec, headless)
    for i, address in enumerate(spec.get("externalIPs") or ()):
        at = _SPEC.child("externalIPs").at(i)
        wrong = names.ip_address(address)
        errs.each(at, address, wrong or special_address(address))
    if not kind:
        errs.required(_SPEC.child("type"))
    elif kind not in TYPES:
        errs.unsupported(_SPEC.child("type"), kind, TYPES)
    _check_port_numbers(errs, ports, kind)
    _check_load_balancer(errs, service)
    _check_traffic(errs, spec)


def check_change(errs: Errors, new: Object, old: Object) -> None:
    """What of an allocated Service may not change."""
    if "ExternalName" not in (new.get("type"), old.get("type")):
        if not (is_headless(new) and is_headless(old)):
            _check_kept(errs, new, old, "clusterIPs", "clusterIP")
        if not is_headless(new) and not is_headless(old):  # Without addresses, families may change.
            _check_kept(errs, new, old, "ipFamilies", "ipFamily")
    if new.get("type") == old.get("type") == "LoadBalancer" and new.get("loadBalancerClass") != old.get("loadBalancerClass"):
        errs.invalid(_SPEC.child("loadBalancerClass"), new.get("loadBalancerClass"), "may not change once set")
    ports = {o.get("healthCheckNodePort", 0) for o in (new, old) if needs_health_check_port(o)}
    if len(ports) > 1:
        errs.forbidden(_SPEC.child("healthCheckNodePort"), "field is immutable")


def check_status(errs: Errors, status: Object, spec: Object) -> None:
    """The load balancer's addresses."""
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    path = Path("status").child("loadBalancer", "ingress")
    if ingress and spec.get("type") != "LoadBalancer":
        errs.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for i, entry in enumerate(ingress):
        at, address, host = path.at(i), entry.get("ip", ""), entry.get("hostname", "")
        if address:
            errs.each(at.child("ip"), address, names.ip_address(address))
        mode = entry.get("ipMode")
        if address and mode is None:
            errs.required(at.child("ipMode"), "must be specified when `ip` is set")
        elif not address and mode is not None:
            errs.forbidden(at.child("ipMode"), "may not be specified when `ip` is not set")
        elif address and mode not in ("Proxy", "VIP"):
            errs.unsupported(at.child("ipMode"), mode, ("Proxy", "VIP"))
        if host:
            errs.each(at.child("hostname"), host, names.dns_subdomain(host))
            if _is_address(host):
                errs.invalid(at.child("hostname"), host, "must be a DNS name, not an IP address")


def special_address(value: str) -> list[str]:
    """What keeps an address from being one that others can reach."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return ["must be a valid IP address"]
    if address.is_unspecified:
        return [f"may not be unspecified ({value})"]
    found = []
    if address.is_loopback:
        found.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        found.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    multicast = ipaddress.ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")
    if address in multicast:
        found.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return found


def is_headless(spec: Object) -> bool:
    """Whether the Service has no address on purpose."""
    return (spec.get("clusterIPs") or []) == ["None"]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_topology(errs: Errors, annotations: dict[str, str]) -> None:
    mode, hints = annotations.get(TOPOLOGY_MODE), annotations.get(TOPOLOGY_HINTS)
    if mode is not None and hints is not None and mode != hints:
        at = Path("metadata").child("annotations").key(TOPOLOGY_MODE)
        errs.invalid(at, mode, f"must match annotations[{TOPOLOGY_HINTS}] when both are specified")


def _check_type(errs: Errors, spec: Object, headless: bool) -> None:
    kind = spec.get("type")
    if kind in ("LoadBalancer", "NodePort") and headless:
        errs.invalid(_SPEC.child("clusterIPs").at(0), "None", f"may not be set to 'None' for {kind} services")
    if kind != "ExternalName":
        return
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            errs.forbidden(_SPEC.child(field), "may not be set for ExternalName services")
    name = spec.get("externalName", "").removesuffix(".")
    if name:
        errs.each(_SPEC.child("externalName"), name, names.dns_subdomain(name))
    else:
        errs.required(_SPEC.child("externalName"))


def _check_port(errs: Errors, port: Object, needs_name: bool, seen: set[str], path: Path) -> None:
    name, number, protocol = port.get("name", ""), port.get("port", 0), port.get("protocol", "")
    if name:
        errs.each(path.child("name"), name, names.dns_label(name))
        if name in seen:
            errs.duplicate(path.child("name"), name)
        seen.add(name)
    elif needs_name:
        errs.required(path.child("name"))
    errs.each(path.child("port"), number, names.port_number(number))
    if not protocol:
        errs.required(path.child("protocol"))
    elif protocol not in PROTOCOLS:
        errs.unsupported(path.child("protocol"), protocol, PROTOCOLS)
    check_port(errs, port.get("targetPort", 0), path.child("targetPort"))
    application = port.get("appProtocol")
    if application is not None:
        errs.each(path.child("appProtocol"), application, names.qualified_name(application))


def _check_affinity(errs: Errors, spec: Object) -> None:
    affinity, config = spec.get("sessionAffinity", ""), spec.get("sessionAffinityConfig")
    at = _SPEC.child("sessionAffinityConfig")
    if not affinity:
        errs.required(_SPEC.child("sessionAffinity"))
    elif affinity not in ("ClientIP", "None"):
        errs.unsupported(_SPEC.child("sessionAffinity"), affinity, ("ClientIP", "None"))
    if affinity == "None" and config is not None:
        errs.forbidden(at, "must not be set when session affinity is None")
    if affinity == "ClientIP":
        timeout = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
        if timeout is None:
            errs.required(at, "when session affinity type is ClientIP")
        elif not 0 < timeout <= AFFINITY_MAX_S:
            why = f"must be greater than 0 and less than {AFFINITY_MAX_S}"
            errs.invalid(at.child("clientIP", "timeoutSeconds"), timeout, why)


def _check_addresses(errs: Errors, spec: Object, headless: bool) -> None:
    address, addresses = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    families, policy = spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
    at = _SPEC.child("clusterIPs")
    before = len(errs.items)
    if address:
        if not addresses:
            errs.required(at)
        elif addresses[0] != address:
            errs.invalid(at, addresses, "first value must match `clusterIP`")
    elif addresses:
        errs.invalid(at, addresses, "must be empty when `clusterIP` is not specified")
    for i, family in enumerate(families):
        if family not in FAMILIES:
            errs.unsupported(_SPEC.child("ipFamilies").at(i), family, FAMILIES)
        if family in families[:i]:
            errs.duplicate(_SPEC.child("ipFamilies").at(i), family)
    if policy is not None and policy not in FAMILY_POLICIES:
        errs.unsupported(_SPEC.child("ipFamilyPolicy"), policy, FAMILY_POLICIES)
    wrong = False
    for i, value in enumerate(addresses):
        if i == 0 and value == "None":
            if len(addresses) > 1:
                wrong = True
                errs.invalid(at, addresses, "'None' must be the first and only value")
            continue
        found = names.ip_address(value)
        wrong = wrong or bool(found)
        errs.each(at.at(i), value, found)
    if len(addresses) > 2:
        errs.invalid(at, addresses, "may only hold up to 2 values")
    if wrong:
        return
    if len(addresses) == 2 and sum(":" in a for a in addresses) != 1:
        errs.invalid(at, addresses, "may specify no more than one IP for each IP family")
    if not headless and len(errs.items) == before:
        for i, (value, family) in enumerate(zip(addresses, families, strict=False)):
            if (":" in value) != (family == "IPv6"):
                errs.invalid(at.at(i), value, f"expected an {family} value as indicated by `ipFamilies[{i}]`")


def _check_port_numbers(errs: Errors, ports: list[Object], kind: str) -> None:
    path = _SPEC.child("ports")
    if kind == "ClusterIP":
        for i, port in enumerate(ports):
            if port.get("nodePort"):
                errs.forbidden(path.at(i).child("nodePort"), "may not be used when `type` is 'ClusterIP'")
    node_ports: set[tuple[str, int]] = set()
    for i, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("nodePort", 0))
        if key[1]:
            if key in node_ports:
                errs.duplicate(path.at(i).child("nodePort"), key[1])
            node_ports.add(key)
    seen: set[tuple[str, int]] = set()
    for i, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in seen:
            shown = {"Name": "", "Protocol": key[0], "AppProtocol": None, "Port": key[1], "TargetPort": 0, "NodePort": 0}
            errs.duplicate(path.at(i), shown)
        seen.add(key)


def _check_load_balancer(errs: Errors, service: Object) -> None:
    spec, annotations = service["spec"], service["metadata"].get("annotations") or {}
    balanced = spec.get("type") == "LoadBalancer"
    if spec.get("loadBalancerSourceRanges"):
        # The reference's path, capital letter and all.
        at = _SPEC.child("LoadBalancerSourceRanges")
        if not balanced:
            errs.forbidden(at, _LOAD_BALANCER_ONLY)
        for i, value in enumerate(spec["loadBalancerSourceRanges"]):
            errs.each(at.at(i), value.strip(), names.cidr(value.strip()))
    elif SOURCE_RANGES in annotations:
        at = Path("metadata").child("annotations").key(SOURCE_RANGES)
        if not balanced:
            errs.forbidden(at, _LOAD_BALANCER_ONLY)
        for value in annotations[SOURCE_RANGES].strip().split(",") if annotations[SOURCE_RANGES].strip() else ():
            errs.each(at, value.strip(), names.cidr(value.strip()))
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        errs.forbidden(_SPEC.child("allocateLoadBalancerNodePorts"), _LOAD_BALANCER_ONLY)
    chosen = spec.get("loadBalancerClass")
    if chosen is not None:
        at = _SPEC.child("loadBalancerClass")
        if balanced:
            errs.each(at, chosen, names.qualified_name(chosen))
        else:
            errs.forbidden(at, _LOAD_BALANCER_ONLY)


def _check_traffic(errs: Errors, spec: Object) -> None:
    external, internal = spec.get("externalTrafficPolicy", ""), spec.get("internalTrafficPolicy")
    at = _SPEC.child("externalTrafficPolicy")
    if not externally_accessible(spec):
        if external:
            errs.invalid(at, external, "may only be set for externally-accessible services")
    elif not external:
        errs.required(at)
    elif external not in ("Cluster", "Local"):
        errs.unsupported(at, external, ("Cluster", "Local"))
    port, at = spec.get("healthCheckNodePort", 0), _SPEC.child("healthCheckNodePort")
    if not needs_health_check_port(spec):
        if port:
            why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            errs.invalid(at, port, why)
    elif port:
        # Where there is none yet, the allocator gives one.
        errs.each(at, port, names.port_number(port))
    if internal is None:
        if needs_cluster_ip(spec):
            errs.required(_SPEC.child("internalTrafficPolicy"))
    elif internal not in ("Cluster", "Local"):
        errs.unsupported(_SPEC.child("internalTrafficPolicy"), internal, ("Cluster", "Local"))
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in DISTRIBUTIONS:
        errs.unsupported(_SPEC.child("trafficDistribution"), distribution, DISTRIBUTIONS)


def _check_kept(errs: Errors, new: Object, old: Object, field: str, one: str) -> None:
    """Primary and secondary address (or family) stay; a secondary one may come, or go by asking for a single stack."""
    after, before, at = new.get(field) or [], old.get(field) or [], _SPEC.child(field)
    if len(after) == len(before):
        for i, (value, former) in enumerate(zip(after, before, strict=True)):
            if value != former:
                errs.invalid(at.at(i if field == "clusterIPs" else 0), after, "may not change once set")
        return
    if len(after) < len(before) and not new.get("clusterIPs"):
        errs.invalid(at.at(0), new.get(field), f"primary {one} can not be unset")
    if before and after and after[0] != before[0]:
        errs.invalid(at.at(0), new.get("clusterIPs"), "may not change once set")
    if len(before) > len(after) == 1 and new.get("ipFamilyPolicy") != "SingleStack":
        why = f"must be set to 'SingleStack' when releasing the secondary {one}"
        errs.invalid(_SPEC.child("ipFamilyPolicy"), new.get("ipFamilyPolicy"), why)
