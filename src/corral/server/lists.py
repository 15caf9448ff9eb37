"""The bodies of lists: objects as they are, rows of tables, or metadata, in JSON or protobuf.

Short ones are bytes, and the joined items of a whole collection are kept until it changes. Long ones are made in pieces while
they are written: what is shown of an object is made when its piece is, so that neither a long list nor a slow reader of one
takes memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

import orjson
from msgspec import Struct

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.negotiate import Wanted
from corral.server.pieces import LONG_BYTES, in_turns, whole
from corral.server.represent import is_plain, respond_raw, table
from corral.server.request import Request, Response

#: So many collections' joined items are kept, none that are long.
KEPT_JOINED = 4
#: So much of a long list makes a piece: of rows, which have to be made, some milliseconds' worth.
BATCH_ITEMS = 100
BATCH_BYTES = 256 * 1024
TAIL = b"]}\n"

_Part = bytes | memoryview
#: What each of some items is in the list.
_Show = Callable[[Sequence[Cached]], list[_Part]]


class Page(Struct, dict=True):
    """Part of a collection at one revision. `remaining` is None where it is not told."""

    items: list[Cached]
    revision: int
    next: str = ""
    remaining: int | None = None

    @property
    def metadata(self) -> Object:
        """The metadata of the list."""
        metadata: Object = {"resourceVersion": str(self.revision)}
        if self.next:
            metadata["continue"] = self.next
            if self.remaining is not None:
                metadata["remainingItemCount"] = self.remaining
        return metadata

    @cached_property
    def is_long(self) -> bool:
        """Whether its body is made in pieces."""
        return sum([len(item.raw) for item in self.items]) > LONG_BYTES


async def collection(core: Core, request: Request, resource: Resource, want: Wanted, namespace: str) -> Response:
    """A whole collection as it stands there: its joined items are kept until it changes, unless they are long."""
    stored, joins = core.collection(resource), not want.view and is_plain(request, want)
    # All of one moment: it may change while a webhook converts what is shown.
    version, revision = stored.version, core.cache.revision
    key = (resource.api_version, resource.plural, namespace)
    known = core.joined.get(key) if joins else None
    if known is None or known[0] != version:
        page = Page(stored.list(namespace), revision)
        await core.prepare(resource, page.items)
        if not joins or page.is_long:
            return await answer(core, request, resource, want, page)
        show, opening = _as_they_are(core, resource)
        known = (version, b"".join(_separated(show(page.items), opening)))
        if len(core.joined) >= KEPT_JOINED:
            del core.joined[next(iter(core.joined))]
        core.joined[key] = known
    body = b"".join((_head(resource, Page([], revision)), known[1], TAIL))
    return Response(200, body, want.content_type, warnings=request.warnings)


async def answer(core: Core, request: Request, resource: Resource, want: Wanted, page: Page) -> Response:
    """A page, whose items are prepared, in the view wanted."""
    if want.view == "Table":
        maker = table(core, request, resource, want)
        head = orjson.dumps(maker.of([], page.metadata)).removesuffix(b"]}")
        return await _listed(
            request, want, page, head, lambda items: [orjson.dumps(maker.row(core.parsed(resource, item))) for item in items]
        )
    if want.view == "PartialObjectMetadataList":
        shown = {"kind": want.view, "apiVersion": f"meta.k8s.io/{want.version}", "metadata": page.metadata}
        head = orjson.dumps(shown)[:-1] + b',"items":['
        return await _listed(
            request, want, page, head, lambda items: [core.form(resource, item).metadata_only(want.version) for item in items]
        )
    return await objects(core, request, resource, want, page)


async def objects(core: Core, request: Request, resource: Resource, want: Wanted, page: Page) -> Response:
    """A page of objects as they are."""
    if want.media == "protobuf":
        from corral.api.protobuf import list_parts

        items = await core.binary.items(core, resource, page.items)
        parts = list(list_parts(resource.api_version, _kind(resource), page.metadata, items))
        if _goes_in_pieces(request, page):
            pieces = (b"".join(parts[start : start + BATCH_ITEMS]) for start in range(0, len(parts), BATCH_ITEMS))
            return _in_pieces(request, want, pieces)
        return Response(200, b"".join(parts), want.content_type, warnings=request.warnings)
    show, opening = _as_they_are(core, resource)
    head = _head(resource, page)
    if page.is_long:
        return await _listed(request, want, page, head, show, opening)
    return respond_raw(request, b"".join((head, *_separated(show(page.items), opening), TAIL)), want)


async def _listed(request: Request, want: Wanted, page: Page, head: bytes, show: _Show, opening: bytes = b"") -> Response:
    """The answer of a head and items, some of them shown at a time."""
    pieces = _batches(page.items, head, show, opening)
    if is_plain(request, want) and _goes_in_pieces(request, page):
        return _in_pieces(request, want, pieces)
    return respond_raw(request, await whole(in_turns(pieces)), want)


def _goes_in_pieces(request: Request, page: Page) -> bool:
    return page.is_long and not (request.audit is not None and request.audit.wants_answer)


def _in_pieces(request: Request, want: Wanted, pieces: Iterable[bytes]) -> Response:
    return Response(200, pieces=in_turns(pieces), content_type=want.content_type, warnings=request.warnings)


def _kind(resource: Resource) -> str:
    return resource.list_kind or f"{resource.kind}List"


def _head(resource: Resource, page: Page) -> bytes:
    metadata = page.metadata
    if resource.storage_version:
        metadata.setdefault("continue", "")  # Lists of custom resources have one even where they end.
    head = {"kind": _kind(resource), "apiVersion": resource.api_version, "metadata": metadata}
    return orjson.dumps(head)[:-1] + b',"items":['


def _as_they_are(core: Core, resource: Resource) -> tuple[_Show, bytes]:
    """What shows items as lists hold them, and what each begins with beside.

    Built-in kinds have no kind and apiVersion there, as in the reference.
    """

    def raw(items: Sequence[Cached]) -> list[bytes]:
        if core.is_as_stored(resource):
            return [item.raw for item in items]
        return [core.shown(resource, item) for item in items]

    if not core.is_builtin(resource):
        return raw, b""  # type: ignore[return-value]
    known = b'{"kind":"%s","apiVersion":"%s",' % (resource.kind.encode(), resource.api_version.encode())
    skip = len(known)

    def bare(items: Sequence[Cached]) -> list[_Part]:
        return [memoryview(one)[skip:] if one.startswith(known) else _without_kind(one) for one in raw(items)]

    return bare, b"{"


def _without_kind(raw: bytes) -> bytes:
    """An object without kind, apiVersion and the brace it begins with."""
    obj = orjson.loads(raw)
    obj.pop("kind", None)
    obj.pop("apiVersion", None)
    return orjson.dumps(obj)[1:]


def _batches(items: Sequence[Cached], head: bytes, show: _Show, opening: bytes) -> Iterator[bytes]:
    """The list in pieces: the head, some items at a time, the end."""
    yield head
    batch: list[Cached] = []
    size_bytes, first = 0, opening
    for item in items:
        batch.append(item)
        size_bytes += len(item.raw)
        if len(batch) == BATCH_ITEMS or size_bytes >= BATCH_BYTES or item is items[-1]:
            parts = _separated(show(batch), opening)
            parts[0] = first
            yield b"".join(parts)
            batch.clear()
            size_bytes, first = 0, b"," + opening
    yield TAIL


def _separated(shown: list[_Part], opening: bytes) -> list[_Part]:
    """Items, each after `opening`, with commas between them."""
    parts: list[_Part] = [b"," + opening] * (2 * len(shown))
    parts[1::2] = shown
    if parts:
        parts[0] = opening
    return parts
