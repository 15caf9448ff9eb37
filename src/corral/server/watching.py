"""Who watches a collection: thousands of clients are told of a change by one wake-up.

Watchers that see alike (the same filter and view) form a group. What a group is told is put together once, as one chunk of
HTTP, and the same bytes are written to every client whose buffer is not full; one who is slow keeps its position in the log
and goes on when its buffer drains. A watcher that waits has no task of its own to run, only a timer for its bookmark or end.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from corral.api.errors import ApiError
from corral.server.changes import Filter, View
from corral.server.triggers import Triggers

if TYPE_CHECKING:
    from corral.server.cache import Collection

#: After a round of telling, events gather for as long as the round has worked, so that it never takes more than half of the
#: loop's time however many watchers there are; at most for so long.
MAX_PAUSE_S = 40e-3
#: A pause shorter than this is none: a few watchers are told at once.
MIN_PAUSE_S = 1e-3
#: So many are written to before others have a turn: a crowd of watchers does not hold up requests.
AT_A_TIME = 64

BOOKMARK_INTERVAL_S = 60.0
#: A watch without `timeoutSeconds` ends after this long, or up to twice as long, so that not all end at once.
MIN_TIMEOUT_S = 1800


class Sink(Protocol):
    """Where the lines of one watcher go."""

    #: Whether bytes are framed as chunks of HTTP/1.1.
    chunked: bool

    @property
    def blocked(self) -> bool:
        """Whether it takes nothing for now; it calls `resumed` when it does again."""

    def write(self, data: bytes) -> None:
        """Take bytes, at once."""

    async def drain(self) -> None:
        """Wait until it is not blocked. Raises ConnectionError where it is gone."""


LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """The data as one chunk of HTTP/1.1."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Watchers:
    """The watchers of one collection."""

    def __init__(self, collection: "Collection") -> None:
        self._collection = collection
        self._groups: dict[tuple[Filter | None, View], Group] = {}
        self._triggers = Triggers()
        self._count = 0
        #: The changes before this position have been looked at: groups that none of them concerned need not look again.
        self.looked_at = 0
        #: Groups that hold what they told.
        self.warm: set[Group] = set()
        self._timer: asyncio.Handle | None = None
        #: Who is still to be told in this round, where the log ended when it began, and how long it has worked.
        self._round: Iterator[Watch] | None = None
        self._round_end = 0
        self._worked_s = 0.0
        #: When the next round may begin.
        self._due_s = 0.0

    def __len__(self) -> int:
        return self._count

    def add(self, watch: "Watch") -> None:
        """From now on `watch` is told of changes."""
        if not self._count:
            self.looked_at = self._collection.end()
        group = self._groups.get(watch.key)
        if group is None:
            group = self._groups[watch.key] = Group(self._collection, *watch.key)
            self._triggers.add(group)
        group.watches[watch] = None
        watch.group = group
        self._count += 1

    def remove(self, watch: "Watch") -> None:
        """It is told no more."""
        group = watch.group
        if group is not None and watch in group.watches:
            del group.watches[watch]
            self._count -= 1
            if not group.watches:
                del self._groups[watch.key]
                self._triggers.remove(group)

    def wake(self) -> None:
        """There are changes: tell of them, at once after a quiet time.

        A write to a client costs nearly the same for one event and for ten: where rounds of telling are long, events gather
        between them.
        """
        if not self._count or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        pause_s = self._due_s - time.perf_counter()
        self._timer = loop.call_soon(self._tell) if pause_s < MIN_PAUSE_S else loop.call_later(pause_s, self._tell)

    def _tell(self) -> None:
        began_s = time.perf_counter()
        if self._round is None:
            self._cool()
            self._round_end = self._collection.end()
            self._round = iter([watch for group in self._concerned() for watch in group.watches])
            self._worked_s = 0.0
        told = 0
        for watch in self._round:
            if watch.advance():
                told += 1
                if told == AT_A_TIME:
                    self._worked_s += time.perf_counter() - began_s
                    self._timer = asyncio.get_running_loop().call_soon(self._tell)
                    return
        self._round = self._timer = None
        now_s = time.perf_counter()
        self._due_s = now_s + min(self._worked_s + now_s - began_s, MAX_PAUSE_S)
        self._cool()
        if self._collection.end() != self._round_end:
            self.wake()

    def _cool(self) -> None:
        """Let go of what was told, as there is more by now or all have heard it."""
        for group in self.warm:
            group.forget()
        self.warm.clear()

    def _concerned(self) -> "list[Group]":
        """The groups to tell of the changes of this round, at its beginning; to the others they are as good as told."""
        before = self.looked_at
        try:
            found = self._triggers.concerned(self._collection.changes(before))
        except ApiError:  # The log was lost: whoever watches has to hear of that.
            found = list(self._groups.values())
        for group in found:
            group.begin(before, self._round_end)
        self.looked_at = self._round_end
        return found


class Group:
    """Watchers with the same filter and view."""

    def __init__(self, collection: "Collection", filter: Filter | None, view: View) -> None:
        self._collection = collection
        self.filter = filter
        self._view = view
        #: No change from this position on, of those that were looked at, concerns the group.
        self._quiet_from = collection.end()
        self.watches: dict[Watch, None] = {}
        #: (position, framed) → the position after, and the bytes from there on.
        self._told: dict[tuple[int, bool], tuple[int, bytes]] = {}

    def passed(self, position: int, looked_at: int) -> int:
        """Where one at `position` really is: past all that was looked at and did not concern the group."""
        return max(position, looked_at) if position >= self._quiet_from else position

    def begin(self, looked_at: int, end: int) -> None:
        """A round begins that concerns the group: of what was `looked_at` before, and will have been up to `end`."""
        if self._quiet_from < looked_at:
            for watch in self.watches:
                watch.position = self.passed(watch.position, looked_at)
        self._quiet_from = end

    def forget(self) -> None:
        """Let go of what was told."""
        self._told.clear()

    def since(self, position: int, *, chunked: bool) -> tuple[int, bytes]:
        """The position after the newest change, and what there is to tell from `position` on. Raises ApiError (410)."""
        found = self._told.get((position, chunked))
        if found is None:
            changes = self._view.ready(self._collection.changes(position), self.filter)
            lines = b"".join([change.line(self.filter, self._view) for change in changes])
            found = self._told[position, chunked] = position + len(changes), chunk(lines) if chunked and lines else lines
            self._collection.watchers.warm.add(self)
        return found


class Watch:
    """One client's watch: its first lines, then the changes from a position on.

    `initial` gives the first lines in pieces. `bookmark` makes the event for a revision, None where none are wanted; `failed`
    the last event of a watch that cannot go on.
    """

    __slots__ = (
        "_after",
        "_bookmark",
        "_bookmark_s",
        "_clock",
        "_done",
        "_ended",
        "_ends_s",
        "_failed",
        "_initial",
        "_revision",
        "_sink",
        "_timer",
        "collection",
        "group",
        "key",
        "position",
    )

    def __init__(
        self,
        collection: "Collection",
        position: int,
        initial: Iterator[bytes],
        key: tuple[Filter | None, View],
        *,
        after: int,
        timeout_s: float,
        clock: Callable[[], float],
        revision: Callable[[], int],
        bookmark: Callable[[int], bytes] | None,
        failed: Callable[[ApiError], bytes],
        ended: bool = False,
    ) -> None:
        self.collection = collection
        self.position = position
        self.key = key
        self.group: Group | None = None
        self._initial: Iterator[bytes] | None = initial
        #: Changes up to this revision are not told.
        self._after = after
        self._clock = clock
        self._revision = revision
        self._bookmark = bookmark
        self._failed = failed
        #: The first lines are the last.
        self._ended = ended
        timeout_s = timeout_s or MIN_TIMEOUT_S * (1 + random.random())
        now_s = clock()
        self._ends_s = now_s + timeout_s
        self._bookmark_s = now_s + min(BOOKMARK_INTERVAL_S, max(timeout_s - 2, timeout_s / 2))
        self._sink: Sink | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def blocked(self) -> bool:
        """Whether its client takes nothing for now."""
        return self._sink is None or self._sink.blocked

    async def follow(self, sink: Sink) -> None:
        """Write to `sink` until the watch has ended. Raises ConnectionError where the client is gone."""
        assert self._initial is not None
        for lines in self._initial:
            sink.write(chunk(lines) if sink.chunked else lines)
            await asyncio.sleep(0)
            await sink.drain()
        self._initial = None
        if self._ended:
            return
        loop = asyncio.get_running_loop()
        self._sink, self._done = sink, loop.create_future()
        self.collection.watchers.add(self)
        try:
            self.advance()
            self._tick()
            await self._done
        finally:
            self.collection.watchers.remove(self)
            if self._timer is not None:
                self._timer.cancel()
            self._sink = None

    def advance(self) -> bool:
        """Tell what is new; False where there is nothing, or the client takes nothing."""
        sink, group = self._sink, self.group
        if sink is None or group is None or sink.blocked or self.position >= self.collection.end():
            return False
        try:
            if self._after and not self._began():
                return False
            self.position, lines = group.since(self.position, chunked=sink.chunked)
        except ApiError as error:
            self._end(self._failed(error))
            return True
        if lines:
            sink.write(lines)
        return bool(lines)

    def _began(self) -> bool:
        """Whether there is a change from after the revision that was asked for, which may have been one of the future."""
        self.position = max(self.position, self.collection.position(self._after))
        if self.position == self.collection.end():
            return False
        self._after = 0
        return True

    def resumed(self) -> None:
        """The client takes more."""
        self._pass()
        while self.advance():
            pass

    def _pass(self) -> None:
        """Take note of what went by without concerning this watch."""
        if self.group is not None:
            self.position = self.group.passed(self.position, self.collection.watchers.looked_at)

    def _tick(self) -> None:
        """Tell a bookmark, or end, when it is time."""
        now_s = self._clock()
        if now_s >= self._ends_s:
            self._end(b"")
            return
        next_s = self._ends_s
        if self._bookmark is not None:
            self._pass()
            if now_s >= self._bookmark_s and self.position == self.collection.end() and not self.blocked:
                self._bookmark_s = now_s + BOOKMARK_INTERVAL_S
                self._write(self._bookmark(self._revision()))
            next_s = min(next_s, max(self._bookmark_s, now_s + 1))
        self._timer = asyncio.get_running_loop().call_later(next_s - now_s, self._tick)

    def _end(self, last: bytes) -> None:
        if last:
            self._write(last)
        self._sink = None
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _write(self, data: bytes) -> None:
        if self._sink is not None:
            self._sink.write(chunk(data) if self._sink.chunked else data)

    async def lines(self) -> AsyncIterator[bytes]:
        """The watch as a stream of pieces, for callers that are no HTTP connection."""
        heap = _Heap()
        task = asyncio.create_task(self.follow(heap))
        task.add_done_callback(lambda _: heap.wake())
        try:
            while True:
                lines = heap.take()
                if lines:
                    yield lines
                elif task.done():
                    task.result()
                    return
                else:
                    await heap.wait()
        finally:
            task.cancel()


class _Heap:
    """A sink that keeps what it is given until it is taken."""

    chunked = False
    blocked = False

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._woken = asyncio.Event()

    def write(self, data: bytes) -> None:
        self._lines.append(data)
        self._woken.set()

    async def drain(self) -> None:
        pass

    def take(self) -> bytes:
        lines = b"".join(self._lines)
        self._lines.clear()
        return lines

    def wake(self) -> None:
        self._woken.set()

    async def wait(self) -> None:
        self._woken.clear()
        await self._woken.wait()
