"""EndpointSlices for Endpoints that somebody wrote by hand, for a Service without a selector.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#endpointslice-mirroring
"""

from collections.abc import Iterable

from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers import services as facts
from corral.controllers.actions import Action, Actor, Create, Delete
from corral.controllers.endpointslice import by_service, index_value
from corral.controllers.pods import owner_reference
from corral.controllers.slices import MANAGED_BY_LABEL, SERVICE_LABEL, SLICES, Group, arrange
from corral.loop.controller import Controller

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror"
LEADER_KEY = "control-plane.alpha.kubernetes.io/leader"
LAST_APPLIED_KEY = "kubectl.kubernetes.io/last-applied-configuration"
TRIGGER_KEY = "endpoints.kubernetes.io/last-change-trigger-time"


def plan(service: Object | None, endpoints: Object | None, present: Iterable[Object]) -> list[Action]:
    """What must change in the `present` slices (those of this manager)."""
    olds = list(present)
    if service is None or endpoints is None or not _is_mirrored(service, endpoints):
        return [Delete(SLICES, Key(s["metadata"]["namespace"], s["metadata"]["name"]), s["metadata"]["uid"]) for s in olds]
    groups: dict[tuple[object, ...], Group] = {}
    for subset in endpoints.get("subsets") or ():
        ports = [{"name": "", "protocol": "TCP", **port} for port in subset.get("ports") or ()]
        for where, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(where) or ():
                group = Group(facts.address_type(address["ip"]), ports)
                groups.setdefault(group.identity, group).endpoints.append(_endpoint(address, ready))
    return arrange(groups.values(), olds, _metadata(endpoints))


def _is_mirrored(service: Object, endpoints: Object) -> bool:
    meta = endpoints["metadata"]
    skipped = meta.get("labels", {}).get(SKIP_LABEL) == "true" or LEADER_KEY in meta.get("annotations", {})
    return not service["spec"].get("selector") and not skipped


def _endpoint(address: Object, ready: bool) -> Object:
    result: Object = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for field in ("hostname", "nodeName", "targetRef"):
        if address.get(field):
            result[field] = address[field]
    return result


def _metadata(endpoints: Object) -> Object:
    meta = endpoints["metadata"]
    labels = {**meta.get("labels", {}), SERVICE_LABEL: meta["name"], MANAGED_BY_LABEL: MANAGER}
    dropped = (LAST_APPLIED_KEY, TRIGGER_KEY)
    return {
        "generateName": f"{meta['name']}-",
        "namespace": meta["namespace"],
        "labels": labels,
        "annotations": {key: value for key, value in meta.get("annotations", {}).items() if key not in dropped},
        "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta})],
    }


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are Endpoints."""
    services, endpoints = informers.get("services"), informers.get("endpoints")
    slices = informers.get(SLICES, {"service": by_service})
    actor = Actor(client)
    writing: dict[Key, int] = {}

    async def reconcile(key: Key) -> float | None:
        if slices.revision < writing.get(key, 0):
            return None
        writing.pop(key, None)
        present = slices.indexed("service", index_value(MANAGER, *key))
        actions = plan(services.get(*key), endpoints.get(*key), present)
        for action in actions:
            if isinstance(action, Create):
                made = await actor.create(action.resource, action.object)
                if made is not None:
                    writing[key] = int(made["metadata"]["resourceVersion"])
        return await actor.act(action for action in actions if not isinstance(action, Create))

    def of_slice(slice: Object) -> list[Key]:
        labels = slice["metadata"].get("labels", {})
        mine = labels.get(MANAGED_BY_LABEL) == MANAGER
        return [Key(slice["metadata"]["namespace"], labels.get(SERVICE_LABEL, ""))] if mine else []

    controller = Controller("endpointslicemirroring-controller", reconcile, clock=clock)
    controller.watch(services)
    controller.watch(endpoints)
    controller.watch(slices, of_slice)
    return controller
