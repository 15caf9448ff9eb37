"""Watches: the changes of a collection as a stream of lines, or of frames in protobuf.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes and KEP-3157 (streaming lists).
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.golang import filled
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.cache import Collection
from corral.server.changes import Cached, View
from corral.server.core import Core, revision_of
from corral.server.options import ListOptions
from corral.server.paths import object_namespace
from corral.server.represent import wanted_by
from corral.server.request import Request, Response
from corral.server.selection import Selection, selection_of
from corral.server.views import view_of
from corral.server.watching import Watch

#: So many objects are told of before others have a turn.
FIRST_LINES = 64


async def handle(core: Core, request: Request) -> Response:
    """Start a watch. Raises ApiError (400, 422, 504); one that is too old begins and says so in an ERROR event."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request, streams=True, watching=True)
    options = ListOptions.of(request, watch=True)
    selection = selection_of(core, request)
    start = await begin(core, request, options)
    await core.prepare(resource, start.initial)
    view = view_of(core, request, resource, want)
    content_type = f"{want.content_type};stream=watch" if want.media == "protobuf" else want.content_type
    watch = _watch(core, resource, start, options, selection, view)
    return Response(200, stream=watch.lines(), watch=watch, content_type=content_type, warnings=request.warnings)


class Start(Struct):
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


def _watch(
    core: Core, resource: Resource, start: Start, options: ListOptions, selection: Selection | None, view: View
) -> Watch:
    bookmark: Callable[[int], bytes] | None = None
    if options.bookmarks:
        bookmark = lambda revision: _bookmark(core, resource, revision, view)  # noqa: E731
    return Watch(
        start.collection,
        start.position,
        _initial(core, resource, start, options, selection, view),
        (selection, view),
        after=start.after,
        timeout_s=options.timeout_s,
        clock=core.clock.monotonic,
        revision=lambda: core.cache.revision,
        bookmark=bookmark,
        ended=start.error is not None,
        failed=lambda error: view.frame("ERROR", view.status(error.status())),
    )


def _initial(
    core: Core, resource: Resource, start: Start, options: ListOptions, selection: Selection | None, view: View
) -> Iterator[bytes]:
    """The first lines of a watch, some at a time; the only ones of a watch that is too old."""
    if start.error is not None:
        yield view.frame("ERROR", view.status(start.error.status()))
        return
    pending = []
    for item in start.initial:
        if selection is None or selection.matches(item):
            pending.append(view.frame("ADDED", view.encode(item)))
            if len(pending) == FIRST_LINES:
                yield b"".join(pending)
                pending.clear()
    if options.initial_events and options.bookmarks:
        pending.append(_bookmark(core, resource, start.revision, view, initial_end=True))
    if pending:
        yield b"".join(pending)


def _bookmark(core: Core, resource: Resource, revision: int, view: View, *, initial_end: bool = False) -> bytes:
    metadata: Object = {"resourceVersion": str(revision)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    shown: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    if core.is_builtin(resource):
        # Go writes an empty object of the kind.
        shown = filled(shown, core.schema(resource))
    return view.frame("BOOKMARK", view.bookmark(shown))
