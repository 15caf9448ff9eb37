"""One connection of a client of the API: TLS identity, back-pressure, what is given back when it goes."""

import asyncio
from typing import TYPE_CHECKING, Any

from corral.base.http.connection import Connection as HttpConnection

if TYPE_CHECKING:
    from corral.server.watching import Watch


class Connection(HttpConnection):
    """One client connection: who is at the other end of the TLS session, and what to end when it goes."""

    __slots__ = ("certificate", "chunked", "known", "ticket", "watch")

    def __init__(self, manager: Any, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(manager, loop=loop, **settings)
        #: The client's certificate (DER), if it showed one.
        self.certificate: bytes | None = None
        #: Whatever authentication wants to remember of this connection.
        self.known: Any = None
        #: The seats of the request that is being answered (`server.flowcontrol`): given back when its answer is written.
        self.ticket: Any = None
        #: The watch that is written here (see `watching.Sink`), in chunks unless the client speaks HTTP/1.0.
        self.watch: Watch | None = None
        self.chunked = True

    @property
    def blocked(self) -> bool:
        """Whether the client has not yet taken what was written."""
        return self._paused or self.transport is None

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
        """A client came."""
        super().connection_made(transport)
        # Now, as a client that says goodbye with its request has none when it is answered.
        tls = transport.get_extra_info("ssl_object")
        self.certificate = None if tls is None else tls.getpeercert(binary_form=True) or None

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client went: a watch or stream ends at once."""
        self.release()
        super().connection_lost(exc)

    def release(self) -> None:
        """Give back the seats of the request."""
        if self.ticket is not None:
            self.ticket.release()
            self.ticket = None
