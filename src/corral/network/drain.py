"""When a pod that is to end gets no new connections any more: what the node agent waits for before it stops its containers.

The reference lets the two race, and asks users to put a `preStop: sleep` in between. Here agent and proxy live in one process:
the wait is for the EndpointSlices to show the pod as terminating and for the kernel to have the rules that follow from it.
"""

import asyncio
from collections.abc import Iterable

from corral.api.objects import Object
from corral.client.informer import Change, Informer


class Drain:
    """Follows the EndpointSlices. `settled` is set while the kernel's rules are those of the newest slices."""

    def __init__(self, slices: Informer, settled: asyncio.Event) -> None:
        self._slices = slices
        self._settled = settled
        self._moved = asyncio.Event()
        slices.add_index("address", by_address)
        slices.listen(self._slice_changed)

    async def wait(self, addresses: Iterable[str]) -> None:
        """Return when no Service sends new connections to the pod with these addresses, as long as it has other pods."""
        addresses = set(addresses)
        while any(self._in_use(address) for address in addresses):
            await self._moved.wait()
        await self._settled.wait()

    def _in_use(self, address: str) -> bool:
        for slice in self._slices.indexed("address", address):
            for endpoint in slice.get("endpoints") or ():
                terminating = (endpoint.get("conditions") or {}).get("terminating")
                if address in endpoint.get("addresses", ()) and not terminating:
                    return True
        return False

    def _slice_changed(self, change: Change) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def by_address(slice: Object) -> Iterable[str]:
    """Index of EndpointSlices: the addresses of their endpoints."""
    return [address for endpoint in slice.get("endpoints") or () for address in endpoint.get("addresses", ())]
