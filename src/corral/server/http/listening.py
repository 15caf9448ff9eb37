"""The listener: which connections, and which way each answer takes."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from corral.base.listening import BACKLOG
from corral.base.tlsserver import TlsServer
from corral.server.http import streaming
from corral.server.http.connection import Connection, Connections
from corral.server.http.crowd import Crowd
from corral.server.http.reading import request_of
from corral.server.http.writing import GZIP_FROM_BYTES, Whole, compress
from corral.server.request import Request, Response

SHUTDOWN_TIMEOUT_S = 2.0
#: What somebody hears who speaks HTTP without TLS.
NOT_HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

Handle = Callable[[Request, Connection], Awaitable[Response]]


class HttpServer:
    """Listens, and hands each request to `handle`."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._server: Connections | None = None
        self._listener: asyncio.Server | TlsServer | None = None

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Accept connections on a bound socket (see `base.listening`)."""
        loop = asyncio.get_running_loop()
        self._server = Connections(self._answer, loop)
        if tls is None:
            self._listener = await loop.create_server(self._server, sock=listener, backlog=BACKLOG)
        else:
            listener.listen(BACKLOG)
            self._listener = TlsServer(listener, tls, self._server, plain_answer=NOT_HTTP, crowd=Crowd())

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            for connection in list(self._server.connections):
                if connection.streaming is not None:  # type: ignore[attr-defined]
                    connection.streaming.cancel()  # type: ignore[attr-defined]
            await self._server.shutdown(SHUTDOWN_TIMEOUT_S)
        if isinstance(self._listener, TlsServer):
            self._listener.abort()

    async def _answer(self, raw: web.BaseRequest) -> web.StreamResponse:
        connection = raw.protocol
        assert isinstance(connection, Connection)
        connection.release()
        request = request_of(raw)
        response = await self._handle(request, connection)
        if not response.goes_on:
            if len(response.body) >= GZIP_FROM_BYTES:
                await compress(response, request)
            return cast(web.StreamResponse, Whole(response, request, connection))
        if response.pieces is not None:
            return await streaming.pieces(raw, connection, request, response, response.pieces)
        connection.release()  # What has begun and goes on waits; it does not work.
        if response.upgrade is not None:
            return await streaming.take_over(raw, connection, response)
        if response.watch is not None:
            return await streaming.watch(raw, connection, request, response, response.watch)
        return await streaming.stream(raw, connection, request, response)
