"""The queues of one priority level: what waits is served so that each queue gets the same share of the seats.

Start-time fair queueing: a queue that has had little comes first, and what it did not ask for before it cannot ask for later.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from corral.server.flowcontrol.sharding import hand


class Waiting(Protocol):
    """What waits. `flow` is whose it is, `seats` what it costs."""

    flow: str
    seats: int


W = TypeVar("W", bound=Waiting)
KEPT_HANDS = 1024


class _Queue(Generic[W]):
    __slots__ = ("seats", "served", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[W] = deque()
        self.seats = 0
        #: Virtual time: seats served so far.
        self.served = 0


class FairQueues(Generic[W]):
    """`queues` queues of `length` at most, of which a flow has `hand_size`."""

    def __init__(self, queues: int, hand_size: int, length: int) -> None:
        self.shape = queues, hand_size, length
        self._queues: dict[int, _Queue[W]] = {}
        self._hands: dict[str, list[int]] = {}
        self._time = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[W]:
        return (item for queue in self._queues.values() for item in queue.waiting)

    def put(self, item: W) -> bool:
        """Queue it in the shortest of its flow's queues; False where even that is full."""
        number = min(self._hand(item.flow), key=self._load)
        queue = self._queues.get(number)
        if queue is None:
            queue = self._queues[number] = _Queue()
        if len(queue.waiting) >= self.shape[2]:
            return False
        if not queue.waiting:
            queue.served = max(queue.served, self._time)
        queue.waiting.append(item)
        queue.seats += item.seats
        self._count += 1
        return True

    def next(self) -> W | None:
        """Who is next: it stays in its queue."""
        queue = self._next()
        return None if queue is None else queue.waiting[0]

    def take(self) -> W:
        """Take the next one out. Raises IndexError where nobody waits."""
        queue = self._next()
        if queue is None:
            raise IndexError("nobody waits")
        item = queue.waiting.popleft()
        self._time = queue.served
        queue.served += item.seats
        queue.seats -= item.seats
        self._count -= 1
        if not self._count:
            self._rest()
        return item

    def remove(self, item: W) -> None:
        """Who waited in vain. Raises ValueError where it does not wait."""
        for queue in self._queues.values():
            if item in queue.waiting:
                queue.waiting.remove(item)
                queue.seats -= item.seats
                self._count -= 1
                if not self._count:
                    self._rest()
                return
        raise ValueError("it does not wait")

    def _next(self) -> "_Queue[W] | None":
        waiting = (queue for queue in self._queues.values() if queue.waiting)
        return min(waiting, key=lambda queue: queue.served + queue.waiting[0].seats, default=None)

    def _load(self, number: int) -> int:
        queue = self._queues.get(number)
        return 0 if queue is None else queue.seats

    def _rest(self) -> None:
        """Nobody waits: all begin anew."""
        self._queues.clear()
        self._time = 0

    def _hand(self, flow: str) -> list[int]:
        found = self._hands.get(flow)
        if found is None:
            if len(self._hands) >= KEPT_HANDS:
                self._hands.clear()
            found = self._hands[flow] = hand(flow, self.shape[0], self.shape[1])
        return found
