"""Watches of objects that a conversion webhook may have to convert before they can be shown."""

import asyncio

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.changes import Cached, Change, Filter, View
from corral.server.core import Core


class Converted:
    """Another view, of which changes are told once they are converted; one conversion serves all who watch alike."""

    def __init__(self, view: View, core: Core, resource: Resource) -> None:
        self._view = view
        self._core = core
        self._resource = resource
        self._collection = core.collection(resource)
        self._task: asyncio.Task[None] | None = None
        self._failed: tuple[Change, ApiError] | None = None

    def ready(self, changes: list[Change], filter: Filter | None) -> list[Change]:
        """Those that are converted, from the first on; the others are, soon. Raises ApiError (500) where the webhook fails."""
        for i, change in enumerate(changes):
            if all(self._core.custom.is_prepared(self._resource, item) for item in _shown(change, filter)):
                continue
            if self._failed is not None and self._failed[0] is change:
                raise self._failed[1]
            if self._task is None:
                self._task = asyncio.create_task(self._prepare(changes[i:], filter))
            return changes[:i]
        return changes

    async def _prepare(self, changes: list[Change], filter: Filter | None) -> None:
        try:
            items = [item for change in changes for item in _shown(change, filter)]
            await self._core.prepare(self._resource, items)
        except ApiError as error:
            self._failed = changes[0], error
        finally:
            self._task = None
            self._collection.watchers.wake()

    def encode(self, item: Cached) -> bytes:
        """As the other view."""
        return self._view.encode(item)

    def bookmark(self, shown: Object) -> bytes:
        """As the other view."""
        return self._view.bookmark(shown)

    def status(self, shown: Object) -> bytes:
        """As the other view."""
        return self._view.status(shown)

    def frame(self, type: str, body: bytes) -> bytes:
        """As the other view."""
        return self._view.frame(type, body)

    def __hash__(self) -> int:
        return hash(self._view)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Converted) and other._view == self._view


def _shown(change: Change, filter: Filter | None) -> list[Cached]:
    """The states of an object that a change may show: the old one where it has gone, or left what is selected."""
    items = [] if change.new is None else [change.new]
    if change.old is not None and (change.new is None or filter is not None):
        items.append(change.old)
    return items
