"""GET of a collection: at one revision, whole or in chunks.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list (and, there, chunks).
"""

import asyncio
import base64
from bisect import bisect_left

import orjson
from msgspec import Struct

from corral.api.errors import ApiError, bad_request, expired
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.api.serialize import with_revision
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.negotiate import Wanted
from corral.server.options import ListOptions
from corral.server.paths import object_namespace
from corral.server.represent import Table, is_plain, respond_raw, table, wanted_by
from corral.server.request import Request, Response
from corral.server.selection import Selection, selection_of
from corral.store.contract import Compacted, FutureRevision

#: Joined items of a collection are kept when they are at most this long: the next LIST needs only a new head.
KEEP_JOINED_BYTES = 4 * 1024 * 1024
KEPT_JOINED = 4
#: So many rows of a table are made before others have a turn: some milliseconds.
ROWS_AT_A_TIME = 100


class Page(Struct):
    """Part of a collection at one revision. `remaining` is None where it is not told."""

    items: list[Cached]
    revision: int
    next: str = ""
    remaining: int | None = None


async def handle(core: Core, request: Request) -> Response:
    """The collection in the view wanted."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request, streams=True)
    options = ListOptions.of(request)
    if want.view == "PartialObjectMetadata":
        message = f"you requested PartialObjectMetadata, but the requested object is a list ({_go_list(resource)})"
        raise ApiError(406, "NotAcceptable", message)
    selection = selection_of(core, request, by_namespace=False)
    if selection is None and not options.limit and not options.continue_ and options.version in ("", "0"):
        await core.catch_up()
        page = Page(core.collection(resource).list(object_namespace(request)), core.cache.revision)
        await core.prepare(resource, page.items)
        if not want.view and is_plain(request, want):
            body = _whole(core, resource, object_namespace(request), page)
            return Response(200, body, want.content_type, warnings=request.warnings)
    else:
        page = await page_of(core, request, options, selection)
    return await _answer(core, request, resource, want, page)


async def page_of(core: Core, request: Request, options: ListOptions, selection: Selection | None) -> Page:
    """The part of the collection that is asked for, ready to be shown. Raises ApiError (400, 410, 504)."""
    resource = request.resource
    assert resource is not None
    namespace = object_namespace(request)
    start = ""
    if options.continue_:
        revision, start = _decode_continue(options.continue_)
        if revision < 0:
            items, revision = _now(core, resource, namespace, selection), core.cache.revision
        else:
            try:
                items = await _at(core, resource, namespace, revision)
            except ApiError as error:
                raise _continue_expired(start) if error.code == 410 else error from None
        start = f"{namespace}/{start}" if namespace else start
        items = items[bisect_left(items, start, key=lambda item: item.key) :]
    elif options.version in ("", "0"):
        await core.catch_up()
        items, revision = _now(core, resource, namespace, selection), core.cache.revision
    elif options.exact:
        revision = await core.not_older_than(options.version)
        items = await _at(core, resource, namespace, revision)
    else:
        await core.not_older_than(options.version)
        items, revision = _now(core, resource, namespace, selection), core.cache.revision
    # As in the reference, whoever takes any state there is gets all of it.
    limit = 0 if options.version == "0" and not options.continue_ else options.limit
    if selection is not None and selection.is_versioned:
        await core.prepare(resource, items)
    page = _cut(items, revision, limit, selection, namespace)
    await core.prepare(resource, page.items)
    return page


def _now(core: Core, resource: Resource, namespace: str, selection: Selection | None) -> list[Cached]:
    """The collection as it is, or the only object of it that can be selected."""
    collection = core.collection(resource)
    if selection is not None and selection.name and (namespace or not resource.namespaced):
        found = collection.get(namespace, selection.name)
        return [] if found is None else [found]
    return collection.list(namespace)


def _cut(items: list[Cached], revision: int, limit: int, selection: Selection | None, namespace: str) -> Page:
    if selection is not None:
        found: list[Cached] = []
        for item in items:
            if selection.matches(item):
                if limit and len(found) == limit:
                    return Page(found, revision, _encode_continue(found[-1], revision, namespace))
                found.append(item)
        return Page(found, revision)
    if limit and len(items) > limit:
        token = _encode_continue(items[limit - 1], revision, namespace)
        return Page(items[:limit], revision, token, len(items) - limit)
    return Page(items, revision)


async def _at(core: Core, resource: Resource, namespace: str, revision: int) -> list[Cached]:
    """The collection at a past revision: from the log of the cache, else from the store."""
    try:
        return core.collection(resource).list_at(revision, namespace)
    except ApiError:
        prefix = (
            f"{core.stored(resource).group_resource}/{namespace}/" if namespace else f"{core.stored(resource).group_resource}/"
        )
        try:
            entries, _ = await core.store.list(prefix, revision=revision)
        except (Compacted, FutureRevision):
            raise expired("The resourceVersion for the provided list is too old.") from None
        items = []
        for entry in entries:
            _, of, name = entry.key.split("/", 2)
            raw = with_revision(core.cache.opened(entry.key, entry.value), entry.revision)
            items.append(Cached(of, name, raw, entry.revision))
        return items


def _encode_continue(last: Cached, revision: int, namespace: str) -> str:
    key = last.name if namespace else last.key
    return _token(revision, key + "\0")


def _token(revision: int, start: str) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": revision, "start": start}
    return base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")


def _continue_expired(start: str) -> ApiError:
    """410 of a token whose snapshot is gone, with one that goes on at the newest state (its revision is -1)."""
    error = expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
        "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
        "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
        "deleted between the time the first chunk was returned and now may show up in the list."
    )
    error.continue_token = _token(-1, start)
    return error


def _decode_continue(token: str) -> tuple[int, str]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        revision, start = int(found["rv"]), str(found["start"])
        if found["v"] != "meta.k8s.io/v1" or revision == 0:
            raise ValueError(token)
    except (ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid") from None
    return revision, start


def list_metadata(page: Page) -> Object:
    """The metadata of a list."""
    metadata: Object = {"resourceVersion": str(page.revision)}
    if page.next:
        metadata["continue"] = page.next
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    return metadata


def _head(resource: Resource, page: Page) -> bytes:
    metadata = list_metadata(page)
    if resource.storage_version:
        metadata.setdefault("continue", "")  # Lists of custom resources have one even where they end.
    kind = resource.list_kind or f"{resource.kind}List"
    head = {"kind": kind, "apiVersion": resource.api_version, "metadata": metadata}
    return orjson.dumps(head)[:-1] + b',"items":['


def _whole(core: Core, resource: Resource, namespace: str, page: Page) -> bytes:
    """The whole list; its items as they stand there are kept until the collection changes, if they are not too long."""
    collection = core.collection(resource)
    key = (resource.api_version, resource.plural, namespace)
    head, tail = _head(resource, page), b"]}\n"
    known = core.joined.get(key)
    if known is not None and known[0] == collection.version:
        return b"".join((head, known[1], tail))
    if sum(len(item.raw) for item in page.items) > KEEP_JOINED_BYTES:
        return join(core, resource, page.items, head, tail)
    items = join(core, resource, page.items)
    if len(core.joined) >= KEPT_JOINED:
        del core.joined[next(iter(core.joined))]
    core.joined[key] = (collection.version, items)
    return b"".join((head, items, tail))


def join(core: Core, resource: Resource, items: list[Cached], head: bytes = b"", tail: bytes = b"") -> bytes:
    """The items' bytes with commas between them, between `head` and `tail`.

    Built-in kinds have no kind and apiVersion there, as in the reference. Nothing is copied but once, into the whole: lists may
    be longer than all that is kept beside them.
    """
    if not items:
        return head + tail
    shown = [core.shown(resource, item) for item in items]
    comma = b","
    if core.is_builtin(resource):
        known = b'{"kind":"%s","apiVersion":"%s",' % (resource.kind.encode(), resource.api_version.encode())
        skip = len(known)
        shown = [memoryview(raw)[skip:] if raw.startswith(known) else _without_kind(raw) for raw in shown]  # type: ignore[misc]
        head, comma = head + b"{", b",{"
    parts = [comma] * (2 * len(shown) + 1)
    parts[1::2] = shown
    parts[0], parts[-1] = head, tail
    return b"".join(parts)


def _without_kind(raw: bytes) -> bytes:
    obj = orjson.loads(raw)
    obj.pop("kind", None)
    obj.pop("apiVersion", None)
    return orjson.dumps(obj)[1:]


async def _answer(core: Core, request: Request, resource: Resource, want: Wanted, page: Page) -> Response:
    if want.view == "Table":
        return respond_raw(request, await _rows(core, resource, table(core, request, resource, want), page), want)
    if want.view == "PartialObjectMetadataList":
        head = {
            "kind": want.view,
            "apiVersion": f"meta.k8s.io/{want.version}",
            "metadata": list_metadata(page),
        }
        items = b",".join([item.metadata_only(want.version) for item in page.items])
        return respond_raw(request, b'%b,"items":[%b]}\n' % (orjson.dumps(head)[:-1], items), want)
    return await list_response(core, request, resource, want, page)


async def _rows(core: Core, resource: Resource, maker: Table, page: Page) -> bytes:
    """The table of a page, a row at a time: few objects are parsed at once, and others have their turn in between."""
    head = orjson.dumps(maker.of([], list_metadata(page)))
    rows = []
    for start in range(0, len(page.items), ROWS_AT_A_TIME):
        some = page.items[start : start + ROWS_AT_A_TIME]
        rows += [orjson.dumps(maker.row(core.parsed(resource, item))) for item in some]
        await asyncio.sleep(0)
    return b"%b%b]}\n" % (head.removesuffix(b"]}"), b",".join(rows))


async def list_response(core: Core, request: Request, resource: Resource, want: Wanted, page: Page) -> Response:
    """An answer that holds the objects as they are."""
    if want.media == "protobuf":
        from corral.api.protobuf import enveloped, list_message

        message = list_message(list_metadata(page), await core.binary.items(core, resource, page.items))
        raw = enveloped(resource.api_version, resource.list_kind or f"{resource.kind}List", message)
        return Response(200, raw, want.content_type, warnings=request.warnings)
    return respond_raw(request, join(core, resource, page.items, _head(resource, page), b"]}\n"), want)


def _go_list(resource: Resource) -> str:
    package = resource.group.split(".")[0] or "core"
    return f"*{package}.{resource.kind}List"
