"""One priority level: its seats, who works on them, who waits for them.

A level has its nominal seats. Part of them it lends, into the pool of all that is lent; from there any level may borrow as
much as its limit allows. What it does not lend is always its own, so that a flood in one level takes nothing of that from
another.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

from corral.api.objects import Object
from corral.server.flowcontrol.fairqueue import FairQueues


class Ticket:
    """A request at a level: it works while it has its seats. `release` gives them back, once."""

    __slots__ = ("admitted", "flow", "level", "marks", "seats", "turn")

    def __init__(self, level: "Level | None", seats: int, marks: bytes = b"", flow: str = "") -> None:
        self.level = level
        self.seats = seats
        #: The header lines that say which schema and level decided.
        self.marks = marks
        #: Whose it is; of importance to those who wait.
        self.flow = flow
        self.admitted = level is None
        #: Done when the ticket is admitted.
        self.turn: asyncio.Future[None] | None = None

    def release(self) -> None:
        """Its work has ended, or nobody waits for it any more."""
        level, self.level = self.level, None
        if level is not None:
            level.leave(self)


def _soon(step: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(step)


class Pool:
    """The seats that levels lend; `used` are borrowed, by whomever.

    Who has waited is let in one at a time, each by a `step` of its own in the event loop (`schedule`): between any two the loop
    looks at its sockets, so that what does not have to wait never waits for many.
    """

    def __init__(self, schedule: Callable[[Callable[[], None]], None] = _soon) -> None:
        self._schedule = schedule
        self._stepping = False
        self.levels: list[Level] = []
        self.size = 0
        self.used = 0
        #: How many requests wait, at all levels.
        self.waiting = 0

    def share(self, specs: dict[str, Object], total: int) -> None:
        """Share out `total` seats among the levels, whose specs are given by name."""
        shares = {name: _shares(spec) for name, spec in specs.items()}
        whole = sum(shares.values()) or 1
        self.size = 0
        for level in self.levels:
            settings = _settings(specs[level.name])
            nominal = math.ceil(total * shares[level.name] / whole)
            lent = round(nominal * (settings.get("lendablePercent") or 0) / 100)
            limit = settings.get("borrowingLimitPercent")
            level.nominal, level.kept = nominal, nominal - lent
            level.most = total + nominal if limit is None else nominal + round(nominal * limit / 100)
            self.size += lent
        self.used = sum(max(0, level.used - level.kept) for level in self.levels)

    def dispatch(self) -> None:
        """Give what is free to those who wait: first to levels that have less than their nominal seats."""
        if self.waiting and not self._stepping:
            self._stepping = True
            self._schedule(self._step)

    def _step(self) -> None:
        self._stepping = False
        waiting = [level for level in self.levels if level.queues]
        if len(waiting) > 1:
            waiting.sort(key=lambda level: level.used >= level.nominal)
        if any(level.admit_next() for level in waiting):
            self.dispatch()

    def is_claimed(self) -> bool:
        """Whether a level waits for seats that are its own: until it has them, nobody borrows more."""
        return any(level.queues and level.used < level.nominal for level in self.levels)


class Level:
    """A priority level. Who is at an `exempt` one needs no seat, and is not counted."""

    def __init__(self, name: str, pool: Pool) -> None:
        self.name = name
        self.exempt = False
        self.nominal = self.kept = self.most = 0
        #: Seats that are being worked on, and by how many requests.
        self.used = 0
        self.working = 0
        #: Who waits; None: nobody may, and who finds no seat is turned away.
        self.queues: FairQueues[Ticket] | None = None
        self._pool = pool

    def configure(self, spec: Object) -> list[Ticket]:
        """Follow a spec; those who waited in queues of another shape and find no place in the new ones."""
        self.exempt = spec.get("type") == "Exempt"
        response: dict[str, Any] = (spec.get("limited") or {}).get("limitResponse") or {}
        queuing = response.get("queuing")
        before, homeless = self.queues, []
        if self.exempt or response.get("type") != "Queue" or not queuing:
            self.queues = None
        else:
            shape = queuing["queues"], queuing["handSize"], queuing["queueLengthLimit"]
            if before is not None and before.shape == shape:
                return []
            self.queues = FairQueues(*shape)
        for ticket in before or ():
            if self.queues is None or not self.queues.put(ticket):
                homeless.append(ticket)
                self._pool.waiting -= 1
        return homeless

    def admit(self, ticket: Ticket) -> bool:
        """Let the ticket work, if nobody waits before it and there are seats for it."""
        if self._pool.waiting and self.queues:
            return False
        seats = ticket.seats
        if self.used + seats <= self.kept:
            self.used += seats
            self.working += 1
            ticket.admitted = True
            return True
        if not self._fits(seats):
            return False
        self._admit(ticket)
        return True

    def queue(self, ticket: Ticket) -> str:
        """Let a ticket wait that was not admitted; why not, where it is turned away."""
        if self.queues is None:
            return "concurrency-limit"
        if not self.queues.put(ticket):
            return "queue-full"
        ticket.turn = asyncio.get_running_loop().create_future()
        self._pool.waiting += 1
        return ""

    def leave(self, ticket: Ticket) -> None:
        """The ticket's work has ended, or it does not wait any more."""
        if not ticket.admitted:
            if self.queues is not None and ticket in self.queues:
                self.queues.remove(ticket)
                self._pool.waiting -= 1
                self._pool.dispatch()  # It may have been the one that was too large for what was free.
            return
        self.working -= 1
        if self.used > self.kept:
            self._pool.used -= min(ticket.seats, self.used - self.kept)
        self.used -= ticket.seats
        if self._pool.waiting:
            self._pool.dispatch()

    def admit_next(self) -> bool:
        """Admit who is next, if there are seats for it."""
        ticket = self.queues.next() if self.queues is not None else None
        if self.queues is None or ticket is None or not self._fits(ticket.seats):
            return False
        self.queues.take()
        self._pool.waiting -= 1
        self._let_in(ticket)
        return True

    def admit_all(self) -> None:
        """The level is no more: who waited goes on."""
        for ticket in list(self.queues or ()):
            self._pool.waiting -= 1
            self._let_in(ticket)
        self.queues = None

    def _let_in(self, ticket: Ticket) -> None:
        self._admit(ticket)
        if ticket.turn is not None and not ticket.turn.done():
            ticket.turn.set_result(None)

    def _fits(self, seats: int) -> bool:
        used = self.used + seats
        if used <= self.kept:
            return True
        if not self.used and not self.nominal:
            return True  # Without any seats, one after the other.
        if not self.used and seats > self.nominal:
            used = self.nominal  # Larger than the level: it works alone.
        elif used > self.nominal and (used > self.most or self._pool.is_claimed()):
            return False
        return self._pool.used + used - max(self.kept, self.used) <= self._pool.size

    def _admit(self, ticket: Ticket) -> None:
        ticket.admitted = True
        self.working += 1
        before = max(0, self.used - self.kept)
        self._pool.used += max(0, self.used + ticket.seats - self.kept) - before
        self.used += ticket.seats


def _settings(spec: Object) -> Object:
    found: Object = spec.get("exempt") or spec.get("limited") or {}
    return found


def _shares(spec: Object) -> int:
    default = 0 if spec.get("type") == "Exempt" else 30
    shares: int | None = _settings(spec).get("nominalConcurrencyShares")
    return default if shares is None else shares
