"""Answers that go on: watches, other streams, and connections that a handler takes over."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

from corral.server.http.connection import Connection
from corral.server.http.writing import DRAIN_TIMEOUT_S, head_of, lines_of, packer_for, warning_values
from corral.server.request import Request, Response
from corral.server.watching import LAST_CHUNK, chunk

if TYPE_CHECKING:
    from corral.server.watching import Watch

log = logging.getLogger(__name__)


async def take_over(raw: web.BaseRequest, connection: Connection, response: Response) -> web.StreamResponse:
    """Let the answer have the whole connection until it is done with it."""
    assert response.upgrade is not None
    connection.streaming = asyncio.current_task()
    try:
        taken: web.StreamResponse = await response.upgrade(raw)
        return taken
    finally:
        connection.streaming = None
        response.end()


async def watch(
    raw: web.BaseRequest, connection: Connection, request: Request, response: Response, followed: "Watch"
) -> web.StreamResponse:
    """Let a watch write to the connection until it ends or the client goes."""
    keep = _begin(raw, connection, response)
    connection.streaming = asyncio.current_task()
    connection.watch = followed
    try:
        if request.method != "HEAD":
            await followed.follow(connection)
        if connection.chunked and request.method != "HEAD":
            connection.write(LAST_CHUNK)
    except ConnectionError:
        log.debug("client went during %s", request.path)
    finally:
        connection.watch = connection.streaming = None
        response.end()
    return _Written(keep=keep)


async def pieces(
    raw: web.BaseRequest, connection: Connection, request: Request, response: Response, made: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Write a long answer in pieces: the next one is made when the client has taken most of those before."""
    packer = packer_for(response, request)
    keep = _begin(raw, connection, response)
    frame = chunk if connection.chunked else bytes
    try:
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            if request.method != "HEAD":
                async for piece in made:
                    data = piece if packer is None else await asyncio.to_thread(packer.compress, piece)
                    if data:
                        connection.write(frame(data))
                        await connection.drain()
                if packer is not None:
                    connection.write(frame(packer.flush()))
                if connection.chunked:
                    connection.write(LAST_CHUNK)
    except TimeoutError:  # Who reads so slowly holds up the others of its priority level.
        connection.drop()
    except ConnectionError:
        log.debug("client went during %s", request.path)
    except Exception:
        log.exception("%s broke off", request.path)
        connection.drop()
    finally:
        connection.release()
    return _Written(keep=keep)


def _begin(raw: web.BaseRequest, connection: Connection, response: Response) -> bool:
    """Write the head of an answer whose length is not known; whether the connection can be used again after it."""
    connection.chunked = raw.version >= HttpVersion11
    keep = connection.chunked and bool(raw.keep_alive)
    head = head_of(response.status, response.content_type, None, keep) + lines_of(response)
    if connection.chunked:
        head += b"Transfer-Encoding: chunked\r\n"
    connection.write(head + b"\r\n")
    return keep


async def stream(raw: web.BaseRequest, connection: Connection, request: Request, response: Response) -> web.StreamResponse:
    """Write a stream until it ends or the client goes."""
    assert response.stream is not None
    out = web.StreamResponse(status=response.status)
    out.content_type = response.content_type
    out.headers["Cache-Control"] = "no-cache, private"
    out.headers.update(response.headers)
    for line in filter(None, response.marks.decode("latin-1").split("\r\n")):
        name, _, value = line.partition(": ")
        out.headers[name] = value
    for text in warning_values(response.warnings):
        out.headers.add("Warning", text)
    out.enable_chunked_encoding()
    connection.streaming = asyncio.current_task()
    try:
        await out.prepare(raw)
        if request.method != "HEAD":
            async for chunk in response.stream:
                await out.write(chunk)
        await out.write_eof()
    except ConnectionError:
        log.debug("broken off: %s", request.path)
        if raw.transport is not None:  # What the stream came from went, not the client, who must not take it for the end.
            raw.transport.close()
    finally:
        connection.streaming = None
        close = getattr(response.stream, "aclose", None)
        if close is not None:
            await close()
        response.end()
    return out


class _Written(web.StreamResponse):
    """An answer of which everything is written already."""

    def __init__(self, *, keep: bool) -> None:
        super().__init__()
        self._keep_alive = keep
        self._eof_sent = True

    async def prepare(self, request: web.BaseRequest) -> None:
        """All is written."""

    async def write_eof(self, data: bytes = b"") -> None:
        """All is written."""
