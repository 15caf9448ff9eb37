"""What the spec of a Service needs by its type, and what a write keeps of what was allocated.

Pure functions on specs; the server's allocator uses them too.
"""

from corral.api.objects import Object

_CLUSTER_IP_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")


def needs_cluster_ip(spec: Object) -> bool:
    """Whether a Service of this type has an address in the cluster."""
    return spec.get("type") in _CLUSTER_IP_TYPES


def needs_node_port(spec: Object) -> bool:
    """Whether the Service's ports are given node ports."""
    if spec.get("type") == "NodePort":
        return True
    return spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") in (None, True)


def needs_health_check_port(spec: Object) -> bool:
    """Whether the Service has a node port for health checks."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def externally_accessible(spec: Object) -> bool:
    """Whether traffic from outside can reach the Service."""
    kind = spec.get("type")
    return kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def keep_allocated(new: Object, old: Object) -> None:
    """Fill in addresses and ports that the old spec has and the new one left open, so that a PUT of a manifest works."""
    if needs_cluster_ip(new) and needs_cluster_ip(old):
        if not new.get("clusterIP") and old.get("clusterIP"):
            new["clusterIP"] = old["clusterIP"]
        if not new.get("clusterIPs") and new.get("clusterIP") == old.get("clusterIP") and old.get("clusterIPs"):
            new["clusterIPs"] = list(old["clusterIPs"])
    if needs_node_port(new) and needs_node_port(old):
        used = _node_ports(new) & _node_ports(old)
        by_name = {p.get("name", ""): p.get("nodePort", 0) for p in old.get("ports") or ()}
        for port in new.get("ports") or ():
            former = by_name.get(port.get("name", ""), 0)
            if not port.get("nodePort") and former and former not in used:
                port["nodePort"] = former
                used.add(former)
    if needs_health_check_port(new) and needs_health_check_port(old) and not new.get("healthCheckNodePort"):
        _copy(new, old, "healthCheckNodePort")


def normalize_cluster_ips(new: Object, old: Object | None) -> None:
    """Make `clusterIPs` follow `clusterIP` for clients that know the latter only. `old` is None on create."""
    address, addresses = new.get("clusterIP", ""), new.get("clusterIPs") or []
    if old is None:
        if address and not addresses:
            new["clusterIPs"] = [address]
        return
    if address == old.get("clusterIP", "") or addresses != (old.get("clusterIPs") or []):
        return
    if address:
        new["clusterIPs"] = [address]
    else:
        new.pop("clusterIPs", None)


def drop_unneeded(new: Object, old: Object) -> None:
    """Clear fields that the old type needed and the new one does not, unless this write changes them."""

    def unchanged(*names: str) -> bool:
        return all((new.get(n) or None) == (old.get(n) or None) for n in names)

    def drop(*names: str) -> None:
        if unchanged(*names):
            for name in names:
                new.pop(name, None)

    if old.get("type") == "ExternalName" and new.get("type") != "ExternalName":
        drop("externalName")
    if needs_cluster_ip(old) and not needs_cluster_ip(new):
        drop("clusterIP", "clusterIPs")
        drop("ipFamilies")
        drop("ipFamilyPolicy")
        drop("internalTrafficPolicy")
    if needs_node_port(old) and not needs_node_port(new) and _node_ports(new) == _node_ports(old):
        for port in new.get("ports") or ():
            port.pop("nodePort", None)
    if needs_health_check_port(old) and not needs_health_check_port(new):
        drop("healthCheckNodePort")
    if old.get("type") == "LoadBalancer" and new.get("type") != "LoadBalancer":
        drop("allocateLoadBalancerNodePorts")
        drop("loadBalancerClass")
    if externally_accessible(old) and not externally_accessible(new):
        drop("externalTrafficPolicy")


def _node_ports(spec: Object) -> set[int]:
    return {p["nodePort"] for p in spec.get("ports") or () if p.get("nodePort")}


def _copy(new: Object, old: Object, name: str) -> None:
    if old.get(name):
        new[name] = old[name]
