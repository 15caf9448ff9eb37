"""The listener: TLS to the socket, connections with patience, limits to those that do nothing."""

import asyncio
import socket
import ssl
from collections.abc import Collection

from corral.base.http.connection import Answer, Connection, Connections
from corral.base.http.crowd import Crowd
from corral.base.listening import BACKLOG
from corral.base.tlsserver import TlsServer, TlsTransport

SHUTDOWN_TIMEOUT_S = 2.0
#: What somebody hears who speaks HTTP without TLS.
NOT_HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


class HttpServer:
    """Has `answer` answer each request; connections are of class `make`, and `crowd` limits those that do nothing."""

    def __init__(self, answer: Answer, make: type[Connection] = Connection, crowd: Crowd | None = None) -> None:
        self._answer = answer
        self._make = make
        self.crowd = crowd or Crowd()
        self._factory: Connections | None = None
        self._listener: asyncio.Server | TlsServer | None = None

    @property
    def connections(self) -> list[Connection]:
        """All on which a client can ask."""
        return [] if self._factory is None else [c for c in self._factory.connections if isinstance(c, Connection)]

    @property
    def transports(self) -> Collection[TlsTransport]:
        """All connections over TLS, those too that shake hands or linger."""
        return self._listener.transports if isinstance(self._listener, TlsServer) else ()

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Accept connections on a bound socket (see `base.listening`)."""
        loop = asyncio.get_running_loop()
        self._factory = Connections(self._answer, self._make, loop)
        if tls is None:
            self._listener = await loop.create_server(self._factory, sock=listener, backlog=BACKLOG)
        else:
            listener.listen(BACKLOG)
            self._listener = TlsServer(listener, tls, self._factory, plain_answer=NOT_HTTP, crowd=self.crowd)

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            self._listener.close()
        for connection in self.connections:
            if connection.streaming is not None:
                connection.streaming.cancel()
        if self._factory is not None:
            await self._factory.shutdown(SHUTDOWN_TIMEOUT_S)
        if isinstance(self._listener, TlsServer):
            self._listener.abort()
