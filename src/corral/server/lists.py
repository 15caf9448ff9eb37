"""The bodies of lists: objects as they are, rows of tables, or metadata, in JSON or protobuf.

Short ones are bytes, and the joined items of a whole collection are kept until it changes. Long ones are made in pieces while
they are written: what is shown of an object is made when its piece is, so that neither a long list nor a slow reader of one
takes memory.
"""

from collections.abc import Iterable, Iterator, Sequence

import orjson
from msgspec import Struct

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.negotiate import Wanted
from corral.server.pieces import LONG_BYTES, gathered, whole
from corral.server.represent import is_plain, respond_raw, table
from corral.server.request import Request, Response

#: So many collections' joined items are kept, none that are long.
KEPT_JOINED = 4

_Part = bytes | memoryview


class Page(Struct):
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

    @property
    def is_long(self) -> bool:
        """Whether its body is made in pieces."""
        return sum([len(item.raw) for item in self.items]) > LONG_BYTES


def kept(core: Core, request: Request, resource: Resource, want: Wanted, namespace: str, page: Page) -> Response | None:
    """A whole collection as it stands there: its joined items are kept. None where it is long, or wanted otherwise."""
    if want.view or not is_plain(request, want):
        return None
    version = core.collection(resource).version
    key = (resource.api_version, resource.plural, namespace)
    known = core.joined.get(key)
    if known is None or known[0] != version:
        if page.is_long:
            return None
        if len(core.joined) >= KEPT_JOINED:
            del core.joined[next(iter(core.joined))]
        known = core.joined[key] = (version, b"".join(_items(core, resource, page.items)))
    body = b"".join((_head(resource, page), known[1], b"]}\n"))
    return Response(200, body, want.content_type, warnings=request.warnings)


async def answer(core: Core, request: Request, resource: Resource, want: Wanted, page: Page) -> Response:
    """A page, whose items are prepared, in the view wanted."""
    if want.view == "Table":
        maker = table(core, request, resource, want)
        head = orjson.dumps(maker.of([], page.metadata)).removesuffix(b"]}")
        rows = _separated(orjson.dumps(maker.row(core.parsed(resource, item))) for item in page.items)
        return await _answer(request, want, page, _enclosed(head, rows))
    if want.view == "PartialObjectMetadataList":
        shown = {"kind": want.view, "apiVersion": f"meta.k8s.io/{want.version}", "metadata": page.metadata}
        items = _separated(core.form(resource, item).metadata_only(want.version) for item in page.items)
        return await _answer(request, want, page, _enclosed(orjson.dumps(shown)[:-1] + b',"items":[', items))
    return await objects(core, request, resource, want, page)


async def objects(core: Core, request: Request, resource: Resource, want: Wanted, page: Page) -> Response:
    """A page of objects as they are."""
    if want.media == "protobuf":
        from corral.api.protobuf import list_parts

        items = await core.binary.items(core, resource, page.items)
        parts = list_parts(resource.api_version, _kind(resource), page.metadata, items)
        return await _answer(request, want, page, parts, is_done=True)
    return await _answer(request, want, page, _enclosed(_head(resource, page), _items(core, resource, page.items)))


async def _answer(request: Request, want: Wanted, page: Page, parts: Iterable[_Part], *, is_done: bool = False) -> Response:
    """The answer that these parts are: JSON, which may be wanted otherwise, unless they are as wanted already."""
    pieces = gathered(parts)
    is_done = is_done or is_plain(request, want)
    if is_done and page.is_long and not (request.audit is not None and request.audit.wants_answer):
        return Response(200, pieces=pieces, content_type=want.content_type, warnings=request.warnings)
    body = await whole(pieces)
    if is_done:
        return Response(200, body, want.content_type, warnings=request.warnings)
    return respond_raw(request, body, want)


def _kind(resource: Resource) -> str:
    return resource.list_kind or f"{resource.kind}List"


def _head(resource: Resource, page: Page) -> bytes:
    metadata = page.metadata
    if resource.storage_version:
        metadata.setdefault("continue", "")  # Lists of custom resources have one even where they end.
    head = {"kind": _kind(resource), "apiVersion": resource.api_version, "metadata": metadata}
    return orjson.dumps(head)[:-1] + b',"items":['


def _items(core: Core, resource: Resource, items: Sequence[Cached]) -> Iterator[_Part]:
    """The items' bytes with commas between them. Built-in kinds have no kind and apiVersion there, as in the reference."""
    shown = (core.shown(resource, item) for item in items)
    if not core.is_builtin(resource):
        return _separated(shown)
    known = b'{"kind":"%s","apiVersion":"%s",' % (resource.kind.encode(), resource.api_version.encode())
    skip = len(known)
    bare = (memoryview(raw)[skip:] if raw.startswith(known) else _without_kind(raw) for raw in shown)
    return _separated(bare, b"{")


def _without_kind(raw: bytes) -> bytes:
    """An object without kind, apiVersion and the brace it begins with."""
    obj = orjson.loads(raw)
    obj.pop("kind", None)
    obj.pop("apiVersion", None)
    return orjson.dumps(obj)[1:]


def _separated(items: Iterable[_Part], opening: bytes = b"") -> Iterator[_Part]:
    """Items, each after `opening`, with commas between them."""
    separator = opening
    for item in items:
        yield separator
        yield item
        separator = b"," + opening


def _enclosed(head: bytes, items: Iterable[_Part]) -> Iterator[_Part]:
    yield head
    yield from items
    yield b"]}\n"
