"""IPAddress objects of Services' cluster addresses, and ServiceCIDRs that stay while addresses of theirs are in use.

The API server gives the addresses out (`server.allocation`); here they become objects that people and other allocators can see.
https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects (KEP-1880)
"""

import ipaddress
from collections.abc import Iterable

from corral.api.kinds.ipaddress import FAMILY, MANAGED_BY, MANAGER, follows_service
from corral.api.kinds.servicecidr import FINALIZER, Network, networks
from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Create, Delete, Update
from corral.controllers.conditions import with_condition
from corral.loop.controller import Controller

ADDRESSES, RANGES = "ipaddresses.networking.k8s.io", "servicecidrs.networking.k8s.io"
STILL_USED = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"


def plan_addresses(key: Key, service: Object | None, present: Iterable[Object]) -> list[Action]:
    """One object for each cluster address of the Service `key`; `present` are those that name it."""
    held = {each["metadata"]["name"]: each for each in present}
    wanted = cluster_addresses(service) if service is not None else []
    actions: list[Action] = [Create(ADDRESSES, _address(key, each)) for each in wanted if each not in held]
    for name, found in held.items():
        if name not in wanted and follows_service(found):
            actions.append(Delete(ADDRESSES, Key("", name), found["metadata"]["uid"]))
    return actions


def plan_range(found: Object, others: Iterable[Object], addresses: Iterable[str], now_s: float) -> list[Action]:
    """A ServiceCIDR is ready; one that is deleted waits until no other holds the addresses that are in use of it."""
    meta, status = found["metadata"], found.get("status") or {}
    conditions = status.get("conditions") or []
    if not meta.get("deletionTimestamp"):
        if FINALIZER not in meta.get("finalizers", ()):
            return [Update(RANGES, {**found, "metadata": {**meta, "finalizers": [*meta.get("finalizers", ()), FINALIZER]}})]
        made = with_condition(conditions, "Ready", "True", "", "Kubernetes Service CIDR is ready", now_s)
    else:
        if FINALIZER not in meta.get("finalizers", ()):
            return []
        elsewhere = [network for other in others if "deletionTimestamp" not in other["metadata"] for network in networks(other)]
        own = networks(found)
        if not any(_within(each, own) and not _within(each, elsewhere) for each in addresses):
            left = [name for name in meta["finalizers"] if name != FINALIZER]
            return [Update(RANGES, {**found, "metadata": {**meta, "finalizers": left}})]
        made = with_condition(conditions, "Ready", "False", "Terminating", STILL_USED, now_s)
    return [] if made == conditions else [Update(RANGES, {**found, "status": {**status, "conditions": made}}, "status")]


def cluster_addresses(service: Object) -> list[str]:
    """The addresses that a Service was given."""
    return [each for each in service["spec"].get("clusterIPs") or () if each not in ("", "None")]


def service_of(address: Object) -> list[str]:
    """Index: the Service (`NAMESPACE/NAME`) that an IPAddress belongs to."""
    parent = (address.get("spec") or {}).get("parentRef") or {}
    return [f"{parent.get('namespace', '')}/{parent['name']}"] if parent.get("resource") == "services" else []


def build(client: Client, informers: Informers, clock: Clock) -> list[Controller]:
    """A controller for addresses, whose keys are Services, and one for ranges."""
    actor = Actor(client)
    services, ranges = informers.get("services"), informers.get(RANGES)
    addresses = informers.get(ADDRESSES, {"service": service_of})

    async def reconcile_service(key: Key) -> float | None:
        present = addresses.indexed("service", str(key))
        return await actor.act(plan_addresses(key, services.get(*key), present))

    async def reconcile_range(key: Key) -> float | None:
        found = ranges.get(*key)
        if found is None:
            return None
        others = [each for each in ranges.objects() if each["metadata"]["name"] != key.name]
        used = [each["metadata"]["name"] for each in addresses.objects()] if "deletionTimestamp" in found["metadata"] else []
        return await actor.act(plan_range(found, others, used, clock.now()))

    def waiting_ranges(_: Object) -> list[Key]:
        return [Key("", each["metadata"]["name"]) for each in ranges.objects() if "deletionTimestamp" in each["metadata"]]

    of_addresses = Controller("service-ip-addresses", reconcile_service, workers=1, clock=clock)
    of_addresses.watch(services)
    of_addresses.watch(addresses, lambda each: [Key(*name.split("/", 1)) for name in service_of(each)])
    of_ranges = Controller("service-cidr", reconcile_range, workers=1, clock=clock)
    of_ranges.watch(ranges)
    of_ranges.watch(ranges, waiting_ranges)
    of_ranges.watch(addresses, waiting_ranges)
    return [of_addresses, of_ranges]


def _address(key: Key, address: str) -> Object:
    family = f"IPv{ipaddress.ip_address(address).version}"
    meta = {"name": address, "labels": {FAMILY: family, MANAGED_BY: MANAGER}}
    parent = {"resource": "services", "namespace": key.namespace, "name": key.name}
    return {"kind": "IPAddress", "apiVersion": "networking.k8s.io/v1", "metadata": meta, "spec": {"parentRef": parent}}


def _within(address: str, found: Iterable[Network]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == network.version and parsed in network for network in found)
