"""The service proxy: keeps the kernel's table true to Services, EndpointSlices, and the host ports of this node's pods.

It starts with one transaction that replaces whatever an earlier process left, so a restart leaves no gap. Then it applies
what changes; changes that come while nft runs make up the next transaction.
"""

import asyncio
import logging
from collections.abc import Container, Hashable, Iterable

from corral.api.objects import Key
from corral.base.errors import CorralError
from corral.client.informer import Change, Informer
from corral.network import conntrack
from corral.network.hostports import render_host_ports
from corral.network.nft.rules import Ranges, Rendered, render
from corral.network.nft.table import Table
from corral.network.services import ServicePort, by_service, plan, service_of

log = logging.getLogger(__name__)

CHECK_PERIOD_S = 30.0
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 10.0


class ServiceProxy:
    """Runs one table for the node called `node`. `slices` gets the index `service`; `pods` are this node's, if given.

    A Service whose cluster IP is in `answered` gets no rules: the node itself answers there, as it does for the cluster's DNS.
    """

    def __init__(
        self,
        services: Informer,
        slices: Informer,
        table: Table,
        ranges: Ranges,
        node: str,
        pods: Informer | None = None,
        *,
        answered: Container[str] = (),
    ) -> None:
        self._services = services
        self._slices = slices
        self._table = table
        self._ranges = ranges
        self._node = node
        self._answered = answered
        self._ports: dict[Key, list[ServicePort]] = {}
        self._dirty: set[Key] = set()
        self._pods = pods
        self._dirty_pods: set[Key] = set()
        self._wake = asyncio.Event()
        self.synced = asyncio.Event()
        #: Set while the kernel's rules are those of the newest objects.
        self.settled = asyncio.Event()
        slices.add_index("service", by_service)
        services.listen(self._service_changed)
        slices.listen(self._slice_changed)
        if pods is not None:
            pods.listen(self._pod_changed)

    async def run(self) -> None:
        """Until cancelled. An error of nft is told, and the whole table set anew after a pause."""
        for informer in (self._services, self._slices, self._pods):
            if informer is not None:
                await informer.synced.wait()
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await self._replace()
                self.synced.set()
                delay_s = RETRY_FIRST_S
                await self._follow()
            except (CorralError, TimeoutError) as error:
                log.warning("service rules: %s; again in %.1f s", error, delay_s)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _replace(self) -> None:
        self._dirty.clear()
        self._dirty_pods.clear()
        self._ports = {item.key: self._plan(item.key) for item in self._services.items()}
        parts: dict[Hashable, Rendered] = {}
        for ports in self._ports.values():
            parts |= self._render(ports)
        for item in self._pods.items() if self._pods is not None else ():
            parts[item.key] = render_host_ports(item.object)
        await self._table.replace(parts)
        self._rest()
        await conntrack.forget_stale(port for ports in self._ports.values() for port in ports)

    async def _follow(self) -> None:
        """Apply changes. Returns when the table has to be set anew."""
        while True:
            try:
                async with asyncio.timeout(CHECK_PERIOD_S):
                    await self._wake.wait()
            except TimeoutError:
                if await self._table.present():
                    continue
                log.warning("the table %s is gone: setting it anew", self._table.name)
                return
            self._wake.clear()
            changes, changed = self._changes()
            await self._table.update(changes)
            self._rest()
            await conntrack.forget_stale(changed)

    def _changes(self) -> tuple[dict[Hashable, Rendered | None], list[ServicePort]]:
        """What has to be set for all that changed since the last time, and the ports among it."""
        dirty, self._dirty = self._dirty, set()
        dirty_pods, self._dirty_pods = self._dirty_pods, set()
        changes: dict[Hashable, Rendered | None] = {}
        changed: list[ServicePort] = []
        for key in dirty:
            old, new = self._ports.get(key, []), self._plan(key)
            if old == new:
                continue
            changes |= dict.fromkeys(map(_owner, old))
            changes |= self._render(new)
            changed += [port for port in new if port not in old]
            if new:
                self._ports[key] = new
            else:
                self._ports.pop(key, None)
        for key in dirty_pods:
            pod = self._pods.get(*key) if self._pods is not None else None
            changes[key] = render_host_ports(pod) if pod is not None else None
        return changes, changed

    def _plan(self, key: Key) -> list[ServicePort]:
        service = self._services.get(*key)
        if service is None or service["spec"].get("clusterIP") in self._answered:
            return []
        return plan(service, self._slices.indexed("service", str(key)), self._node)

    def _render(self, ports: Iterable[ServicePort]) -> dict[Hashable, Rendered]:
        return {_owner(port): render(port, self._ranges) for port in ports}

    def _service_changed(self, change: Change) -> None:
        self._mark(change.key)

    def _slice_changed(self, change: Change) -> None:
        for item in (change.old, change.new):
            if item is not None:
                self._mark(service_of(item.object))

    def _pod_changed(self, change: Change) -> None:
        self._dirty_pods.add(change.key)
        self._disturb()

    def _mark(self, key: Key) -> None:
        self._dirty.add(key)
        self._disturb()

    def _disturb(self) -> None:
        self.settled.clear()
        self._wake.set()

    def _rest(self) -> None:
        if not self._dirty and not self._dirty_pods:
            self.settled.set()


def _owner(port: ServicePort) -> Hashable:
    return port.service, port.protocol, port.name
