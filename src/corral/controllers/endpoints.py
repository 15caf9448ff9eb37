"""The Endpoints of Services with a selector: the older form of EndpointSlices, for clients that know only that.

https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

import ipaddress
from collections.abc import Iterable, Mapping

from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers, by_namespace
from corral.controllers import services as facts
from corral.controllers.actions import Action, Actor, Create, Delete, Update
from corral.controllers.pods import is_ready
from corral.loop.controller import Controller

MANAGED_BY_LABEL = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"
CAPACITY_KEY = "endpoints.kubernetes.io/over-capacity"
TRIGGER_KEY = "endpoints.kubernetes.io/last-change-trigger-time"
MAX_ADDRESSES = 1000


def plan(key: Key, service: Object | None, pods: Iterable[Object], present: Object | None) -> list[Action]:
    """Make, change, or (with the Service) delete the Endpoints `key`."""
    if service is None:
        managed = present is not None and present["metadata"].get("labels", {}).get(MANAGED_BY_LABEL) == MANAGER
        return [Delete("endpoints", key, present["metadata"]["uid"])] if present is not None and managed else []
    if not facts.has_pods(service):
        return []
    subsets, over = _limited(subsets_of(service, pods))
    labels = {**service["metadata"].get("labels", {}), MANAGED_BY_LABEL: MANAGER}
    labels.pop(facts.HEADLESS_LABEL, None)
    if facts.is_headless(service):
        labels[facts.HEADLESS_LABEL] = ""
    if present is None:
        metadata: Object = {"name": key.name, "namespace": key.namespace, "labels": labels}
        if over:
            metadata["annotations"] = {CAPACITY_KEY: "truncated"}
        return [Create("endpoints", {"kind": "Endpoints", "apiVersion": "v1", "metadata": metadata, "subsets": subsets})]
    annotations = dict(present["metadata"].get("annotations", {}))
    annotations.pop(CAPACITY_KEY, None)
    if over:
        annotations[CAPACITY_KEY] = "truncated"
    metadata = {**present["metadata"], "labels": labels, "annotations": annotations}
    if not annotations:
        del metadata["annotations"]
    wanted = {**present, "metadata": metadata, "subsets": subsets}
    same = (present.get("subsets") or []) == subsets and present["metadata"] == metadata
    return [] if same else [Update("endpoints", wanted)]


def subsets_of(service: Object, pods: Iterable[Object]) -> list[Object]:
    """Addresses with the same ports together, ready ones apart from those that are not."""
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    type = facts.address_types(service)[0]
    grouped: dict[tuple[tuple[str, ...], ...], tuple[list[Object], dict[str, list[Object]]]] = {}
    for pod in pods:
        address = facts.address_of(pod, type) if facts.may_serve(pod) else ""
        if not address or (pod["metadata"].get("deletionTimestamp") and not publish):
            continue
        ports = sorted((_port(port) for port in facts.ports_of(service, pod)), key=_port_identity)
        if service["spec"].get("ports") and not ports:
            continue
        _, places = grouped.setdefault(tuple(map(_port_identity, ports)), (ports, {}))
        where = "addresses" if publish or is_ready(pod) else "notReadyAddresses"
        places.setdefault(where, []).append(_address(service, pod, address))
    subsets = []
    for _, (ports, places) in sorted(grouped.items()):
        subset: Object = {where: sorted(found, key=_order) for where, found in sorted(places.items())}
        if ports:
            subset["ports"] = ports
        subsets.append(subset)
    return subsets


def _address(service: Object, pod: Object, address: str) -> Object:
    result: Object = {"ip": address, "targetRef": facts.reference(pod)}
    if pod["spec"].get("nodeName"):
        result["nodeName"] = pod["spec"]["nodeName"]
    hostname = facts.hostname_of(service, pod)
    if hostname:
        result["hostname"] = hostname
    return result


def _port(port: Object) -> Object:
    return {name: value for name, value in port.items() if value}


def _port_identity(port: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(port.get(name) or "") for name in ("name", "protocol", "port", "appProtocol"))


def _order(address: Object) -> tuple[int, str]:
    return int(ipaddress.ip_address(address["ip"])), address["targetRef"]["uid"]


def _limited(subsets: list[Object]) -> tuple[list[Object], bool]:
    """At most MAX_ADDRESSES addresses, ready ones before others; whether some were left out."""
    total = sum(len(subset.get(where, ())) for subset in subsets for where in ("addresses", "notReadyAddresses"))
    if total <= MAX_ADDRESSES:
        return subsets, False
    room = MAX_ADDRESSES
    result: list[Object] = [{"ports": s["ports"]} if "ports" in s else {} for s in subsets]
    for where in ("addresses", "notReadyAddresses"):
        for subset, limited in zip(subsets, result, strict=True):
            kept = subset.get(where, [])[:room]
            room -= len(kept)
            if kept:
                limited[where] = kept
    return [s for s in result if "addresses" in s or "notReadyAddresses" in s], True


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are Services."""
    services = informers.get("services", {"namespace": by_namespace})
    pods, endpoints = informers.get("pods", {"namespace": by_namespace}), informers.get("endpoints")
    actor = Actor(client)

    async def reconcile(key: Key) -> float | None:
        service = services.get(*key)
        serving: list[Object] = []
        if service is not None and facts.has_pods(service):
            found = pods.indexed("namespace", key.namespace)
            serving = [pod for pod in found if facts.selects(service, pod["metadata"].get("labels", {}))]
        return await actor.act(plan(key, service, serving, endpoints.get(*key)))

    controller = Controller("endpoint-controller", reconcile, clock=clock)
    controller.watch(services)
    controller.watch(pods, facts.keys_of_pod(services))
    controller.watch(endpoints)
    return controller
