"""HTTPS in front of the API: aiohttp on uvloop, TLS with optional client certificates, keep-alive, gzip, watch streams.

aiohttp parses; the answer of an ordinary request is written in one piece, head and body, because that is what most of a GET
costs. A handler may take the whole connection over (SPDY and WebSocket streams).
"""

import asyncio
import logging
import socket
import ssl
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from aiohttp import ClientError, HttpVersion11, web
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from corral.api.errors import ApiError, bad_request
from corral.base.errors import CorralError
from corral.server.request import Request, Response

if TYPE_CHECKING:
    from corral.server.watching import Watch

log = logging.getLogger(__name__)

#: Bodies from here on are compressed when the client accepts it.
GZIP_FROM_BYTES = 128 * 1024
GZIP_LEVEL = 1
#: Longer bodies are written in pieces of this size.
PIECE_BYTES = 256 * 1024
BODY_LIMIT_BYTES = 3 * 1024 * 1024
KEEP_ALIVE_S = 120.0
#: A connection that has sent no whole head of a request by then is closed, as is a body refused that is not there by then.
HEAD_TIMEOUT_S = 32.0
BODY_TIMEOUT_S = 60.0
#: A client that has not read a large answer by then has gone.
DRAIN_TIMEOUT_S = 60.0
BACKLOG = 1024
SHUTDOWN_TIMEOUT_S = 2.0
#: Of all warnings of an answer; where they are longer, of each of them.
WARNINGS_MAX_CHARS, WARNING_MAX_CHARS = 4096, 256
NOT_CACHED = b"Cache-Control: no-cache, private\r\n"

Handle = Callable[[Request, "Connection"], Awaitable[Response]]


class Query(dict[str, str]):
    """The parameters of a query: the first value of each; `all` gives every one (`command=ls&command=-l`)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pairs = parse_qsl(text, keep_blank_values=True)
        for name, value in self.pairs:
            self.setdefault(name, value)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter, in order."""
        return [value for found, value in self.pairs if found == name]


_NO_QUERY: Mapping[str, str] = Query("")


class Connection(RequestHandler):
    """One client connection: who is at the other end of the TLS session, and what to end when it goes."""

    __slots__ = ("_certificate", "_patience", "chunked", "known", "streaming", "ticket", "watch")

    def __init__(self, manager: Any, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(manager, loop=loop, **settings)
        self._certificate: bytes | None = b""
        #: Whatever authentication wants to remember of this connection.
        self.known: Any = None
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

    def write(self, data: bytes | memoryview) -> None:
        """Write, past everything; nothing to a client that has gone."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken what was written. Raises ConnectionError."""
        await self._drain_helper()

    def resume_writing(self) -> None:
        """The client has taken what was written."""
        super().resume_writing()
        if self.watch is not None:
            self.watch.resumed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, and has to say something soon."""
        super().connection_made(transport)
        self._patience = self._loop.call_later(HEAD_TIMEOUT_S, self._lose_patience)

    def _lose_patience(self) -> None:
        if not self._request_count:
            self.force_close()

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate (DER), if it showed one."""
        if self._certificate == b"":
            tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
            self._certificate = (tls.getpeercert(binary_form=True) or None) if tls is not None else None
        return self._certificate

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


class HttpServer:
    """Listens, and hands each request to `handle`."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._server: _Manager | None = None
        self._listener: asyncio.Server | None = None

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Accept connections on a bound socket (see `bind`)."""
        loop = asyncio.get_running_loop()
        self._server = _Manager(self._answer, loop)
        self._listener = await loop.create_server(self._server, sock=listener, ssl=tls, backlog=BACKLOG)

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            for connection in list(self._server.connections):
                if connection.streaming is not None:  # type: ignore[attr-defined]
                    connection.streaming.cancel()  # type: ignore[attr-defined]
            await self._server.shutdown(SHUTDOWN_TIMEOUT_S)

    async def _answer(self, raw: web.BaseRequest) -> web.StreamResponse:
        connection = raw.protocol
        assert isinstance(connection, Connection)
        connection.release()
        request = _request(raw)
        if raw.body_exists:
            request.read_body = partial(_body, raw)
        response = await self._handle(request, connection)
        if response.upgrade is not None:
            connection.release()
            connection.streaming = asyncio.current_task()
            try:
                taken: web.StreamResponse = await response.upgrade(raw)
                return taken
            finally:
                connection.streaming = None
                if response.ended is not None:
                    response.ended()
        if response.watch is not None:
            connection.release()  # One that has begun waits; it does not work.
            return await _watch(raw, connection, request, response, response.watch)
        if response.stream is not None:
            connection.release()
            return await _stream(raw, connection, request, response)
        packed = "Content-Encoding" in response.headers
        if len(response.body) >= GZIP_FROM_BYTES and not packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Vary"] = "Accept-Encoding"
            response.body = await asyncio.to_thread(_gzip, response.body)
        return _Whole(response, request, connection)


class _NotMalformed(logging.Filter):
    """Whoever sends what is no HTTP is answered 400; that is no fault of ours, and no place in the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_wire = log.getChild("wire")
_wire.addFilter(_NotMalformed())


class _Manager(web.Server):
    """aiohttp's factory of connections, making ours."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], loop: Any) -> None:
        super().__init__(handler, loop=loop)

    def __call__(self) -> RequestHandler:
        return Connection(
            self, loop=self._loop, keepalive_timeout=KEEP_ALIVE_S, access_log=None, tcp_keepalive=True, logger=_wire
        )


async def _write_in_pieces(request: web.BaseRequest, body: bytes) -> None:
    """Write as fast as the client reads: what is encrypted and waits is never more than some pieces."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    left = memoryview(body)
    while left:
        connection.write(left[:PIECE_BYTES])
        left = left[PIECE_BYTES:]
        await connection.drain()


class _Whole(web.StreamResponse):
    """An answer that is written at once, its head and body together, past aiohttp's own response machinery."""

    def __init__(self, response: Response, request: Request, connection: Connection | None = None) -> None:
        super().__init__(status=response.status)
        self._connection = connection
        self._answer = response
        self._head_only = request.method == "HEAD"

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write everything."""
        answer = self._answer
        keep = request.keep_alive
        self._keep_alive = keep
        self._eof_sent = True
        head = _head(answer.status, answer.content_type, len(answer.body), keep)
        if answer.marks:
            head += answer.marks
        if answer.headers or answer.warnings:
            lines = [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
            lines += [f"Warning: {text}\r\n" for text in warning_values(answer.warnings)]
            if "Cache-Control" in answer.headers:
                head = head.replace(NOT_CACHED, b"", 1)
            head += "".join(lines).encode("latin-1", "replace")
        transport = request.transport
        if transport is None:
            return
        try:
            if self._head_only or len(answer.body) <= PIECE_BYTES:
                transport.write(head + b"\r\n" if self._head_only else head + b"\r\n" + answer.body)
                return
            transport.write(head + b"\r\n")
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await _write_in_pieces(request, answer.body)
        except TimeoutError:  # Who reads so slowly holds up the others of its priority level.
            transport.abort()
        finally:
            if self._connection is not None:
                self._connection.release()

    async def write_eof(self, data: bytes = b"") -> None:
        """All is written."""


_heads: dict[tuple[int, str, bool], tuple[bytes, bytes]] = {}
_date: tuple[int, bytes] = (0, b"")


def _head(status: int, content_type: str, length: int | None, keep: bool) -> bytes:
    """The first lines of an answer; without a length for one that streams."""
    global _date  # noqa: PLW0603
    now_s = int(time.time())
    if _date[0] != now_s:
        _date = (now_s, time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now_s)).encode())
    key = (status, content_type, keep)
    parts = _heads.get(key)
    if parts is None:
        if len(_heads) > 1000:
            _heads.clear()
        start = f"HTTP/1.1 {status} {_phrase(status)}\r\n"
        # Caches take every header of a 304 for one of what they hold, its media type too.
        media = "" if status == HTTPStatus.NOT_MODIFIED else f"Content-Type: {content_type}\r\n"
        last = "" if keep else "Connection: close\r\n"
        parts = _heads[key] = (start.encode() + NOT_CACHED + media.encode("latin-1"), last.encode())
    if length is None or status == HTTPStatus.NOT_MODIFIED:
        return b"%bDate: %b\r\n%b" % (parts[0], _date[1], parts[1])
    return b"%bDate: %b\r\nContent-Length: %d\r\n%b" % (parts[0], _date[1], length, parts[1])


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def warning_values(texts: Sequence[str]) -> list[str]:
    """The values of `Warning` headers, each text once; where they are long in all, each is cut and the last are dropped."""
    different = list(dict.fromkeys(texts))
    if sum(map(len, different)) > WARNINGS_MAX_CHARS:
        different = [text[:WARNING_MAX_CHARS] for text in different]
        ends = accumulate(map(len, different))
        different = [text for text, end in zip(different, ends, strict=True) if end <= WARNINGS_MAX_CHARS]
    return [f'299 - "{_quoted(text)}"' for text in different]


def _quoted(text: str) -> str:
    """The text of a warning header."""
    flat = "".join(c if c >= " " and c != "\x7f" else " " for c in text)
    return flat.replace("\\", "\\\\").replace('"', '\\"').encode().decode("latin-1")


def _request(raw: web.BaseRequest) -> Request:
    path, mark, query = raw._message.path.partition("?")
    if not path.startswith("/"):
        path = raw.path
    if "%" in path:
        path = unquote(path)
    return Request(
        raw.method,
        path,
        Query(query) if mark else _NO_QUERY,
        _headers(raw),
        remote=raw.remote or "",
    )


def _headers(raw: web.BaseRequest) -> Mapping[str, str]:
    """The headers, where a byte that is no UTF-8 is U+FFFD: such a text cannot be written into the audit log."""
    headers = raw._message.headers
    if all(map(str.isascii, headers.values())):
        return headers
    clean = ((name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")) for name, value in headers.items())
    return CIMultiDict(clean)


async def _body(raw: web.BaseRequest) -> bytes:
    """The request's body. Raises ApiError where it is too large, late, or not what its head says."""
    length = raw.content_length
    if length is not None and length > BODY_LIMIT_BYTES:
        raise _too_large()
    if raw.headers.get("Expect", "").lower() == "100-continue" and raw.transport is not None:
        raw.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    parts = []
    size_bytes = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for part in raw.content.iter_any():
                size_bytes += len(part)
                if size_bytes > BODY_LIMIT_BYTES:
                    raise _too_large()
                parts.append(part)
    except TimeoutError:
        raise ApiError(408, "Timeout", f"the body of the request has not come within {BODY_TIMEOUT_S:.0f} s") from None
    except (BadHttpMessage, ClientError, ConnectionError) as error:
        raise bad_request(f"unable to read the body of the request: {error}") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large() -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT_BYTES}")


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


async def _watch(
    raw: web.BaseRequest, connection: Connection, request: Request, response: Response, watch: "Watch"
) -> web.StreamResponse:
    """Let a watch write to the connection until it ends or the client goes."""
    connection.chunked = raw.version >= HttpVersion11
    keep = connection.chunked and bool(raw.keep_alive)
    lines = [f"Warning: {text}\r\n" for text in warning_values(response.warnings)]
    lines += [f"{name}: {value}\r\n" for name, value in response.headers.items()]
    head = _head(response.status, response.content_type, None, keep) + response.marks
    if connection.chunked:
        head += b"Transfer-Encoding: chunked\r\n"
    connection.write(b"%b%b\r\n" % (head, "".join(lines).encode("latin-1", "replace")))
    connection.streaming = asyncio.current_task()
    connection.watch = watch
    try:
        if request.method != "HEAD":
            await watch.follow(connection)
        if connection.chunked and request.method != "HEAD":
            connection.write(b"0\r\n\r\n")
    except ConnectionError:
        log.debug("client went during %s", request.path)
    finally:
        connection.watch = connection.streaming = None
        if response.ended is not None:
            response.ended()
    return _Written(keep=keep)


async def _stream(raw: web.BaseRequest, connection: Connection, request: Request, response: Response) -> web.StreamResponse:
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
        if response.ended is not None:
            response.ended()
    return out


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def bind(host: str, port: int) -> socket.socket:
    """A listening address; port 0 takes a free one. Raises CorralError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CorralError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another one with --port") from error
    return listener
