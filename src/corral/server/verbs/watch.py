"""Watches: the changes of a collection as a stream of lines.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes and KEP-3157 (streaming lists).
"""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.cache import Cached, Change, Collection, View, watch_line
from corral.server.core import Core, revision_of
from corral.server.negotiate import Wanted
from corral.server.options import ListOptions
from corral.server.paths import object_namespace
from corral.server.represent import Table, partial, table, wanted_by
from corral.server.request import Request, Response
from corral.server.selection import Selection, selection_of

#: A watch without `timeoutSeconds` ends after this long, or up to twice as long, so that not all end at once.
MIN_TIMEOUT_S = 1800
BOOKMARK_INTERVAL_S = 60.0
FIRST_LINES = 256


@dataclass(frozen=True, slots=True)
class Versioned:
    """Objects in a version other than the stored one."""

    core: Core
    resource: Resource

    def encode(self, item: Cached) -> bytes:
        """The object in that version."""
        return self.core.shown(self.resource, item)

    def __hash__(self) -> int:
        return hash(self.resource)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Versioned) and other.resource == self.resource


@dataclass(frozen=True, slots=True)
class Metadata:
    """Objects as their metadata only."""

    version: str

    def encode(self, item: Cached) -> bytes:
        """The object's metadata."""
        return orjson.dumps(partial(item.object, self.version))


@dataclass(frozen=True, slots=True)
class Rows:
    """Objects as tables of one row. Cells hold ages, so that lines are not shared between watchers."""

    core: Core
    table: Table

    def encode(self, item: Cached) -> bytes:
        """The table, without columns."""
        return orjson.dumps(self.of(item, with_columns=False))

    def of(self, item: Cached, *, with_columns: bool) -> Object:
        """The table of one object."""
        obj = self.core.parsed(self.table.resource, item)
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return self.table.at(self.core.clock.now()).of([obj], metadata, with_columns=with_columns)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


async def handle(core: Core, request: Request) -> Response:
    """Start a watch. Raises ApiError (400, 422, 504); one that is too old begins and says so in an ERROR event."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request, streams=True)
    options = ListOptions.of(request, watch=True)
    selection = selection_of(request, core.rules(resource))
    start = await begin(core, request, options)
    view = _view(core, request, resource, want)
    lines = _lines(core, resource, start, options, selection, view)
    return Response(200, stream=lines, warnings=request.warnings)


@dataclass(slots=True)
class Start:
    """Where a watch begins: objects to tell of first, and then the changes from `position`."""

    collection: Collection
    initial: list[Cached]
    position: int
    revision: int
    #: Changes up to this revision are not told.
    after: int = 0
    error: ApiError | None = None


async def begin(core: Core, request: Request, options: ListOptions) -> Start:
    """Find the beginning of a watch. Raises ApiError (400, 504)."""
    resource = request.resource
    assert resource is not None
    collection = core.collection(resource)
    namespace = object_namespace(request)
    if options.initial_events is not None and options.version not in ("", "0"):
        await core.not_older_than(options.version)
    elif options.version == "":
        await core.catch_up()
    wants_all = options.initial_events or (options.initial_events is None and options.version in ("", "0"))
    if wants_all or options.version in ("", "0"):
        initial = collection.list(namespace) if wants_all else []
        return Start(collection, initial, collection.end(), core.cache.revision)
    revision = revision_of(options.version)
    try:
        position = collection.position(revision)
    except ApiError as error:
        return Start(collection, [], 0, revision, error=error)
    return Start(collection, [], position, max(revision, 0), after=revision)


def _view(core: Core, request: Request, resource: Resource, want: Wanted) -> View | None:
    if want.view == "Table":
        return Rows(core, table(core, request, resource, want))
    if want.view:
        return Metadata(want.version)
    return None if core.is_as_stored(resource) else Versioned(core, resource)


async def _lines(
    core: Core, resource: Resource, start: Start, options: ListOptions, selection: Selection | None, view: View | None
) -> AsyncIterator[bytes]:
    """The stream of a watch."""
    if start.error is not None:
        yield _error(start.error)
        return
    monotonic = core.clock.monotonic
    timeout_s = options.timeout_s or MIN_TIMEOUT_S * (1 + random.random())
    ends_s = monotonic() + timeout_s
    bookmark_s = monotonic() + min(BOOKMARK_INTERVAL_S, max(timeout_s - 2, timeout_s / 2))
    first = view if isinstance(view, Rows) else None
    pending = []
    for item in start.initial:
        if selection is not None and not selection.matches(item):
            continue
        pending.append(_initial(item, view, first))
        first = None
        if len(pending) == FIRST_LINES:
            yield b"".join(pending)
            pending.clear()
    if options.initial_events and options.bookmarks:
        pending.append(_bookmark(core, resource, start.revision, view, initial_end=True))
    if pending:
        yield b"".join(pending)
    collection, position = start.collection, start.position
    while (left_s := ends_s - monotonic()) > 0:
        pause_s = min(left_s, bookmark_s - monotonic()) if options.bookmarks else left_s
        if pause_s > 0:
            await collection.wait(position, pause_s)
        try:
            changes = collection.changes(position)
        except ApiError as error:
            yield _error(error)
            return
        position += len(changes)
        if changes and changes[0].revision <= start.after:
            changes = [change for change in changes if change.revision > start.after]
        if len(changes) == 1 and first is None:
            lines = changes[0].line(selection, view)
        else:
            lines, first = _joined(changes, selection, view, first)
        if lines:
            yield lines
        if options.bookmarks and monotonic() >= bookmark_s and position == collection.end():
            bookmark_s = monotonic() + BOOKMARK_INTERVAL_S
            yield _bookmark(core, resource, core.cache.revision, view)


def _joined(
    changes: list[Change], selection: Selection | None, view: View | None, first: Rows | None
) -> tuple[bytes, Rows | None]:
    lines = []
    for change in changes:
        if first is None:
            lines.append(change.line(selection, view))
        elif (seen := change.seen_by(selection)) is not None:
            lines.append(watch_line(seen[0], orjson.dumps(first.of(seen[1], with_columns=True))))
            first = None
    return b"".join(lines), first


def _initial(item: Cached, view: View | None, first: Rows | None) -> bytes:
    if first is not None:
        return watch_line("ADDED", orjson.dumps(first.of(item, with_columns=True)))
    return watch_line("ADDED", item.raw if view is None else view.encode(item))


def _bookmark(core: Core, resource: Resource, revision: int, view: View | None, *, initial_end: bool = False) -> bytes:
    metadata: Object = {"resourceVersion": str(revision)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    shown: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    if isinstance(view, Metadata):
        shown = partial(shown, view.version)
    elif isinstance(view, Rows):
        shown = {**view.table.of([], {"resourceVersion": str(revision)}, with_columns=False), "rows": []}
    return watch_line("BOOKMARK", orjson.dumps(shown))


def _error(error: ApiError) -> bytes:
    return watch_line("ERROR", orjson.dumps(error.status()))
