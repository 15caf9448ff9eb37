"""GET of a collection: at one revision, whole or in chunks.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list (and, there, chunks).
"""

import base64
from bisect import bisect_left

import orjson

from corral.api.errors import ApiError, bad_request, expired
from corral.api.resources import Resource
from corral.api.serialize import with_revision
from corral.server import lists
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.lists import Page
from corral.server.options import ListOptions
from corral.server.paths import object_namespace
from corral.server.represent import wanted_by
from corral.server.request import Request, Response
from corral.server.selection import Selection, selection_of
from corral.store.contract import Compacted, FutureRevision


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
        return await lists.collection(core, request, resource, want, object_namespace(request))
    return await lists.answer(core, request, resource, want, await page_of(core, request, options, selection))


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
        if not limit:
            return Page([item for item in items if selection.matches(item)], revision)
        found: list[Cached] = []
        for item in items:
            if selection.matches(item):
                if len(found) == limit:
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


def _go_list(resource: Resource) -> str:
    package = resource.group.split(".")[0] or "core"
    return f"*{package}.{resource.kind}List"
