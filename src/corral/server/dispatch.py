"""The way of a request: routed, authenticated, queued, authorized, and only then is its body read and its handler called.

What goes wrong becomes a Status. Every request is counted and audited, whether it comes over HTTP (`Dispatcher.handle`) or
from a caller in this process (`Dispatcher.perform`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from corral.api.errors import ApiError, internal
from corral.server import subresources
from corral.server.audit import Auditor
from corral.server.audit.auditor import DECISION, REASON
from corral.server.authentication import Authenticator, Peer
from corral.server.authentication.impersonation import impersonate
from corral.server.authorization import forbidden, of_request
from corral.server.authorization.authorizer import PRIVILEGED, PRIVILEGED_GROUP
from corral.server.bodies import as_json
from corral.server.core import Core
from corral.server.flowcontrol import Limiter, RejectedError, Ticket
from corral.server.pages import Pages
from corral.server.paths import PageNotFoundError
from corral.server.refusals import failure, refusal, status_of
from corral.server.request import ANONYMOUS, Request, Response, plain
from corral.server.verbs import VERBS
from corral.store.contract import StoreUnavailable

log = logging.getLogger(__name__)

#: Of strangers nobody waits for the body of these.
READING = ("GET", "HEAD")


class Dispatcher:
    """Leads each request to its verb, subresource or page, and its answer back."""

    def __init__(self, core: Core, limiter: Limiter) -> None:
        self.core = core
        self._limiter = limiter
        self._pages = Pages(core)
        self.metrics = self._pages.metrics
        #: Both are made when the server starts. In-process callers need no authentication.
        self.authenticator: Authenticator | None = None
        self.auditor: Auditor | None = None

    async def handle(self, request: Request, peer: Peer | None = None) -> Response:
        """The answer to a request that came over `peer`; faults have become Statuses."""
        began_s = time.perf_counter()
        with self.metrics.inflight(request.method):
            response = await self._answered(request, peer)
        if peer is not None and peer.ticket is not None:
            response.marks = peer.ticket.marks
        self.settle(request, response, began_s)
        return response

    async def perform(self, request: Request) -> Response:
        """The answer to a request of a caller in this process. Raises ApiError, also where the storage fails."""
        began_s = time.perf_counter()
        try:
            response = await self._perform(request, None)
        except ApiError as error:
            self.settle(request, refusal(error, request), began_s)
            raise
        except StoreUnavailable as error:
            fault = internal(error.message)
            self.settle(request, refusal(fault, request), began_s)
            raise fault from error
        self.settle(request, response, began_s)
        return response

    async def route(self, request: Request, peer: Peer | None = None) -> None:
        """Find out what is asked for and by whom, and whether he may. Raises ApiError, PageNotFoundError."""
        received_s = self.core.clock.now()
        fault: Exception | None = None
        try:
            self.core.paths.resolve(request)
        except (ApiError, PageNotFoundError) as error:
            fault = error
        if peer is not None:
            await self._authenticate(request, peer, received_s)
        if self.auditor is not None:
            self.auditor.received(request, received_s)
        if peer is not None:
            other = await impersonate(request, self.core.authorizer)
            if other is not None:
                request.actor, request.user, request.constraint = request.user, other.user, other.constraint
            peer.ticket = ticket = self._limiter.enter(request)
            if ticket is not None and not ticket.admitted:
                await self._queue(ticket, peer)
        await self._authorize(request)
        if fault is not None:
            raise fault

    def settle(self, request: Request, response: Response, began_s: float, *, goes_on: bool = False) -> None:
        """Count a request that is answered, and write it down; one whose answer goes on, when that ends."""
        response.ended = counted = self.metrics.observe(
            request, response.status, time.perf_counter() - began_s, goes_on=goes_on or response.is_open
        )
        auditor = self.auditor
        if request.audit is None or auditor is None:
            return
        if counted is not None:
            auditor.started(request, response.status)

            def ended() -> None:
                counted()
                auditor.completed(request, response.status, None)

            response.ended = ended
        else:
            auditor.completed(request, response.status, status_of(response), response.body, response.content_type)
        response.headers["Audit-Id"] = request.audit.id

    async def _answered(self, request: Request, peer: Peer | None) -> Response:
        try:
            return await self._perform(request, peer)
        except ApiError as error:
            return refusal(error, request)
        except PageNotFoundError:
            return plain(404, "404 page not found")
        except RejectedError as error:
            return error.response()
        except StoreUnavailable as error:
            log.error("%s %s: %s", request.method, request.path, error)
            return refusal(internal(error.message), request)
        except Exception as error:
            fault, is_ours = failure(error, request)
            if is_ours and self.auditor is not None:
                self.auditor.panicked(request, fault.status())
            return refusal(fault, request)

    async def _perform(self, request: Request, peer: Peer | None) -> Response:
        """The answer to a request. Raises ApiError, PageNotFoundError and whatever goes wrong."""
        await self.route(request, peer)
        if request.read_body is not None and not (request.user is ANONYMOUS and request.method in READING):
            request.body = await request.read_body()
        if request.resource is not None and not request.resource.is_foreign:
            deprecation = self.core.rules(request.resource).deprecation
            if deprecation:
                request.warnings.append(deprecation)
            if request.body:
                as_json(request)
        return await self._handler(request)(self.core, request)

    async def _authenticate(self, request: Request, peer: Peer, received_s: float) -> None:
        assert self.authenticator is not None
        try:
            request.user = await self.authenticator.authenticate(request, peer)
        except ApiError as error:
            if self.auditor is not None:
                self.auditor.unauthenticated(request, received_s, error.code)
            raise
        if request.user is not ANONYMOUS:
            peer.is_strangers = False

    async def _queue(self, ticket: Ticket, peer: Peer) -> None:
        """Wait for the ticket's turn, as long as the client does."""
        peer.streaming = asyncio.current_task()
        try:
            await self._limiter.wait(ticket)
        finally:
            peer.streaming = None

    async def _authorize(self, request: Request) -> None:
        if PRIVILEGED_GROUP in request.user.groups:
            decision = PRIVILEGED
        else:
            attributes = of_request(request)
            decision = await self.core.authorizer.ask(attributes)
        if request.audit is not None:
            request.annotations[DECISION] = "allow" if decision.allowed else "forbid"
            request.annotations[REASON] = decision.reason
        if not decision.allowed:
            raise forbidden(attributes, decision.reason)

    def _handler(self, request: Request) -> Callable[[Core, Request], Awaitable[Response]]:
        resource = request.resource
        if resource is None:
            return self._pages.handle
        if resource.is_foreign:
            return _elsewhere
        if request.subresource:
            return subresources.handler(request.subresource)
        return VERBS[request.verb]


async def _elsewhere(core: Core, request: Request) -> Response:
    assert request.resource is not None
    return await core.aggregation.handle(request, request.resource.group, request.resource.version)
