"""A SPDY connection over a raw wire: streams that are opened, written, half-closed and read. Client and server side."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress

from corral.base.takeover import Wire
from corral.server.streams.spdy import Data, Frame, Framer, GoAway, Headers, Ping, ProtocolError, RstStream, SynReply, SynStream

#: Bytes in one DATA frame.
_PIECE_BYTES = 32 * 1024
#: SPDY's peers here know no windows: beyond this much unread data the whole connection waits.
_UNREAD_LIMIT_BYTES = 1024 * 1024


class Stream:
    """One stream of a session."""

    def __init__(self, session: "Session", number: int, headers: Headers) -> None:
        self.number = number
        self.headers = headers
        self.replied = asyncio.Event()
        #: The peer ended the stream as a whole, or the connection went.
        self.reset = False
        self._session = session
        self._queue: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._half_closed = False

    async def read(self) -> bytes:
        """Some bytes; none when the peer half-closed or reset the stream."""
        while not self._queue:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = self._queue.popleft()
        self._session._unread(-len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises ConnectionError when the stream or the connection is gone."""
        if self.reset or self._half_closed:
            raise ConnectionResetError("the stream is closed")
        for at in range(0, len(data), _PIECE_BYTES):
            await self._session.send(Data(self.number, data[at : at + _PIECE_BYTES]))

    async def half_close(self) -> None:
        """Send no more on this stream."""
        if not self._half_closed and not self.reset:
            self._half_closed = True
            await self._session.send(Data(self.number, b"", fin=True))

    def _take(self, data: bytes, fin: bool) -> None:
        if data:
            self._queue.append(data)
            self._session._unread(len(data))
        self._ended |= fin
        self._arrived.set()

    def _end(self) -> None:
        self.reset = self._ended = True
        self.replied.set()
        self._arrived.set()


class Session:
    """One side of a connection. `run` must run for anything to arrive; it stops receiving while much is unread."""

    def __init__(self, wire: Wire, *, server: bool = False) -> None:
        self._wire = wire
        self._framer = Framer()
        self._next = 2 if server else 1
        self._streams: dict[int, Stream] = {}
        self._opened: asyncio.Queue[Stream | None] = asyncio.Queue()
        self._unread_bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    async def run(self) -> None:
        """Receive until the peer ends. Raises ProtocolError for a peer that does not speak SPDY."""
        try:
            while data := await self._wire.read():
                for frame in self._framer.feed(data):
                    await self._receive(frame)
                await self._room.wait()
        finally:
            for stream in self._streams.values():
                stream._end()
            self._opened.put_nowait(None)

    async def open(self, headers: Headers) -> Stream:
        """A new stream; the peer has not necessarily accepted it yet (`replied`)."""
        stream = Stream(self, self._next, headers)
        self._next += 2
        self._streams[stream.number] = stream
        await self.send(SynStream(stream.number, headers))
        return stream

    async def opened(self) -> AsyncIterator[Stream]:
        """The streams that the peer opens, each already accepted."""
        while (stream := await self._opened.get()) is not None:
            yield stream

    async def send(self, frame: Frame) -> None:
        """Send a frame. Raises ConnectionError when the connection is gone."""
        await self._wire.write(self._framer.encode(frame))

    async def close(self) -> None:
        """Say goodbye and close the connection."""
        with suppress(ConnectionError):
            await self.send(GoAway(0))
        self._wire.close()

    def _unread(self, more_bytes: int) -> None:
        self._unread_bytes += more_bytes
        if self._unread_bytes > _UNREAD_LIMIT_BYTES:
            self._room.clear()
        else:
            self._room.set()

    async def _receive(self, frame: Frame) -> None:
        match frame:
            case Data(number, data, fin):
                if (stream := self._streams.get(number)) is not None:
                    stream._take(data, fin)
            case SynStream(number, headers, fin):
                if number in self._streams:
                    raise ProtocolError(f"stream {number} is opened twice")
                stream = self._streams[number] = Stream(self, number, headers)
                stream.replied.set()
                await self.send(SynReply(number))
                stream._take(b"", fin)
                self._opened.put_nowait(stream)
            case SynReply(number, _, fin):
                if (stream := self._streams.get(number)) is not None:
                    stream.replied.set()
                    stream._take(b"", fin)
            case RstStream(number):
                if (stream := self._streams.pop(number, None)) is not None:
                    stream._end()
            case Ping(number):
                if number % 2 != self._next % 2:
                    await self.send(frame)
            case _:
                pass
