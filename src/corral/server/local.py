"""The API for callers in the same process: no TLS, no HTTP, and the very bytes of the watch cache."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import orjson

from corral.api.errors import REASONS, ApiError
from corral.api.objects import Key
from corral.client.transport import Call, Item, Listing, WatchEvent
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.options import ListOptions
from corral.server.pieces import whole
from corral.server.request import Request, Response, User
from corral.server.selection import Selection, selection_of
from corral.server.verbs.list import page_of
from corral.server.verbs.watch import begin
from corral.server.watching import BOOKMARK_INTERVAL_S

if TYPE_CHECKING:
    from corral.server.dispatch import Dispatcher


class LocalTransport:
    """A `client.transport.Transport` for `user`; fields it writes are owned by `manager` unless a call says otherwise."""

    def __init__(self, dispatcher: "Dispatcher", user: User, manager: str) -> None:
        self._dispatcher = dispatcher
        self._user = user
        self._headers = {"User-Agent": manager}

    async def call(self, call: Call) -> bytes:
        """One request, one body. Raises ApiError, also where the storage fails: callers know no other."""
        response = await self._dispatcher.perform(self._request(call))
        pieces = response.pieces or response.stream
        if pieces is not None:
            try:
                response.body = await whole(pieces)
            finally:
                response.end()
        if response.status >= 400:
            raise _error(response)
        return response.body

    async def list(self, call: Call) -> Listing:
        """GET of a collection: items share their bytes with the cache."""
        began_s = time.perf_counter()
        request, core, selection = await self._prepare(call)
        page = await page_of(core, request, ListOptions.of(request), selection)
        self._dispatcher.settle(request, Response(), began_s)
        assert request.resource is not None
        items = [_item(core, request, item) for item in page.items]
        return Listing(items, str(page.revision))

    async def watch(self, call: Call) -> AsyncIterator[WatchEvent]:
        """Changes as they are applied to the cache; bookmarks in between."""
        began_s = time.perf_counter()
        request, core, selection = await self._prepare(call)
        start = await begin(core, request, ListOptions.of(request, watch=True))
        if start.error is not None:
            raise start.error
        answer = Response()
        self._dispatcher.settle(request, answer, began_s, goes_on=True)
        try:
            assert request.resource is not None
            await core.prepare(request.resource, start.initial)
            for item in start.initial:
                if selection is None or selection.matches(item):
                    yield WatchEvent("ADDED", _item(core, request, item))
            position = start.position
            while True:
                # Whoever does not keep up with a stream of changes still lets others run.
                await asyncio.sleep(0)
                await start.collection.wait(position, BOOKMARK_INTERVAL_S)
                changes = start.collection.changes(position)
                await core.prepare_changes(request.resource, changes)
                position += len(changes)
                for change in changes:
                    if change.revision <= start.after:
                        continue
                    seen = change.seen_by(selection)
                    if seen is not None:
                        yield WatchEvent(seen[0], _item(core, request, seen[1]))
                if not changes:
                    revision = core.cache.revision
                    yield WatchEvent("BOOKMARK", Item(Key("", ""), _bookmark(revision), revision))
        finally:
            answer.end()

    async def close(self) -> None:
        """Nothing to give back."""

    def _request(self, call: Call) -> Request:
        headers: Mapping[str, str] = self._headers
        if call.body is not None:
            headers = {**self._headers, "Content-Type": call.content_type}
        return Request(call.method, call.path, dict(call.query), headers, call.body or b"", self._user)

    async def _prepare(self, call: Call) -> tuple[Request, Core, Selection | None]:
        request = self._request(call)
        await self._dispatcher.route(request)
        core = self._dispatcher.core
        if request.resource is None:
            raise ApiError(404, "NotFound", f"{call.path} is no collection", {})
        return request, core, selection_of(core, request)


def _item(core: Core, request: Request, item: Cached) -> Item:
    assert request.resource is not None
    return Item(Key(item.namespace, item.name), core.shown(request.resource, item), item.revision)


def _error(response: Response) -> ApiError:
    """The error of an answer: a Status, or what another server says in words of its own."""
    try:
        return ApiError.of_status(orjson.loads(response.body))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        text = response.body.decode(errors="replace").strip()
        return ApiError(response.status, REASONS.get(response.status, ""), text)


def _bookmark(revision: int) -> bytes:
    return b'{"metadata":{"resourceVersion":"%d"}}' % revision
