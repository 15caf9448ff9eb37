"""What the API says of this node: its labels and taints, which others write, and by which it takes pods or does not."""

import asyncio
import logging

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.selectors import matches_node
from corral.client.client import Client
from corral.client.informer import Change, Informer

log = logging.getLogger(__name__)


class OwnNode:
    """The newest state of the node called `name` that is known. `run` keeps up with the API."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._informer = Informer(client, "nodes", field_selector=f"metadata.name={name}")
        self._informer.listen(self._changed)
        self._node: Object | None = None

    @property
    def synced(self) -> asyncio.Event:
        """Set once the API has told what it knows of the node."""
        return self._informer.synced

    async def run(self) -> None:
        """Follow the node until cancelled."""
        await self._informer.run()

    def get(self) -> Object | None:
        """The node; None where the API does not have it yet."""
        return self._node

    async def look(self, pod: Object) -> None:
        """Ask the API itself where `pod` does not belong here as far as is known: news of the node may be on their way."""
        if self._node is not None and matches_node(pod["spec"], self._node):
            return
        try:
            self._learn(await self._client.get("nodes", self._name))
        except ApiError as error:
            log.debug("node %s: %s", self._name, error)
        except Exception as error:  # The connection may fail in many ways; what is known counts then.
            log.debug("node %s: %r", self._name, error)

    def _changed(self, change: Change) -> None:
        if change.new is None:
            self._node = None
        else:
            self._learn(change.new.object)

    def _learn(self, node: Object) -> None:
        if self._node is None or _revision(node) >= _revision(self._node):
            self._node = node


def _revision(node: Object) -> int:
    return int(node["metadata"]["resourceVersion"])
