"""Services. Allocation of addresses and ports is the server's; here is what surrounds it."""

from corral.api.fields import Errors
from corral.api.kinds import rows, servicecheck
from corral.api.kinds.servicespec import (
    drop_unneeded,
    externally_accessible,
    keep_allocated,
    needs_cluster_ip,
    normalize_cluster_ips,
)
from corral.api.objects import Object
from corral.api.rules import Context, Rules

AFFINITY_TIMEOUT_S = 10800


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

    def validate_create(self, obj: Object) -> Errors:
        """Type, ports, addresses, policies."""
        errs = Errors()
        servicecheck.check_service(errs, obj)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same, and what may not change once allocated; or the status."""
        errs = Errors()
        if subresource == "status":
            servicecheck.check_status(errs, new.get("status") or {}, new["spec"])
            return errs
        servicecheck.check_change(errs, new["spec"], old["spec"])
        servicecheck.check_service(errs, new)
        return errs

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Fields without effect."""
        spec, found = obj["spec"], []
        if servicecheck.is_headless(spec):
            if spec.get("loadBalancerIP"):
                found.append("spec.loadBalancerIP is ignored for headless services")
            if spec.get("externalIPs"):
                found.append("spec.externalIPs is ignored for headless services")
            if spec.get("sessionAffinity") != "None":
                found.append("spec.SessionAffinity is ignored for headless services")
        if spec.get("type") == "ExternalName" and spec.get("externalIPs"):
            found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
        return found

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


def _default_affinity(spec: Object) -> None:
    if not spec.get("sessionAffinity"):
        spec["sessionAffinity"] = "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_TIMEOUT_S}}


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
