"""How a call reaches the API: bytes in, bytes out. `local` and `https` are the two ways."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from msgspec import Struct, field

from corral.api.objects import Key, Object, parse


class Call(Struct, frozen=True):
    """One request to the API."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    accept: str = "application/json"


class Item:
    """One object as bytes, parsed when asked. Local callers share these bytes with the server's cache."""

    __slots__ = ("key", "raw", "revision")

    def __init__(self, key: Key, raw: bytes, revision: int) -> None:
        self.key = key
        self.raw = raw
        self.revision = revision

    @property
    def object(self) -> Object:
        """The parsed object: shared, never to be changed."""
        return parse(self.raw)


class Listing(Struct, frozen=True):
    """A collection at one revision."""

    items: list[Item]
    revision: str


class WatchEvent(Struct, frozen=True):
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK (whose item has only a revision)."""

    type: str
    item: Item


class Transport(Protocol):
    """A way to the API. Every method raises `api.errors.ApiError` for an error answer."""

    async def call(self, call: Call) -> bytes:
        """One request, one body."""

    async def list(self, call: Call) -> Listing:
        """GET of a collection."""

    def watch(self, call: Call) -> AsyncIterator[WatchEvent]:
        """GET of a collection with `watch=true`; ends when the server ends it. 410 means: list again."""

    async def close(self) -> None:
        """Give back connections."""
