"""SPDY/3.1 frames: bytes in, frames out, and back. No I/O.

kubectl before 1.29, and every container runtime, stream exec, attach and port-forward over SPDY after an HTTP upgrade. The
peers here (moby/spdystream) do no flow control, so neither does this module: WINDOW_UPDATE is understood and ignored.
Definition: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
"""

import struct
import zlib

from msgspec import Struct, field

Headers = dict[str, str]

_VERSION = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
_FIN, _UNIDIRECTIONAL = 1, 2
_MAX_LENGTH = (1 << 24) - 1
_STREAM_MASK = 0x7FFFFFFF
#: A block of headers may not inflate to more than this.
_MAX_HEADERS_BYTES = 256 * 1024

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length content-location "
    "content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match "
    "if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range "
    "referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method "
    "get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Info"
    "rmation204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Serv"
    "er Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue"
    ", Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,"
    "text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    words = [word.replace("_", " ").encode() for word in _WORDS.split()]
    return b"".join(struct.pack(">I", len(w)) + w for w in words) + _TAIL.encode()


#: What both sides' header compression starts from.
DICTIONARY = _dictionary()


class ProtocolError(Exception):
    """The peer does not speak SPDY/3.1 as it should."""


class SynStream(Struct, frozen=True):
    """Opens a stream. Clients' streams have odd numbers, servers' even ones."""

    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False
    unidirectional: bool = False
    associated: int = 0
    priority: int = 0


class SynReply(Struct, frozen=True):
    """Accepts a stream."""

    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False


class RstStream(Struct, frozen=True):
    """Ends a stream in both directions."""

    stream: int
    status: int


class Settings(Struct, frozen=True):
    """id → value."""

    values: dict[int, int] = field(default_factory=dict)


class Ping(Struct, frozen=True):
    """Is answered with the same id."""

    id: int


class GoAway(Struct, frozen=True):
    """No new streams after `last`."""

    last: int
    status: int = 0


class MoreHeaders(Struct, frozen=True):
    """Further headers of a stream."""

    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False


class WindowUpdate(Struct, frozen=True):
    """Room for `delta` more bytes."""

    stream: int
    delta: int


class Data(Struct, frozen=True):
    """Bytes of a stream; `fin` half-closes it."""

    stream: int
    data: bytes
    fin: bool = False


#: Frames of two numbers.
_PAIRS: dict[int, type[RstStream] | type[GoAway] | type[WindowUpdate]] = {
    _RST_STREAM: RstStream,
    _GOAWAY: GoAway,
    _WINDOW_UPDATE: WindowUpdate,
}

_KNOWN = frozenset([_SYN_STREAM, _SYN_REPLY, _SETTINGS, _PING, _HEADERS, *_PAIRS])

Frame = SynStream | SynReply | RstStream | Settings | Ping | GoAway | MoreHeaders | WindowUpdate | Data


class Framer:
    """One connection's two directions. Header compression has state, so frames must be encoded in the order they are sent."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._buffer = bytearray()

    def encode(self, frame: Frame) -> bytes:
        """The bytes of a frame. Raises ValueError for one that is too long."""
        match frame:
            case Data(stream, data, fin):
                if len(data) > _MAX_LENGTH:
                    raise ValueError("a frame holds at most 16 MiB")
                return struct.pack(">II", stream, (_FIN if fin else 0) << 24 | len(data)) + data
            case SynStream(stream, headers, fin, unidirectional, associated, priority):
                flags = (_FIN if fin else 0) | (_UNIDIRECTIONAL if unidirectional else 0)
                head = struct.pack(">IIBB", stream, associated, priority << 5, 0)
                return _control(_SYN_STREAM, flags, head + self._pack(headers))
            case SynReply(stream, headers, fin):
                return _control(_SYN_REPLY, _FIN if fin else 0, struct.pack(">I", stream) + self._pack(headers))
            case MoreHeaders(stream, headers, fin):
                return _control(_HEADERS, _FIN if fin else 0, struct.pack(">I", stream) + self._pack(headers))
            case RstStream(stream, status):
                return _control(_RST_STREAM, 0, struct.pack(">II", stream, status))
            case Ping(id_):
                return _control(_PING, 0, struct.pack(">I", id_))
            case GoAway(last, status):
                return _control(_GOAWAY, 0, struct.pack(">II", last, status))
            case WindowUpdate(stream, delta):
                return _control(_WINDOW_UPDATE, 0, struct.pack(">II", stream, delta))
            case Settings(values):
                pairs = b"".join(struct.pack(">II", key, value) for key, value in values.items())
                return _control(_SETTINGS, 0, struct.pack(">I", len(values)) + pairs)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with these bytes. Raises ProtocolError."""
        self._buffer += data
        frames: list[Frame] = []
        at = 0
        while len(self._buffer) - at >= 8:
            first, second = struct.unpack_from(">II", self._buffer, at)
            length = second & _MAX_LENGTH
            if len(self._buffer) - at < 8 + length:
                break
            body = bytes(self._buffer[at + 8 : at + 8 + length])
            at += 8 + length
            if not first >> 31:
                frames.append(Data(first, body, bool(second >> 24 & _FIN)))
            elif (frame := self._control(first, second >> 24, body)) is not None:
                frames.append(frame)
        del self._buffer[:at]
        return frames

    def _control(self, first: int, flags: int, body: bytes) -> Frame | None:
        version, kind = first >> 16 & 0x7FFF, first & 0xFFFF
        if version != _VERSION:
            raise ProtocolError(f"SPDY version {version} where 3 is spoken")
        if kind not in _KNOWN:
            return None  # types unknown are to be ignored
        fin = bool(flags & _FIN)
        try:
            if kind == _SYN_STREAM:
                stream, associated, priority, _ = struct.unpack_from(">IIBB", body)
                headers = self._unpack(body[10:])
                unidirectional = bool(flags & _UNIDIRECTIONAL)
                return SynStream(stream & _STREAM_MASK, headers, fin, unidirectional, associated & _STREAM_MASK, priority >> 5)
            if kind == _SETTINGS:
                (count,) = struct.unpack_from(">I", body)
                pairs = [struct.unpack_from(">II", body, 4 + 8 * i) for i in range(count)]
                return Settings({key & _MAX_LENGTH: value for key, value in pairs})
            (stream,) = struct.unpack_from(">I", body)
            if kind == _PING:
                return Ping(stream)
            stream &= _STREAM_MASK
            if kind in (_SYN_REPLY, _HEADERS):
                return (SynReply if kind == _SYN_REPLY else MoreHeaders)(stream, self._unpack(body[4:]), fin)
            (value,) = struct.unpack_from(">I", body, 4)
            return _PAIRS[kind](stream, value)
        except struct.error as error:
            raise ProtocolError(f"a SPDY frame of type {kind} is too short") from error

    def _pack(self, headers: Headers) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                parts += struct.pack(">I", len(text)), text
        return self._deflate.compress(b"".join(parts)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def _unpack(self, block: bytes) -> Headers:
        try:
            plain = self._inflate.decompress(block, _MAX_HEADERS_BYTES)
        except zlib.error as error:
            raise ProtocolError("headers cannot be inflated") from error
        if self._inflate.unconsumed_tail:
            raise ProtocolError("headers are too large")
        (count,) = struct.unpack_from(">I", plain)
        texts = []
        at = 4
        for _ in range(2 * count):
            (length,) = struct.unpack_from(">I", plain, at)
            texts.append(plain[at + 4 : at + 4 + length].decode("utf-8", "replace"))
            at += 4 + length
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _control(kind: int, flags: int, body: bytes) -> bytes:
    if len(body) > _MAX_LENGTH:
        raise ValueError("a frame holds at most 16 MiB")
    return struct.pack(">HHI", 0x8000 | _VERSION, kind, flags << 24 | len(body)) + body
