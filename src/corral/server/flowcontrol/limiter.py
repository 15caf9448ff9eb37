"""The way of a request past priority and fairness: classified, admitted at once, kept waiting, or turned away with 429."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from corral.api.objects import Object
from corral.server.changes import Cached, Change
from corral.server.flowcontrol import rules
from corral.server.flowcontrol.level import Level, Pool, Ticket
from corral.server.flowcontrol.metrics import Counts
from corral.server.flowcontrol.seats import TOTAL, cost, is_long_running
from corral.server.request import Request, Response, plain

if TYPE_CHECKING:
    from corral.server.core import Core

log = logging.getLogger(__name__)

SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io"
LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
#: Who has waited this long is turned away.
PATIENCE_S = 15.0
RETRY_AFTER_S = 1
KEPT_CLASSES = 4096


class RejectedError(Exception):
    """Turned away: 429. `marks` are the header lines that say by whom."""

    def __init__(self, reason: str, marks: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.marks = marks

    def response(self) -> Response:
        """The answer."""
        made = plain(429, "Too many requests, please try again later.", {"Retry-After": str(RETRY_AFTER_S)})
        made.marks = self.marks
        return made


class _Class:
    """Where requests of one kind go."""

    __slots__ = ("count", "flow_of", "free", "level", "marks", "name")

    def __init__(self, schema: Object, level: Level, level_uid: str, count: list[int]) -> None:
        self.name: str = schema["metadata"]["name"]
        #: How many requests were admitted.
        self.count = count
        self.level = level
        self.flow_of = rules.distinguisher(schema)
        uid = schema["metadata"].get("uid", "")
        self.marks = (f"X-Kubernetes-PF-FlowSchema-UID: {uid}\r\nX-Kubernetes-PF-PriorityLevel-UID: {level_uid}\r\n").encode(
            "latin-1"
        )
        #: What all get who need no seats.
        self.free = Ticket(None, 0, self.marks)


class Limiter:
    """One for the whole server. Knows nothing, and lets everybody in, until `follow`."""

    def __init__(self, core: "Core", total_seats: int = TOTAL, patience_s: float = PATIENCE_S) -> None:
        self.levels: dict[str, Level] = {}
        self.counts = Counts()
        self._core = core
        self._total = total_seats
        self._patience_s = patience_s
        self._pool = Pool()
        self._schemas: list[tuple[Object, _Class]] = []
        self._classes: dict[tuple[Any, ...], _Class | None] = {}
        self._by_namespace = False

    def follow(self) -> None:
        """Do as the objects in the cache say, now and after each change."""

        def changed(_: Change) -> None:
            self._configure()

        for name in (SCHEMAS, LEVELS):
            self._core.cache.collection(name).listen(changed)
        self._configure()

    def enter(self, request: Request) -> Ticket | None:
        """Admit the request, or queue it: then its `turn` comes. None where it is not counted. Raises RejectedError."""
        if is_long_running(request):
            return None
        found = self._class(request)
        if found is None:
            return None
        level = found.level
        if level.exempt:
            found.count[0] += 1
            return found.free
        ticket = Ticket(level, min(cost(self._core, request), self._total), found.marks)
        if level.admit(ticket):
            found.count[0] += 1
            return ticket
        ticket.flow = f"{found.name} {found.flow_of(request)}"
        why = level.queue(ticket)
        if why:
            ticket.level = None
            self.counts.rejected(level.name, found.name, why)
            raise RejectedError(why, found.marks)
        return ticket

    async def wait(self, ticket: Ticket) -> None:
        """Return when a queued ticket's turn has come. Raises RejectedError where it has not in time."""
        assert ticket.turn is not None
        loop = asyncio.get_running_loop()
        began_s, level, schema = loop.time(), ticket.level, ticket.flow.partition(" ")[0]
        assert level is not None
        timer = loop.call_later(self._patience_s, _give_up, ticket.turn)
        try:
            await ticket.turn
        except asyncio.CancelledError:
            ticket.release()
            raise
        finally:
            timer.cancel()
            self.counts.waited(level.name, schema, loop.time() - began_s, executed=ticket.admitted)
        if not ticket.admitted:
            ticket.release()
            self.counts.rejected(level.name, schema, "time-out")
            raise RejectedError("time-out", ticket.marks)
        self.counts.dispatched(level.name, schema)[0] += 1

    def _class(self, request: Request) -> _Class | None:
        user, resource = request.user, request.resource
        where: Any = request.path if resource is None else request.namespace if self._by_namespace else bool(request.namespace)
        what = (resource.plural, resource.group) if resource is not None else None
        key = user.name, user.groups, request.verb, what, request.subresource, where
        try:
            return self._classes[key]
        except KeyError:
            pass
        found = next((of for schema, of in self._schemas if rules.matches(schema, request)), None)
        if len(self._classes) >= KEPT_CLASSES:
            self._classes.clear()
        self._classes[key] = found
        return found

    def _configure(self) -> None:
        """Take in the objects as they are now: those who wait or work stay."""
        levels = {item.name: item for item in self._core.cache.collection(LEVELS).list()}
        specs = {name: item.object["spec"] for name, item in levels.items()}
        for name in self.levels.keys() - specs.keys():
            self.levels.pop(name).admit_all()
        for name, spec in specs.items():
            level = self.levels.get(name) or self.levels.setdefault(name, Level(name, self._pool))
            for ticket in level.configure(spec):
                _give_up(ticket.turn)
        self._pool.levels = list(self.levels.values())
        self._pool.share(specs, self._total)
        self._classes.clear()
        self._schemas = list(self._made(levels))
        self._by_namespace = any(rules.names_namespaces(schema) for schema, _ in self._schemas)
        self._pool.dispatch()

    def _made(self, levels: dict[str, Cached]) -> "list[tuple[Object, _Class]]":
        found = []
        for schema in rules.ordered(item.object for item in self._core.cache.collection(SCHEMAS).list()):
            level = levels.get(rules.level_of(schema))
            if level is not None:  # One whose level is missing dangles: it counts for nothing.
                uid = level.object["metadata"].get("uid", "")
                count = self.counts.dispatched(level.name, schema["metadata"]["name"])
                found.append((schema, _Class(schema, self.levels[level.name], uid, count)))
        return found


def _give_up(turn: "asyncio.Future[None] | None") -> None:
    """Wake who waits, without having admitted it."""
    if turn is not None and not turn.done():
        turn.set_result(None)
