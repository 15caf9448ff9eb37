"""One connection of a client: how long it may say nothing, and what ends when it goes; and the factory of connections."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

KEEP_ALIVE_S = 120.0
#: A connection that has sent no whole head of a request by then is closed.
HEAD_TIMEOUT_S = 32.0
#: What comes of a body that nobody wanted is read for so long, so that the client reads the answer.
LINGER_S = 2.0

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(RequestHandler):
    """One client connection."""

    __slots__ = ("_patience", "is_strangers", "streaming")

    def __init__(self, manager: Any, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(manager, loop=loop, **settings)
        #: Nobody has said here who he is (see `crowd`).
        self.is_strangers = True
        #: The task of an answer that goes on: it ends when the client goes.
        self.streaming: asyncio.Task[Any] | None = None
        self._patience: asyncio.TimerHandle | None = None

    @property
    def idle_since_s(self) -> float | None:
        """Since when it waits for a request (the loop's time); None while it does not."""
        if self._waiter is None or self._waiter.done():
            return None
        return self._next_keepalive_close_time - KEEP_ALIVE_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, and has to say something soon."""
        super().connection_made(transport)
        self._patience = self._loop.call_later(HEAD_TIMEOUT_S, self._lose_patience)

    def _lose_patience(self) -> None:
        if not self._request_count:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client went: an answer that goes on ends at once."""
        if self._patience is not None:
            self._patience.cancel()
        if self.streaming is not None:
            self.streaming.cancel()
        super().connection_lost(exc)


class _NotMalformed(logging.Filter):
    """Whoever sends what is no HTTP is answered 400; that is no fault of ours, and no place in the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_wire = logging.getLogger("corral.base.http.wire")
_wire.addFilter(_NotMalformed())


class Connections(web.Server):
    """aiohttp's factory of connections, making those of class `make`."""

    def __init__(self, answer: Answer, make: type[Connection], loop: Any) -> None:
        super().__init__(answer, loop=loop)
        self._make = make

    def __call__(self) -> RequestHandler:
        """A connection for a client that comes."""
        return self._make(
            self,
            loop=self._loop,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            access_log=None,
            tcp_keepalive=True,
            logger=_wire,
        )
