"""Services. Allocation of addresses and ports is the server's; here is what surrounds it."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules

AFFINITY_TIMEOUT_S = 10800
_CLUSTER_IP_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")


class ServiceRules(Rules):
    """Rules of v1 Service."""

    has_status = True
    allow_create_on_update = True
    name_format = "dns_1035_label"

    def default(self, obj: Object) -> None:
        """Fill in the type, affinity, ports and traffic policies."""
        spec = obj.setdefault("spec", {})
        _default_affinity(spec)
        if not spec.get("type"):
            spec["type"] = "ClusterIP"
        for port in spec.get("ports") or ():
            if not port.get("protocol"):
                port["protocol"] = "TCP"
            if port.get("targetPort") in (None, 0, ""):
                port["targetPort"] = port.get("port", 0)
        if externally_accessible(spec) and not spec.get("externalTrafficPolicy"):
            spec["externalTrafficPolicy"] = "Cluster"
        if spec.get("internalTrafficPolicy") is None and needs_cluster_ip(spec):
            spec["internalTrafficPolicy"] = "Cluster"
        if spec["type"] == "LoadBalancer":
            if spec.get("allocateLoadBalancerNodePorts") is None:
                spec["allocateLoadBalancerNodePorts"] = True
            for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
                if ingress.get("ip") and ingress.get("ipMode") is None:
                    ingress["ipMode"] = "VIP"

    def prepare_create(self, obj: Object, context: Context) -> None:
        """An empty status; clusterIPs follow clusterIP."""
        obj["status"] = {"loadBalancer": {}}
        normalize_cluster_ips(obj["spec"], None)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """Keep what was allocated, drop what only the former type needed."""
        super().prepare_update(new, old, subresource, context)
        if not subresource:
            keep_allocated(new["spec"], old["spec"])
            normalize_cluster_ips(new["spec"], old["spec"])
            drop_unneeded(new["spec"], old["spec"])

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj["spec"]
        return [
            rows.name(obj),
            spec.get("type", ""),
            spec.get("clusterIP") or "<none>",
            _external_ip(obj),
            ",".join(_port(p) for p in spec.get("ports") or ()) or "<none>",
            rows.age(obj, now_s),
            rows.labels(spec.get("selector")),
        ]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The address and the type."""
        spec = obj["spec"]
        return {"spec.clusterIP": spec.get("clusterIP", ""), "spec.type": spec.get("type", "")}


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


def _default_affinity(spec: Object) -> None:
    if not spec.get("sessionAffinity"):
        spec["sessionAffinity"] = "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_TIMEOUT_S}}


def _node_ports(spec: Object) -> set[int]:
    return {p["nodePort"] for p in spec.get("ports") or () if p.get("nodePort")}


def _copy(new: Object, old: Object, name: str) -> None:
    if old.get(name):
        new[name] = old[name]


def _port(port: Object) -> str:
    number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else port.get("port", 0)
    return f"{number}/{port.get('protocol', '')}"


def _external_ip(obj: Object) -> str:
    spec = obj["spec"]
    kind, external = spec.get("type"), list(spec.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        found = sorted({i.get("ip") or i.get("hostname") for i in ingress} - {None, ""})
        return ",".join([*found, *external]) or "<pending>"
    return (",".join(external) or "<none>") if kind in ("ClusterIP", "NodePort") else "<unknown>"


RULES = {"Service": ServiceRules()}
