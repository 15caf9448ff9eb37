"""Cluster addresses and node ports of Services: what is free, and who has just been promised what.

What is taken follows from the Services in the cache, and from IPAddress objects that others than Corral have made; promises
that are not yet stored are held by a `Claim`. Addresses come from every ready ServiceCIDR (KEP-1880), the upper band first
(KEP-3070): https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/.
"""

import ipaddress
import random
from collections import Counter
from collections.abc import Iterable

from corral.api.fields import Errors
from corral.api.kinds.ipaddress import follows_service
from corral.api.kinds.servicecidr import Network, networks
from corral.api.kinds.servicespec import needs_cluster_ip, needs_health_check_port, needs_node_port
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.cache import Cache, Collection
from corral.server.changes import Change
from corral.server.config import ServerConfig

HEADLESS = "None"
RANDOM_TRIES = 16


class Claim:
    """Addresses and ports promised to a write that is under way."""

    def __init__(self, pending: Counter[str]) -> None:
        self._pending = pending
        self._own: list[str] = []

    def take(self, what: str) -> None:
        """Promise an address or port."""
        self._pending[what] += 1
        self._own.append(what)

    def release(self) -> None:
        """The write is in the cache, or has failed."""
        for what in self._own:
            self._pending[what] -= 1
            if not self._pending[what]:
                del self._pending[what]
        self._own.clear()


class Allocation:
    """The allocator. Ports are `port/PROTOCOL`, addresses are themselves."""

    def __init__(self, config: ServerConfig, services: Collection, ranges: Collection, addresses: Collection) -> None:
        self._network = ipaddress.ip_network(config.service_cidr)
        #: ServiceCIDR → its ranges of this cluster's family, where it is ready.
        self._ranges: dict[str, list[Network]] = {}
        #: Addresses that other allocators have given away.
        self._reserved: set[str] = set()
        self._ports = range(config.node_port_min, config.node_port_max + 1)
        self._taken: Counter[str] = Counter()
        self._pending: Counter[str] = Counter()
        follows = (services, self._follow), (ranges, self._follow_range), (addresses, self._follow_address)
        for collection, follow in follows:
            for item in collection.items.values():
                follow(Change(item.revision, None, item))
            collection.listen(follow)

    def _follow_range(self, change: Change) -> None:
        for item in (change.old, change.new):
            if item is not None:
                self._ranges.pop(item.name, None)
        if change.new is not None and _is_ready(change.new.object):
            found = networks(change.new.object)
            self._ranges[change.new.name] = [each for each in found if each.version == self._network.version]

    def _follow_address(self, change: Change) -> None:
        for item in (change.old, change.new):
            if item is not None:
                self._reserved.discard(item.name)
        if change.new is not None and not follows_service(change.new.object):
            self._reserved.add(change.new.name)

    @property
    def _networks(self) -> list[Network]:
        found = [network for each in self._ranges.values() for network in each]
        # The cluster's own range first, and alone while no object tells of any.
        return sorted(found, key=lambda network: network != self._network) or [self._network]

    def _follow(self, change: Change) -> None:
        if change.old is not None:
            for what in _holdings(change.old.object):
                self._taken[what] -= 1
                if self._taken[what] <= 0:
                    del self._taken[what]
        if change.new is not None:
            self._taken.update(_holdings(change.new.object))

    def for_create(self, resource: Resource, obj: Object, errors: Errors) -> Claim | None:
        """Give a new Service what it needs; None for other kinds. Faults go to `errors`."""
        if resource.plural != "services" or resource.group:
            return None
        return self._allocate(obj, None, errors)

    def for_update(self, resource: Resource, new: Object, old: Object, errors: Errors) -> Claim | None:
        """Give a changed Service what it needs beyond what it has."""
        if resource.plural != "services" or resource.group:
            return None
        return self._allocate(new, old, errors)

    def _allocate(self, new: Object, old: Object | None, errors: Errors) -> Claim:
        claim = Claim(self._pending)
        spec = new.setdefault("spec", {})
        has = set() if old is None else set(_holdings(old))
        self._families(spec, errors)
        if not errors and needs_cluster_ip(spec):
            self._addresses(spec, new["metadata"].get("name", ""), has, claim, errors)
        if not errors and needs_node_port(spec):
            self._node_ports(spec, has, claim, errors)
        if not errors and needs_health_check_port(spec):
            self._health_check_port(spec, has, claim, errors)
        if errors:
            claim.release()
        return claim

    def _families(self, spec: Object, errors: Errors) -> None:
        """Set ipFamilies and ipFamilyPolicy of a cluster with one family."""
        if not needs_cluster_ip(spec):
            return
        own = f"IPv{self._network.version}"
        if spec.get("clusterIP") == HEADLESS and not spec.get("selector"):
            spec.setdefault("ipFamilyPolicy", "RequireDualStack")
            families = spec.setdefault("ipFamilies", [own])
            other = "IPv6" if families[0] == "IPv4" else "IPv4"
            if spec["ipFamilyPolicy"] != "SingleStack" and len(families) == 1:
                families.append(other)
            return
        policy = spec.get("ipFamilyPolicy")
        for i, family in enumerate(spec.get("ipFamilies") or ()):
            if family != own and family in ("IPv4", "IPv6"):
                errors.invalid(f"spec.ipFamilies[{i}]", family, "not configured on this cluster")
        if policy == "RequireDualStack":
            errors.invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")
        if not policy:
            spec["ipFamilyPolicy"] = "SingleStack"
        if not spec.get("ipFamilies"):
            spec["ipFamilies"] = [own]

    # Addresses

    def _addresses(self, spec: Object, name: str, has: set[str], claim: Claim, errors: Errors) -> None:
        if spec.get("clusterIP") == HEADLESS:
            return
        wanted = [address for address in spec.get("clusterIPs") or [spec.get("clusterIP", "")] if address]
        if not wanted:
            address = self._free_address()
            if address is None:
                errors.internal("spec.clusterIPs", "failed to allocate a serviceIP: range is full")
                return
            if not name:
                # An address belongs to a Service with a name.
                why = f'IPAddress.networking.k8s.io "{address}" is invalid: spec.parentRef.name: Required value'
                errors.invalid("spec.clusterIPs", [""], f"failed to allocate IP: {why}")
                return
            claim.take(address)
            spec["clusterIP"], spec["clusterIPs"] = address, [address]
            return
        address = wanted[0]
        if address in has:
            return
        fault = self._address_fault(address)
        if fault is not None:
            if fault:
                errors.invalid("spec.clusterIPs", wanted, f"failed to allocate IP {address}: {fault}")
            return
        claim.take(address)

    def _address_fault(self, address: str) -> str | None:
        """Why an address cannot be had, None where it can; '' for what is no address (validation tells)."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return ""
        if not any(parsed in network for network in self._networks):
            return "the provided network does not match the current range"
        if self._busy(address):
            return "provided IP is already allocated"
        return None

    def _free_address(self) -> str | None:
        for network in self._networks:
            if (address := self._free_in(network)) is not None:
                return address
        return None

    def _free_in(self, network: Network) -> str | None:
        size = network.num_addresses
        first, last = 1, size - (2 if network.version == 4 else 1)
        band = min(max(16, size // 16), 256)
        lowest = band if band < last else first
        for _ in range(RANDOM_TRIES):
            address = str(network[random.randint(lowest, last)])
            if not self._busy(address):
                return address
        for i in (*range(lowest, last + 1), *range(first, lowest)):
            address = str(network[i])
            if not self._busy(address):
                return address
        return None

    # Ports

    def _node_ports(self, spec: Object, has: set[str], claim: Claim, errors: Errors) -> None:
        own: dict[int, set[str]] = {}
        for i, port in enumerate(spec.get("ports") or ()):
            number, protocol = port.get("nodePort") or 0, port.get("protocol", "TCP")
            if not number:
                continue
            key = f"{number}/{protocol}"
            path = f"spec.ports[{i}].nodePort"
            if key not in has and number not in own:
                if number not in self._ports:
                    errors.invalid(path, number, self._port_range_fault())
                    continue
                if self._busy(key):
                    errors.invalid(path, number, "provided port is already allocated")
                    continue
            if key not in has:
                claim.take(key)
            own.setdefault(number, set()).add(protocol)
        for port in spec.get("ports") or ():
            if port.get("nodePort") or errors:
                continue
            protocol = port.get("protocol", "TCP")
            number = _node_port_of(spec["ports"], port.get("port")) or self._free_port()
            if not number:
                errors.internal("spec.ports", "failed to allocate a nodePort: range is full")
                return
            port["nodePort"] = number
            claim.take(f"{number}/{protocol}")

    def _health_check_port(self, spec: Object, has: set[str], claim: Claim, errors: Errors) -> None:
        number = spec.get("healthCheckNodePort") or 0
        if number:
            key = f"{number}/TCP"
            if key in has:
                return
            if number not in self._ports:
                errors.invalid("spec.healthCheckNodePort", number, self._port_range_fault())
            elif self._busy(key):
                errors.internal(
                    "spec.healthCheckNodePort",
                    f"failed to allocate requested HealthCheck NodePort {number}: provided port is already allocated",
                )
            else:
                claim.take(key)
            return
        free = self._free_port()
        if free is None:
            errors.internal("spec.healthCheckNodePort", "failed to allocate a HealthCheck NodePort: range is full")
            return
        spec["healthCheckNodePort"] = free
        claim.take(f"{free}/TCP")

    def _free_port(self) -> int | None:
        for _ in range(RANDOM_TRIES):
            number = random.choice(self._ports)
            if not self._port_busy(number):
                return number
        return next((number for number in self._ports if not self._port_busy(number)), None)

    def _port_busy(self, number: int) -> bool:
        return any(self._busy(f"{number}/{protocol}") for protocol in ("TCP", "UDP", "SCTP"))

    def _port_range_fault(self) -> str:
        valid = f"{self._ports.start}-{self._ports.stop - 1}"
        return f"provided port is not in the valid range. The range of valid ports is {valid}"

    def _busy(self, what: str) -> bool:
        return what in self._taken or what in self._pending or what in self._reserved


def allocation_of(config: ServerConfig, cache: Cache) -> Allocation:
    """The allocator over a server's cache."""
    kinds = ("services", "servicecidrs.networking.k8s.io", "ipaddresses.networking.k8s.io")
    return Allocation(config, *map(cache.collection, kinds))


def _is_ready(found: Object) -> bool:
    if "deletionTimestamp" in found["metadata"]:
        return False
    conditions = (found.get("status") or {}).get("conditions") or ()
    return all(each["status"] == "True" for each in conditions if each["type"] == "Ready")


def _node_port_of(ports: list[Object], number: int | None) -> int:
    """The node port of the ports with this number, as one for all protocols is wanted (DNS over UDP and TCP); 0: none yet."""
    return next((port["nodePort"] for port in ports if port.get("port") == number and port.get("nodePort")), 0)


def _holdings(service: Object) -> Iterable[str]:
    """The addresses and ports that a Service holds."""
    spec = service.get("spec") or {}
    for address in spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else []):
        if address not in ("", HEADLESS):
            yield address
    for port in spec.get("ports") or ():
        if port.get("nodePort"):
            yield f"{port['nodePort']}/{port.get('protocol', 'TCP')}"
    if spec.get("healthCheckNodePort"):
        yield f"{spec['healthCheckNodePort']}/TCP"
