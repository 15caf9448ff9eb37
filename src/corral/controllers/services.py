"""Which pods serve a Service, at which address and ports.

https://kubernetes.io/docs/concepts/services-networking/service/
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from corral.api.objects import Key, Object, key_of
from corral.client.informer import Informer
from corral.controllers.pods import is_finished

HEADLESS_LABEL = "service.kubernetes.io/headless"


def is_headless(service: Object) -> bool:
    """Whether it has no address of its own: names resolve to its pods."""
    return bool(service["spec"].get("clusterIP", "") == "None")


def has_pods(service: Object) -> bool:
    """Whether its endpoints are found by a selector (not written by somebody else, not a name elsewhere)."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def selects(service: Object, labels: Mapping[str, str]) -> bool:
    """Whether a pod with these labels serves the Service."""
    return has_pods(service) and service["spec"]["selector"].items() <= labels.items()


def keys_of_pod(services: Informer) -> Callable[[Object], list[Key]]:
    """From a pod to the keys of the Services that select it, by the informer's index `namespace`."""

    def keys(pod: Object) -> list[Key]:
        labels = pod["metadata"].get("labels", {})
        candidates = services.indexed("namespace", pod["metadata"]["namespace"])
        return [key_of(service) for service in candidates if selects(service, labels)]

    return keys


def address_types(service: Object) -> list[str]:
    """`IPv4` and `IPv6`, as the Service asks for them; IPv4 where it says nothing."""
    return list(service["spec"].get("ipFamilies") or ["IPv4"])


def address_type(address: str) -> str:
    """`IPv4` or `IPv6`."""
    return f"IPv{ipaddress.ip_address(address).version}"


def address_of(pod: Object, type: str) -> str:
    """The pod's address of that type; '' where it has none."""
    status = pod.get("status", {})
    addresses = [entry["ip"] for entry in status.get("podIPs") or ()] or [status.get("podIP", "")]
    return next((address for address in addresses if address and address_type(address) == type), "")


def may_serve(pod: Object) -> bool:
    """Whether the pod can be an endpoint: it has an address and has not ended."""
    return bool(pod.get("status", {}).get("podIP")) and not is_finished(pod)


def ports_of(service: Object, pod: Object) -> list[Object]:
    """The Service's ports on this pod, as endpoint ports; one whose name the pod does not know is left out."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = _number(port, pod)
        if number is None:
            continue
        found: Object = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
        if port.get("appProtocol"):
            found["appProtocol"] = port["appProtocol"]
        ports.append(found)
    return ports


def hostname_of(service: Object, pod: Object) -> str:
    """The name by which the pod is found below the Service's name in DNS; '' where it asks for none."""
    spec = pod["spec"]
    here = spec.get("subdomain") == service["metadata"]["name"]
    return spec.get("hostname", "") if here else ""


def reference(pod: Object) -> Object:
    """The `targetRef` of an endpoint."""
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _number(port: Object, pod: Object) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    protocol = port.get("protocol", "TCP")
    for container in _port_owners(pod["spec"]):
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and candidate.get("protocol", "TCP") == protocol:
                return int(candidate["containerPort"])
    return None


def _port_owners(spec: Object) -> Iterable[Object]:
    yield from spec.get("containers") or ()
    # Sidecars (KEP-753) serve as long as the pod does.
    yield from (c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always")
