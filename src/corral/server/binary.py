"""Cached objects in protobuf: encoded when somebody asks, kept while they are asked for, within bounds.

Controllers in Go list and watch the same objects again and again; each state of an object is encoded once for all of them.
"""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from corral.api.resources import Resource

if TYPE_CHECKING:
    from corral.server.changes import Cached
    from corral.server.core import Core

LIMIT_BYTES = 16 * 1024 * 1024
#: So many objects are encoded before others have a turn: some milliseconds.
AT_A_TIME = 50


class Binary:
    """The messages of objects that were asked for last."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        #: (apiVersion, state of an object) → its message, those asked for last at the end.
        self._kept: OrderedDict[tuple[str, Cached], bytes] = OrderedDict()
        self.size_bytes = 0

    def message(self, core: "Core", resource: Resource, item: "Cached") -> bytes:
        """The object's message in the version of `resource`."""
        key = (resource.api_version, item)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        from corral.api.protobuf import encode_message

        made = encode_message(resource.api_version, resource.kind, core.parsed(resource, item))
        self._kept[key] = made
        self.size_bytes += len(made) + len(item.raw)
        while self.size_bytes > self._limit_bytes:
            (_, old), message = self._kept.popitem(last=False)
            self.size_bytes -= len(message) + len(old.raw)
        return made

    def body(self, core: "Core", resource: Resource, item: "Cached") -> bytes:
        """The object as a body of its own."""
        from corral.api.protobuf import enveloped

        return enveloped(resource.api_version, resource.kind, self.message(core, resource, item))

    async def items(self, core: "Core", resource: Resource, items: "list[Cached]") -> list[bytes]:
        """Objects as they stand in a list; others have their turn in between."""
        from corral.api.protobuf import list_item

        made = []
        for start in range(0, len(items), AT_A_TIME):
            made += [list_item(self.message(core, resource, item)) for item in items[start : start + AT_A_TIME]]
            await asyncio.sleep(0)
        return made
