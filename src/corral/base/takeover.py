"""Raw connections: take one over from aiohttp's server after a request, open one with an HTTP upgrade, join two of them.

Some exchanges begin as an HTTP request and go on as bytes of another protocol. The parts here know neither; they move bytes
with flow control in both directions.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from msgspec import Struct, field

#: The head of an answer is no longer than this.
MAX_HEAD_BYTES = 64 * 1024
#: The body of an answer that is not an upgrade is cut here.
MAX_REFUSAL_BYTES = 1024 * 1024
CONNECT_TIMEOUT_S = 30.0
#: Bytes kept until somebody reads them; then the sender is paused.
_HIGH_WATER_BYTES = 256 * 1024


class Wire(asyncio.Protocol):
    """One raw connection: read what comes, write with back-pressure."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self._received += data
        self._arrived.set()
        if len(self._received) > _HIGH_WATER_BYTES and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """asyncio: the peer sends no more. A plain connection stays open for our own bytes; TLS closes."""
        self._ended = True
        self._arrived.set()
        return self.transport is not None and self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self._ended = True
        self._error = exc
        self._arrived.set()
        self._writable.set()
        self.closed.set()

    def pause_writing(self) -> None:
        """asyncio: the peer reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """asyncio: the peer caught up."""
        self._writable.set()

    async def read(self) -> bytes:
        """Some bytes; none when the peer ended."""
        while not self._received:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received)
        self._received.clear()
        if self.transport is not None and not self._ended:
            self.transport.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._received[:0] = data

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises ConnectionError when the connection is gone."""
        if self.closed.is_set() or self.transport is None:
            raise ConnectionResetError("the connection is closed")
        self.transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    def close(self) -> None:
        """Send what is buffered, then close."""
        if self.transport is not None:
            self.transport.close()


async def join(one: Wire, other: Wire) -> None:
    """Carry bytes both ways until one side ends; then both are closed, with what was read delivered.

    The protocols carried half-close their own streams; an end of the connection is the end of all.
    """
    tasks = [asyncio.ensure_future(_carry(one, other)), asyncio.ensure_future(_carry(other, one))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        one.close()
        other.close()


async def _carry(source: Wire, sink: Wire) -> None:
    with suppress(ConnectionError):
        while data := await source.read():
            await sink.write(data)


class Answer(Struct):
    """The head of an HTTP answer; of a refusal also the body. Header names are lower-case."""

    status: int
    head: bytes
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def open_upgraded(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]] | Mapping[str, str],
    tls: ssl.SSLContext | None,
    server_name: str = "",
) -> tuple[Answer, Wire]:
    """Send a request that asks for an upgrade. With status 101 the wire is open and what follows is raw, else it is closed.

    `server_name` is whose certificate the host must show, where that is not the URL's own host.
    Raises OSError (also TimeoutError) where the host cannot be reached or hangs up.
    """
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    port = parts.port or (443 if secure else 80)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        name = server_name if secure and server_name else None
        made = loop.create_connection(
            Wire, parts.hostname or "", port, ssl=(tls or True) if secure else None, server_hostname=name
        )
        wire = (await made)[1]
    try:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in pairs)]
        await wire.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape"))
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            answer = await _read_head(wire)
            if answer.status != 101:
                answer.body = await _read_body(wire, answer)
                wire.close()
    except BaseException:
        wire.close()
        raise
    return answer, wire


async def _read_head(wire: Wire) -> Answer:
    received = b""
    while b"\r\n\r\n" not in received:
        data = await wire.read()
        if not data or len(received) > MAX_HEAD_BYTES:
            raise ConnectionResetError("EOF")
        received += data
    head, rest = received.split(b"\r\n\r\n", 1)
    wire.unread(rest)
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ConnectionError(f"malformed HTTP response {first!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Answer(int(words[1]), head + b"\r\n\r\n", headers)


async def _read_body(wire: Wire, answer: Answer) -> bytes:
    chunked = "chunked" in answer.headers.get("transfer-encoding", "").lower()
    length = answer.headers.get("content-length", "")
    wanted = int(length) if length.isdigit() else MAX_REFUSAL_BYTES
    body = b""
    while len(body) < wanted and not (chunked and body.endswith(b"0\r\n\r\n")):
        data = await wire.read()
        if not data:
            break
        body += data
    return _dechunked(body) if chunked else body[:wanted]


def _dechunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if not length:
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)


class Taken(web.StreamResponse):
    """The response of a handler that took the connection over: aiohttp has nothing to write and closes the connection."""

    def __init__(self, status: int = 101) -> None:
        super().__init__(status=status)
        self._eof_sent = True
        self._keep_alive = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Everything was written by the one who took over."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """All is written."""


def take_over(request: web.BaseRequest) -> Wire:
    """The client's connection, from now on raw: aiohttp sees no more of its bytes. `give_back` must be called in the end."""
    handler = request.protocol
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client went")
    wire = Wire()
    wire.connection_made(transport)
    early, handler._message_tail = handler._message_tail, b""
    transport.set_protocol(wire)
    if early:
        wire.data_received(early)
    transport.resume_reading()
    return wire


def give_back(request: web.BaseRequest, wire: Wire) -> Taken:
    """Close the connection and let aiohttp forget it. The handler returns what this returns."""
    handler = request.protocol
    transport = wire.transport
    assert transport is not None
    if wire.closed.is_set():
        asyncio.get_running_loop().call_soon(handler.connection_lost, None)
    else:
        transport.set_protocol(handler)
        transport.close()
    return Taken()
