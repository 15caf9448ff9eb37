"""Which way each answer takes."""

from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from corral.base.http import server
from corral.server.http import streaming
from corral.server.http.connection import Connection
from corral.server.http.reading import request_of
from corral.server.http.writing import GZIP_FROM_BYTES, Whole, compress
from corral.server.request import Request, Response

Handle = Callable[[Request, Connection], Awaitable[Response]]


class HttpServer(server.HttpServer):
    """Listens, and hands each request to `handle`."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(self._respond, Connection)
        self._handle = handle

    async def _respond(self, raw: web.BaseRequest) -> web.StreamResponse:
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
