"""What every driver of the store promises. `testing.store_contract` holds the tests that any driver passes.

- One revision counts every write; a key's `revision` is that of its last write, `created` that of its creation.
- A write is acknowledged only when it survives kill -9 and a power cut. Reads see acknowledged writes only.
- A watch gives every change after a revision, in order, each once, or raises Compacted.

Keys are `RESOURCE/NAMESPACE/NAME` (`pods/default/web`, `deployments.apps/default/web`, `nodes//n1`) in the order of their
code points; a prefix is any beginning of a key. Values are opaque bytes.
"""

# ruff: noqa: N818  (the names say what is the case, as in the sentence "raises KeyExists")

from collections.abc import AsyncIterator
from typing import Literal, NamedTuple, Protocol

from corral.base.errors import CorralError


class Entry(NamedTuple):
    """One key at one revision. Of a deleted key: the last value, at the revision of the deletion."""

    key: str
    value: bytes
    revision: int
    created: int


class Event(NamedTuple):
    """One change. `value` of a DELETE is the last value; `previous` is what a PUT or DELETE replaced."""

    type: Literal["PUT", "DELETE"]
    key: str
    value: bytes
    revision: int
    previous: Entry | None


Entries = list[Entry]
Events = list[Event]


class KeyExists(Exception):
    """`create` of a key that is there."""


class Mismatch(Exception):
    """`update` or `delete` of a key that is not at the expected revision; `current` is what it is (None: not there)."""

    def __init__(self, key: str, current: Entry | None) -> None:
        super().__init__(key)
        self.key = key
        self.current = current


class Compacted(Exception):
    """The history from `revision` on is no longer complete; `compacted` is the oldest revision that may still be read."""

    def __init__(self, revision: int, compacted: int) -> None:
        super().__init__(f"revision {revision} has been compacted, the oldest is {compacted}")
        self.revision = revision
        self.compacted = compacted


class FutureRevision(Exception):
    """A read at a revision that is not there yet; `current` is the newest."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} is newer than the newest, {current}")
        self.revision = revision
        self.current = current


class StoreUnavailable(CorralError):
    """This operation failed in the storage below (a full disk, an I/O error). Whatever was acknowledged is still there."""


class Store(Protocol):
    """The contract. Any method raises StoreUnavailable when the storage below fails."""

    async def revision(self) -> int:
        """The revision of the last acknowledged write; 0 before the first."""

    async def get(self, key: str) -> Entry | None:
        """The entry of `key`."""

    async def list(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> tuple[Entries, int]:
        """At most `limit` (0: all) entries under `prefix` with keys >= `start` in key order, and the revision they are of.

        `revision` 0 reads the newest state, another the state as it was then. Raises Compacted, FutureRevision.
        """

    async def create(self, key: str, value: bytes) -> Entry:
        """Write a new key. Raises KeyExists."""

    async def update(self, key: str, value: bytes, expected: int) -> Entry:
        """Replace the value of `key` whose revision is `expected`. Raises Mismatch."""

    async def delete(self, key: str, expected: int) -> Entry:
        """Delete `key` whose revision is `expected`; the entry has the deletion's revision. Raises Mismatch."""

    def watch(self, prefix: str, after: int) -> AsyncIterator[Events]:
        """Batches of the changes under `prefix` with revisions > `after`, without end. Raises Compacted."""

    async def compact(self, revision: int) -> None:
        """Forget what only reads of revisions < `revision` need; later than the newest is the newest."""

    async def close(self) -> None:
        """Finish the writes under way and give back files; open watches end."""
