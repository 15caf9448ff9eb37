"""An ordinary answer, written in one piece, head and body, past aiohttp's own response machinery: most of what a GET costs."""

import asyncio
import time
import zlib
from collections.abc import Sequence
from http import HTTPStatus
from itertools import accumulate

from aiohttp import web

from corral.server.http.connection import Connection
from corral.server.request import Request, Response

#: Bodies from here on are compressed when the client accepts it.
GZIP_FROM_BYTES = 128 * 1024
GZIP_LEVEL = 1
#: Longer bodies are written in pieces of this size.
PIECE_BYTES = 256 * 1024
#: A client that has not read a large answer by then has gone.
DRAIN_TIMEOUT_S = 60.0
#: Of all warnings of an answer; where they are longer, of each of them.
WARNINGS_MAX_CHARS, WARNING_MAX_CHARS = 4096, 256
NOT_CACHED = b"Cache-Control: no-cache, private\r\n"


class Whole:
    """An answer that is written at once, its head and body together.

    Not one of aiohttp's own responses, which take longer to make than this one to write: aiohttp asks no more of it.
    """

    __slots__ = ("_answer", "_connection", "_head_only", "keep_alive")

    def __init__(self, response: Response, request: Request, connection: Connection) -> None:
        self._connection = connection
        self._answer = response
        self._head_only = request.method == "HEAD"
        #: Whether the connection can be used again: known once it is written.
        self.keep_alive: bool | None = None

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write everything."""
        answer = self._answer
        self.keep_alive = keep = request.keep_alive
        head = head_of(answer.status, answer.content_type, len(answer.body), keep) + lines_of(answer)
        if "Cache-Control" in answer.headers:
            head = head.replace(NOT_CACHED, b"", 1)
        transport = request.transport
        if transport is None:
            return
        try:
            if self._head_only or len(answer.body) <= PIECE_BYTES:
                transport.write(head + b"\r\n" if self._head_only else head + b"\r\n" + answer.body)
                if self._connection.blocked:
                    # Who sends requests and reads no answers is not answered more; what waits needs no seat.
                    self._connection.release()
                    async with asyncio.timeout(DRAIN_TIMEOUT_S):
                        await self._connection.drain()
                return
            transport.write(head + b"\r\n")
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await _write_in_pieces(self._connection, answer.body)
        except TimeoutError:  # Who reads so slowly holds up the others of its priority level.
            transport.abort()
        finally:
            self._connection.release()

    async def write_eof(self, data: bytes = b"") -> None:
        """All is written."""


async def _write_in_pieces(connection: Connection, body: bytes) -> None:
    """Write as fast as the client reads: what is encrypted and waits is never more than some pieces."""
    left = memoryview(body)
    while left:
        connection.write(left[:PIECE_BYTES])
        left = left[PIECE_BYTES:]
        await connection.drain()


_heads: dict[tuple[int, str, bool], tuple[bytes, bytes]] = {}
_date: tuple[int, bytes] = (0, b"")


def head_of(status: int, content_type: str, length: int | None, keep: bool) -> bytes:
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


def lines_of(response: Response) -> bytes:
    """The header lines that are an answer's own, after the first ones."""
    if not response.headers and not response.warnings:
        return response.marks
    lines = [f"{name}: {value}\r\n" for name, value in response.headers.items()]
    if response.warnings:
        lines += [f"Warning: {text}\r\n" for text in warning_values(response.warnings)]
    return response.marks + "".join(lines).encode("latin-1", "replace")


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


async def compress(response: Response, request: Request) -> None:
    """Compress the body where the client accepts that and it is not done yet; others are served meanwhile."""
    packer = packer_for(response, request)
    if packer is not None:
        body = response.body
        response.body = await asyncio.to_thread(lambda: packer.compress(body) + packer.flush())


def packer_for(response: Response, request: Request) -> "zlib._Compress | None":
    """What compresses the body, None where the client does not accept that or it is done already; the headers say so."""
    if "Content-Encoding" in response.headers or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return None
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
