"""Ports of the node that lead to a pod on it (`hostPort`): a pure plan from the pod.

https://kubernetes.io/docs/concepts/configuration/overview/#services
"""

from collections.abc import Iterator
from ipaddress import IPv4Address

from corral.api.objects import Object
from corral.network.nft.rules import Element, Rendered

ENDED = ("Succeeded", "Failed")


def render_host_ports(pod: Object) -> Rendered:
    """What the host ports of `pod` add to the table of its node; nothing while it has no address of its own."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    ip = status.get("podIP", "")
    out = Rendered()
    if spec.get("hostNetwork") or status.get("phase") in ENDED or not _is_ipv4(ip):
        return out
    for port in _ports(spec):
        protocol = port.get("protocol", "TCP").lower()
        host_ip = port.get("hostIP") or "0.0.0.0"
        place = f"{ip} . {port['containerPort']}"
        if host_ip == "0.0.0.0":
            out.elements.append(Element("host_ports", f"{protocol} . {port['hostPort']}", place))
        elif _is_ipv4(host_ip):
            out.elements.append(Element("host_ip_ports", f"{host_ip} . {protocol} . {port['hostPort']}", place))
    if out.elements:
        out.elements.append(Element("hairpins", f"{ip} . {ip}"))
    return out


def _ports(spec: Object) -> Iterator[Object]:
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
