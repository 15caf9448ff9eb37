"""How watchers want objects: as they are, in another version, their metadata, table rows; in JSON or protobuf.

Views that are equal share what is written for each change.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.changes import Cached, Change, Filter, View, watch_line
from corral.server.convertedview import Converted
from corral.server.core import Core
from corral.server.negotiate import Wanted
from corral.server.represent import Table, partial, table
from corral.server.request import Request


class AsStored:
    """Objects as their bytes are."""

    __slots__ = ()

    def ready(self, changes: list[Change], filter: Filter | None) -> list[Change]:
        """All of them, at once."""
        return changes

    def encode(self, item: Cached) -> bytes:
        """The object."""
        return item.raw

    def bookmark(self, shown: Object) -> bytes:
        """What holds a bookmark's revision."""
        return self.status(shown)

    def status(self, shown: Object) -> bytes:
        """A Status."""
        return orjson.dumps(shown)

    def frame(self, type: str, body: bytes) -> bytes:
        """An event that holds these bytes."""
        return watch_line(type, body)


@dataclass(frozen=True, slots=True)
class Versioned(AsStored):
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
class Metadata(AsStored):
    """Objects as their metadata only."""

    core: Core
    resource: Resource
    version: str

    def encode(self, item: Cached) -> bytes:
        """The object's metadata."""
        return self.core.form(self.resource, item).metadata_only(self.version)

    def bookmark(self, shown: Object) -> bytes:
        """What holds a bookmark's revision."""
        return orjson.dumps(partial(shown, self.version))

    def __hash__(self) -> int:
        return hash((self.resource, self.version))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metadata) and (other.resource, other.version) == (self.resource, self.version)


class Rows(AsStored):
    """Objects as tables of one row, the first with the columns. Cells hold ages: no two watchers share lines."""

    __slots__ = ("_core", "_table", "_told")

    def __init__(self, core: Core, table: Table) -> None:
        self._core = core
        self._table = table
        #: Whether the columns were told.
        self._told = False

    def encode(self, item: Cached) -> bytes:
        """The table."""
        obj = self._core.parsed(self._table.resource, item)
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        shown = self._table.at(self._core.clock.now()).of([obj], metadata, with_columns=not self._told)
        self._told = True
        return orjson.dumps(shown)

    def bookmark(self, shown: Object) -> bytes:
        """What holds a bookmark's revision."""
        return orjson.dumps(self._table.of([], shown["metadata"], with_columns=False))

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True, slots=True)
class Binary:
    """Objects in protobuf, or their metadata only where there is a `version` of the meta group."""

    core: Core
    resource: Resource
    version: str = ""

    def ready(self, changes: list[Change], filter: Filter | None) -> list[Change]:
        """All of them, at once."""
        return changes

    def encode(self, item: Cached) -> bytes:
        """The object, with its head."""
        if not self.version:
            return self.core.binary.body(self.core, self.resource, item)
        return self._body(partial(self.core.parsed(self.resource, item), self.version))

    def bookmark(self, shown: Object) -> bytes:
        """What holds a bookmark's revision."""
        return self._body(partial(shown, self.version) if self.version else shown)

    def status(self, shown: Object) -> bytes:
        """A Status."""
        return self._body(shown)

    def frame(self, type: str, body: bytes) -> bytes:
        """An event that holds these bytes."""
        from corral.api.protobuf import watch_frame

        return watch_frame(type, body)

    @staticmethod
    def _body(shown: Any) -> bytes:
        from corral.api.protobuf import encode_object

        return encode_object(shown)

    def __hash__(self) -> int:
        return hash((self.resource, self.version))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Binary) and (other.resource, other.version) == (self.resource, self.version)


AS_STORED = AsStored()


def view_of(core: Core, request: Request, resource: Resource, want: Wanted) -> View:
    """The view that a watch is wanted in."""
    view: View = AS_STORED if core.is_as_stored(resource) else Versioned(core, resource)
    if want.view == "Table":
        view = Rows(core, table(core, request, resource, want))
    elif want.media == "protobuf":
        view = Binary(core, resource, want.version if want.view else "")
    elif want.view:
        view = Metadata(core, resource, want.version)
    return Converted(view, core, resource) if core.is_webhook_converted(resource) else view
