"""The EndpointSlices of Services with a selector: which pods serve it, and in which state they are.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from collections.abc import Iterable, Mapping

from corral.api.objects import Key, Object
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client
from corral.client.informer import Informers, by_namespace
from corral.controllers import services as facts
from corral.controllers.actions import Action, Actor, Create
from corral.controllers.pods import is_ready, owner_reference
from corral.controllers.slices import MANAGED_BY_LABEL, SERVICE_LABEL, SLICES, Group, arrange
from corral.loop.controller import Controller

MANAGER = "endpointslice-controller.k8s.io"
ZONE_LABEL = "topology.kubernetes.io/zone"
TRIGGER_KEY = "endpoints.kubernetes.io/last-change-trigger-time"


def plan(
    service: Object | None, pods: Iterable[Object], present: Iterable[Object], zones: Mapping[str, str], now_s: float
) -> list[Action]:
    """What must change in the `present` slices (those of this manager). `zones`: the zone of each node that has one."""
    if service is None or not facts.has_pods(service):
        return []  # Slices of a Service that is gone go with it: they are owned by it.
    groups: dict[tuple[object, ...], Group] = {}
    types = facts.address_types(service)
    for pod in sorted(filter(facts.may_serve, pods), key=lambda pod: str(pod["metadata"]["name"])):
        ports = facts.ports_of(service, pod)
        for type in types:
            address = facts.address_of(pod, type)
            if address:
                group = Group(type, ports)
                group = groups.setdefault(group.identity, group)
                group.endpoints.append(endpoint(service, pod, address, zones))
    for type in types:
        if not any(group.address_type == type for group in groups.values()):
            empty = Group(type, [])
            groups[empty.identity] = empty
    return arrange(groups.values(), list(present), _metadata(service, now_s))


def endpoint(service: Object, pod: Object, address: str, zones: Mapping[str, str]) -> Object:
    """One endpoint: `serving` is the pod's readiness, `ready` also asks that it is not being deleted."""
    serving, ending = is_ready(pod), bool(pod["metadata"].get("deletionTimestamp"))
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not ending)
    result: Object = {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": ending},
        "targetRef": facts.reference(pod),
    }
    node = pod["spec"].get("nodeName", "")
    zone, hostname = zones.get(node, ""), facts.hostname_of(service, pod)
    if node:
        result["nodeName"] = node
    if zone:
        result["zone"] = zone
    if hostname:
        result["hostname"] = hostname
    hints = _hints(service["spec"].get("trafficDistribution", ""), zone, node)
    if hints and ready:
        result["hints"] = hints
    return result


def _hints(distribution: str, zone: str, node: str) -> Object:
    """For whom the endpoint is meant first (KEP-4444, KEP-3015)."""
    hints: Object = {}
    if distribution in ("PreferClose", "PreferSameZone", "PreferSameNode") and zone:
        hints["forZones"] = [{"name": zone}]
    if distribution == "PreferSameNode" and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def _metadata(service: Object, now_s: float) -> Object:
    meta = service["metadata"]
    labels = {**meta.get("labels", {}), SERVICE_LABEL: meta["name"], MANAGED_BY_LABEL: MANAGER}
    labels.pop(facts.HEADLESS_LABEL, None)
    if facts.is_headless(service):
        labels[facts.HEADLESS_LABEL] = ""
    return {
        "generateName": f"{meta['name']}-",
        "namespace": meta["namespace"],
        "labels": labels,
        "annotations": {TRIGGER_KEY: rfc3339(now_s)},
        "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Service", "metadata": meta})],
    }


def by_service(slice: Object) -> list[str]:
    """Index of EndpointSlices: manager, namespace and Service."""
    labels = slice["metadata"].get("labels", {})
    return [index_value(labels.get(MANAGED_BY_LABEL, ""), slice["metadata"]["namespace"], labels.get(SERVICE_LABEL, ""))]


def index_value(manager: str, namespace: str, service: str) -> str:
    """The value of `by_service`."""
    return f"{manager}/{namespace}/{service}"


class EndpointSliceController:
    """Its keys are Services."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._clock = clock
        self._actor = Actor(client)
        self._services = informers.get("services", {"namespace": by_namespace})
        self._pods = informers.get("pods", {"namespace": by_namespace})
        self._nodes = informers.get("nodes")
        self._slices = informers.get(SLICES, {"service": by_service})
        self._writing: dict[Key, int] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One look."""
        if self._slices.revision < self._writing.get(key, 0):
            return None  # A slice that was just made is not seen yet; its event brings the key back.
        self._writing.pop(key, None)
        service = self._services.get(*key)
        if service is None or not facts.has_pods(service):
            return None
        pods = self._pods.indexed("namespace", key.namespace)
        serving = [pod for pod in pods if facts.selects(service, pod["metadata"].get("labels", {}))]
        present = self._slices.indexed("service", index_value(MANAGER, *key))
        actions = plan(service, serving, present, self._zones(serving), self._clock.now())
        for action in actions:
            if isinstance(action, Create):
                made = await self._actor.create(action.resource, action.object)
                if made is not None:
                    self._writing[key] = int(made["metadata"]["resourceVersion"])
        return await self._actor.act(action for action in actions if not isinstance(action, Create))

    def _zones(self, pods: Iterable[Object]) -> dict[str, str]:
        zones = {}
        for name in {pod["spec"].get("nodeName", "") for pod in pods}:
            node = self._nodes.get("", name)
            zone = node["metadata"].get("labels", {}).get(ZONE_LABEL) if node is not None else None
            if zone:
                zones[name] = zone
        return zones


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    this = EndpointSliceController(client, informers, clock)
    services = informers.get("services")
    controller = Controller("endpointslice-controller", this.reconcile, clock=clock)
    controller.watch(services)
    controller.watch(informers.get("pods"), facts.keys_of_pod(services))
    controller.watch(informers.get(SLICES), _of_slice)
    return controller


def _of_slice(slice: Object) -> list[Key]:
    labels = slice["metadata"].get("labels", {})
    if labels.get(MANAGED_BY_LABEL) != MANAGER:
        return []
    return [Key(slice["metadata"]["namespace"], labels.get(SERVICE_LABEL, ""))]
