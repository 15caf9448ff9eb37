"""The states of objects and the changes between them, as the watch cache holds them.

An object's bytes are those of the store with the revision spliced in; each event's line is made once and shared by all who
watch alike.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from corral.api.objects import Object, parse

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


class _Meta(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Part(msgspec.Struct):
    metadata: msgspec.Raw


class _Head(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_decode_part = msgspec.json.Decoder(_Part).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_NO_LABELS: Mapping[str, str] = {}


class Cached:
    """One state of one object: bytes, and what selectors look at, found when first asked for."""

    __slots__ = ("_labels", "converted", "name", "namespace", "raw", "revision")

    def __init__(self, namespace: str, name: str, raw: bytes, revision: int) -> None:
        self.namespace = namespace
        self.name = name
        self.raw = raw
        self.revision = revision
        #: This state in other versions that conversion webhooks made, by whoever asked one and the apiVersion.
        self.converted: dict[tuple[object, str], Cached] | None = None
        self._labels: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """`namespace/name`, the order of lists."""
        return f"{self.namespace}/{self.name}"

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        if self._labels is None:
            self._labels = _decode_head(self.raw).metadata.labels or _NO_LABELS
        return self._labels

    @property
    def object(self) -> Object:
        """The parsed object: shared, never to be changed."""
        return parse(self.raw)

    def metadata_only(self, version: str) -> bytes:
        """The object as PartialObjectMetadata of this version of the meta group."""
        metadata = bytes(_decode_part(self.raw).metadata)
        head = b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/%b","metadata":' % version.encode()
        return b"%b%b}" % (head, metadata)

    def at(self, revision: int) -> "Cached":
        """This state with another revision: what is told of an object that went at `revision`."""
        old, new = (b'"resourceVersion":"%d"' % number for number in (self.revision, revision))
        made = Cached(self.namespace, self.name, self.raw.replace(old, new, 1), revision)
        if self.converted is not None:
            made.converted = {key: form.at(revision) for key, form in self.converted.items()}
        return made


class Filter(Protocol):
    """Which objects a watch wants."""

    @property
    def trigger(self) -> tuple[str, str] | None:
        """A field, and the value of it that all objects have that it wants; None where there is no such field."""

    def value_of(self, field: str, item: Cached) -> str:
        """The value of such a field."""

    def matches(self, item: Cached) -> bool:
        """Whether it wants `item`."""


class View(Protocol):
    """How a watcher wants objects (as they are, in another version, as table rows). Equal views share lines."""

    def ready(self, changes: "list[Change]", filter: Filter | None) -> "list[Change]":
        """Those of the changes, from the first on, that can be shown now. Raises ApiError where the next one never can."""

    def encode(self, item: Cached) -> bytes:
        """The bytes of the object in this view."""

    def bookmark(self, shown: Object) -> bytes:
        """The bytes of an object that has nothing but the revision of a bookmark."""

    def status(self, shown: Object) -> bytes:
        """The bytes of a Status."""

    def frame(self, type: str, body: bytes) -> bytes:
        """An event that holds these bytes."""


class Change:
    """One event of a collection: `new` is None for a deletion, `old` for a creation."""

    __slots__ = ("_lines", "new", "old", "revision")

    def __init__(self, revision: int, new: Cached | None, old: Cached | None) -> None:
        self.revision = revision
        self.new = new
        self.old = old
        self._lines: dict[tuple[EventType, View], bytes] = {}

    @property
    def newest(self) -> Cached:
        """The state that it leaves; of an object that went, the last one."""
        found = self.new or self.old
        assert found is not None
        return found

    def seen_by(self, filter: Filter | None) -> tuple[EventType, Cached] | None:
        """The event as one with this filter sees it: objects enter and leave a selector."""
        had = self.old is not None and (filter is None or filter.matches(self.old))
        has = self.new is not None and (filter is None or filter.matches(self.new))
        if has:
            assert self.new is not None
            return ("MODIFIED" if had else "ADDED"), self.new
        if had:
            assert self.old is not None
            return "DELETED", self.old.at(self.revision)
        return None

    def forget_lines(self) -> None:
        """Let go of the lines: those who keep up have them, for a slow one they are made again."""
        self._lines.clear()

    def line(self, filter: Filter | None, view: View) -> bytes:
        """The event's line in a watch, b"" where the filter hides it."""
        seen = self.seen_by(filter)
        if seen is None:
            return b""
        type, item = seen
        line = self._lines.get((type, view))
        if line is None:
            line = self._lines[type, view] = view.frame(type, view.encode(item))
        return line


def watch_line(type: str, body: bytes) -> bytes:
    """One event of a watch stream."""
    return b"".join((b'{"type":"', type.encode(), b'","object":', body, b"}\n"))
