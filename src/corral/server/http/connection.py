"""One connection of a client: TLS identity, patience, back-pressure, what ends when it goes; and the factory of connections."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

if TYPE_CHECKING:
    from corral.server.watching import Watch

KEEP_ALIVE_S = 120.0
#: A connection that has sent no whole head of a request by then is closed.
HEAD_TIMEOUT_S = 32.0
#: What comes of a body that nobody wanted is read for so long, so that the client reads the answer.
LINGER_S = 2.0


class Connection(RequestHandler):
    """One client connection: who is at the other end of the TLS session, and what to end when it goes."""

    __slots__ = ("_patience", "certificate", "chunked", "is_strangers", "known", "streaming", "ticket", "watch")

    def __init__(self, manager: Any, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(manager, loop=loop, **settings)
        #: The client's certificate (DER), if it showed one.
        self.certificate: bytes | None = None
        #: Whatever authentication wants to remember of this connection.
        self.known: Any = None
        #: Nobody has said here who he is (see `crowd`).
        self.is_strangers = True
        self.streaming: asyncio.Task[Any] | None = None
        #: The seats of the request that is being answered (`server.flowcontrol`): given back when its answer is written.
        self.ticket: Any = None
        self._patience: asyncio.TimerHandle | None = None
        #: The watch that is written here (see `watching.Sink`), in chunks unless the client speaks HTTP/1.0.
        self.watch: Watch | None = None
        self.chunked = True

    @property
    def blocked(self) -> bool:
        """Whether the client has not yet taken what was written."""
        return self._paused or self.transport is None

    @property
    def idle_since_s(self) -> float | None:
        """Since when it waits for a request (the loop's time); None while it does not."""
        if self._waiter is None or self._waiter.done():
            return None
        return self._next_keepalive_close_time - KEEP_ALIVE_S

    def write(self, data: bytes | memoryview) -> None:
        """Write, past everything; nothing to a client that has gone."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken what was written. Raises ConnectionError."""
        await self._drain_helper()

    def drop(self) -> None:
        """Break off: the client must not take what it has for all there is."""
        if self.transport is not None:
            self.transport.abort()

    def resume_writing(self) -> None:
        """The client has taken what was written."""
        super().resume_writing()
        if self.watch is not None:
            self.watch.resumed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, and has to say something soon."""
        super().connection_made(transport)
        # Now, as a client that says goodbye with its request has none when it is answered.
        tls = transport.get_extra_info("ssl_object")
        self.certificate = None if tls is None else tls.getpeercert(binary_form=True) or None
        self._patience = self._loop.call_later(HEAD_TIMEOUT_S, self._lose_patience)

    def _lose_patience(self) -> None:
        if not self._request_count:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client went: a watch or stream ends at once."""
        if self._patience is not None:
            self._patience.cancel()
        if self.streaming is not None:
            self.streaming.cancel()
        self.release()
        super().connection_lost(exc)

    def release(self) -> None:
        """Give back the seats of the request."""
        if self.ticket is not None:
            self.ticket.release()
            self.ticket = None


class _NotMalformed(logging.Filter):
    """Whoever sends what is no HTTP is answered 400; that is no fault of ours, and no place in the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_wire = logging.getLogger("corral.server.http.wire")
_wire.addFilter(_NotMalformed())


class Connections(web.Server):
    """aiohttp's factory of connections, making ours."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], loop: Any) -> None:
        super().__init__(handler, loop=loop)

    def __call__(self) -> RequestHandler:
        """A connection for a client that comes."""
        return Connection(
            self,
            loop=self._loop,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            access_log=None,
            tcp_keepalive=True,
            logger=_wire,
        )
