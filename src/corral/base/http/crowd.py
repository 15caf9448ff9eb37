"""Who goes when too many connections wait: of those that do nothing, the ones that have done nothing for longest.

Whoever can reach the server can open connections and hold them, and each takes 30 kB, whether it has said who it is or not.
So there is a limit to those of strangers (who have asked for nothing yet, or only for what everybody may see), and another to
those of users that wait for their next request: strangers push out nobody but strangers. What works is never closed, be it a
request, a watch or a stream: of these, flow control decides.

It costs a request nothing: nobody keeps the order of those that wait. They are looked through when so many connections have
come that there may be too many, and then more than one goes: docs/decisions/0036-idle-connections.md.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import NamedTuple

from corral.base.http.connection import Connection
from corral.base.tlsserver import TlsTransport

log = logging.getLogger(__name__)

MOST_STRANGERS = 1000
MOST_IDLE = 2000
#: The part of a limit that is made free when it is passed.
FREED = 1 / 8
#: It is said so often that there are too many.
SAY_EVERY_S = 60.0


class Waiting(NamedTuple):
    """A connection that does nothing, and since when (the loop's time)."""

    since_s: float
    transport: TlsTransport
    is_strangers: bool

    def end(self) -> None:
        """Close it: at once where a stranger could make that last, else with a goodbye."""
        if self.is_strangers:
            self.transport.abort()
        else:
            self.transport.close()


class Crowd:
    """Keeps the connections of one server within the limits: so many of strangers, so many idle ones of users."""

    def __init__(self, most_strangers: int = MOST_STRANGERS, most_idle: int = MOST_IDLE) -> None:
        self.most_strangers = most_strangers
        self.most_idle = most_idle
        #: So many may come before there can be too many.
        self._room = 1
        self._said_s = -SAY_EVERY_S

    def came(self, transports: Collection[TlsTransport]) -> None:
        """One more of `transports` was accepted."""
        self._room -= 1
        if self._room <= 0:
            found = waiting(transports)
            strangers = self._keep([one for one in found if one.is_strangers], self.most_strangers)
            users = self._keep([one for one in found if not one.is_strangers], self.most_idle)
            self._room = min(self.most_strangers - strangers, self.most_idle - users)

    def full(self, transports: Collection[TlsTransport]) -> bool:
        """The process has no files left for one more: half of the strangers go. Whether any did."""
        strangers = [one for one in waiting(transports) if one.is_strangers]
        return _end_oldest(strangers, len(strangers) // 2) > 0

    def _keep(self, found: list[Waiting], most: int) -> int:
        """End the oldest where there are more than `most`; how many are left."""
        surplus = len(found) - most
        if surplus <= 0:
            return len(found)
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            log.warning("more than %d connections do nothing: the oldest of them are closed", most)
        return len(found) - _end_oldest(found, surplus + int(most * FREED))


def waiting(transports: Collection[TlsTransport]) -> list[Waiting]:
    """The connections that do nothing: they shake hands, wait for a request, or for the client to close them too."""
    found = []
    for transport in transports:
        protocol = transport.protocol
        if protocol is None or transport.is_over:
            found.append(Waiting(transport.since_s, transport, is_strangers=True))
        elif isinstance(protocol, Connection) and protocol.idle_since_s is not None and not transport.is_closing():
            found.append(Waiting(protocol.idle_since_s, transport, protocol.is_strangers))
    return found


def _end_oldest(found: list[Waiting], count: int) -> int:
    for one in sorted(found, key=lambda one: one.since_s)[:count]:
        one.end()
    return min(count, len(found))
