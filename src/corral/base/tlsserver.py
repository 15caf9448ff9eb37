"""A TLS server for many connections: OpenSSL reads from and writes to the socket itself.

The TLS of event loops moves every byte through memory between OpenSSL and the loop's own transport, and keeps encrypted what a
slow client has not taken. Here a connection is a non-blocking `ssl.SSLSocket`: what is written is encrypted into the socket at
once, in the call; what the socket does not take waits as it was given, so that a thousand slow clients who are told the same
share its bytes. To protocols it is an `asyncio.Transport` like any other. Measured: docs/decisions/0031-tls-to-the-socket.md.
"""

import asyncio
import errno
import logging
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Protocol

log = logging.getLogger(__name__)

#: The largest TLS record: one read of this size takes a whole one, so that none of it waits where the loop does not see it.
RECORD_BYTES = 16 * 1024
#: Records read from one connection before others have a turn.
RECORDS_AT_A_TIME = 16
#: Connections accepted before others have a turn, and how long none is where the process has no files left.
ACCEPTED_AT_A_TIME = 64
ACCEPT_PAUSE_S = 1.0
#: Who has not shaken hands by then has gone.
HANDSHAKE_TIMEOUT_S = 30.0
#: What is left to write when a connection is closed must be taken within this.
FLUSH_TIMEOUT_S = 30.0
#: A connection that we closed is read from for so long, or until the client closes it too: what it sends meanwhile would
#: otherwise reset the connection, and the client lose the end of its answer.
LINGER_S = 2.0
#: Bytes that may wait to be written before the protocol is told to pause, and at which it may go on.
HIGH_WATER_BYTES, LOW_WATER_BYTES = 256 * 1024, 64 * 1024

_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
#: Linux only.
_CORK: int | None = getattr(socket, "TCP_CORK", None)
_Data = bytes | bytearray | memoryview


class Limits(Protocol):
    """Who keeps the number of connections within limits, by ending some of those he is shown."""

    def came(self, transports: Collection["TlsTransport"]) -> None:
        """One more was accepted."""

    def full(self, transports: Collection["TlsTransport"]) -> bool:
        """The process has no files left for one more. Whether some are free now."""


class TlsServer:
    """Accepts connections on a listening socket; `factory` makes the protocol of each that has shaken hands.

    `plain_answer` is sent, as it is, to whoever speaks HTTP instead of TLS. Without `crowd` there may be any number.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        factory: Callable[[], asyncio.Protocol],
        *,
        plain_answer: bytes = b"",
        crowd: Limits | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._context = context
        self.factory = factory
        self.plain_answer = plain_answer
        self._crowd = crowd
        #: All that hold a socket, those too that shake hands or linger.
        self.transports: set[TlsTransport] = set()
        self._paused: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accept no more."""
        if self._paused is not None:
            self._paused.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    def abort(self) -> None:
        """Accept no more, and drop every connection."""
        self.close()
        for transport in list(self.transports):
            transport.abort()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_A_TIME):
            try:
                accepted, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_FILES:
                    raise
                if self._crowd is not None and self._crowd.full(self.transports):
                    continue
                log.error("cannot accept connections: %s", error.strerror)
                self._loop.remove_reader(self._listener)
                self._paused = self._loop.call_later(ACCEPT_PAUSE_S, self._resume)
                return
            try:
                accepted.setblocking(False)
                wrapped = self._context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
            except OSError:  # It has gone already.
                accepted.close()
                continue
            TlsTransport(self, wrapped, peer)
            if self._crowd is not None:
                self._crowd.came(self.transports)

    def _resume(self) -> None:
        self._paused = None
        self._loop.add_reader(self._listener, self._accept)


class TlsTransport(asyncio.Transport):
    """One connection. Its protocol is made when the handshake is done."""

    __slots__ = (
        "_closing",
        "_fd",
        "_high",
        "_loop",
        "_lost",
        "_low",
        "_peer",
        "_protocol",
        "_queue",
        "_queued_bytes",
        "_reading",
        "_server",
        "_socket",
        "_timer",
        "_writing_paused",
        "since_s",
    )

    def __init__(self, server: TlsServer, connection: ssl.SSLSocket, peer: Any) -> None:
        super().__init__()
        self._server = server
        self._loop = server._loop
        self._socket = connection
        self._fd = connection.fileno()
        self._peer = peer
        #: When it was accepted (the loop's time).
        self.since_s = self._loop.time()
        self._protocol: asyncio.Protocol | None = None
        #: What the socket has not taken. The first is being written: OpenSSL wants to be given the very same again.
        self._queue: deque[bytes | memoryview] = deque()
        self._queued_bytes = 0
        self._high, self._low = HIGH_WATER_BYTES, LOW_WATER_BYTES
        self._writing_paused = False
        self._reading = True
        self._closing = False
        self._lost = False
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(HANDSHAKE_TIMEOUT_S, self.abort)
        server.transports.add(self)
        self._loop.add_reader(self._fd, self._shake_hands)

    def _shake_hands(self) -> None:
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.remove_writer(self._fd)
            return
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self._fd, self._shake_hands)
            return
        except (OSError, ValueError) as error:
            self._refuse(error)
            return
        self._loop.remove_writer(self._fd)
        self._stop_timer()
        self._loop.add_reader(self._fd, self._readable)
        self._protocol = self._server.factory()
        self._protocol.connection_made(self)

    def _refuse(self, error: Exception) -> None:
        """There will be no TLS."""
        log.debug("handshake with %s: %s", self._peer, error)
        if isinstance(error, ssl.SSLError) and error.reason == "HTTP_REQUEST":
            with suppress(OSError):
                os.write(self._fd, self._server.plain_answer)
        self._say_goodbye()  # OpenSSL has said why not, and that has to arrive.

    # Reading

    def _readable(self) -> None:
        for _ in range(RECORDS_AT_A_TIME):
            try:
                data = self._socket.read(RECORD_BYTES)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLWantWriteError:  # OpenSSL has something to say of its own, and says it with our next write.
                return
            except OSError as error:
                self._fail(error)
                return
            assert self._protocol is not None
            try:
                if not data:
                    self._protocol.eof_received()
                    self.close()
                    return
                self._protocol.data_received(data)
            except Exception as error:
                self._loop.call_exception_handler(
                    {"message": "a protocol failed", "exception": error, "transport": self, "protocol": self._protocol}
                )
                self._fail(error)
                return
            if len(data) < RECORD_BYTES or not self._reading or self._closing:
                return

    def pause_reading(self) -> None:
        """Read no more for now."""
        if self._reading and not self._closing:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def resume_reading(self) -> None:
        """Read again."""
        if not self._reading and not self._closing:
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def is_reading(self) -> bool:
        """Whether it reads."""
        return self._reading and not self._closing

    # Writing

    def write(self, data: _Data) -> None:
        """Encrypt and send; what the socket does not take waits."""
        if self._closing or not data:
            return
        if self._queue:
            self._wait_with(data)
            return
        try:
            sent = self._send(data)
        except ssl.SSLWantWriteError:
            sent = 0
        except OSError as error:
            self._fail(error)
            return
        if sent < len(data):
            self._wait_with(memoryview(data)[sent:] if sent else data)
            self._loop.add_writer(self._fd, self._writable)

    def _send(self, data: _Data) -> int:
        """Write; several records are sent together as far as they go: each alone would wake the client."""
        if len(data) <= RECORD_BYTES or _CORK is None:
            return self._socket.write(data)
        self._socket.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
        try:
            return self._socket.write(data)
        finally:
            self._socket.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    def _wait_with(self, data: _Data) -> None:
        """Let data wait: as it is where nobody can change it, else a copy."""
        if isinstance(data, bytearray) or (isinstance(data, memoryview) and not data.readonly):
            data = bytes(data)
        self._queue.append(data)
        self._queued_bytes += len(data)
        if self._queued_bytes > self._high and not self._writing_paused:
            self._writing_paused = True
            if self._protocol is not None:
                self._protocol.pause_writing()

    def _writable(self) -> None:
        queue = self._queue
        while queue:
            data = queue[0]
            try:
                sent = self._send(data)
            except ssl.SSLWantWriteError:
                return
            except OSError as error:
                self._fail(error)
                return
            self._queued_bytes -= sent
            if sent < len(data):
                queue[0] = memoryview(data)[sent:]
            else:
                queue.popleft()
            if self._writing_paused and self._queued_bytes <= self._low:
                self._resume_writing()
        if not self._lost:
            self._loop.remove_writer(self._fd)
            if self._closing:
                self._say_goodbye()

    def _resume_writing(self) -> None:
        self._writing_paused = False
        if self._protocol is not None:
            self._protocol.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """How much may wait before the protocol is told to pause, and how little before it is told to go on."""
        if high is None:
            high = HIGH_WATER_BYTES if low is None else 4 * low
        self._high, self._low = high, high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high)."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        return self._queued_bytes

    def can_write_eof(self) -> bool:
        """TLS has no half of a connection."""
        return False

    # Ending

    def is_closing(self) -> bool:
        """Whether it is closed, or soon will be."""
        return self._closing

    @property
    def is_over(self) -> bool:
        """Whether its protocol has heard the last of it; the client may not have closed it yet."""
        return self._lost

    def close(self) -> None:
        """Send what waits, say goodbye, close."""
        if self._closing:
            return
        self._closing = True
        self._loop.remove_reader(self._fd)
        if self._queue:
            self._timer = self._loop.call_later(FLUSH_TIMEOUT_S, self.abort)
        else:
            self._say_goodbye()

    def abort(self) -> None:
        """Close at once."""
        self._fail(None)

    def _say_goodbye(self) -> None:
        """All is sent: end our half of the connection, and wait a little for the client to end its own."""
        self._tell_lost(None)
        self._stop_timer()
        with suppress(OSError, ValueError):  # The client's own goodbye has not come yet, or never will.
            self._socket.unwrap()
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._release()
            return
        self._timer = self._loop.call_later(LINGER_S, self._release)
        self._loop.add_reader(self._fd, self._linger)
        self._linger()

    def _linger(self) -> None:
        """Read and forget, until the client has closed."""
        for _ in range(RECORDS_AT_A_TIME):
            try:
                if not self._socket.recv(RECORD_BYTES):
                    break
            except BlockingIOError:
                return
            except OSError:
                break
        else:
            return
        self._release()

    def _fail(self, error: Exception | None) -> None:
        self._tell_lost(error)
        self._release()

    def _tell_lost(self, error: Exception | None) -> None:
        """Tell the protocol, once, soon."""
        if self._lost:
            return
        self._lost = self._closing = True
        self._queue.clear()
        self._queued_bytes = 0
        if self._protocol is not None:
            self._loop.call_soon(self._protocol.connection_lost, error)

    def _release(self) -> None:
        """Let go of the socket."""
        self._stop_timer()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._fd = -1
            self._socket.close()
            self._server.transports.discard(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # What protocols ask of it

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who hears of the connection from now on."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    @property
    def protocol(self) -> asyncio.Protocol | None:
        """Who hears of the connection; None until the handshake is done."""
        return self._protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who hears of the connection."""
        assert self._protocol is not None
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See `asyncio.BaseTransport.get_extra_info`: `socket` and `ssl_object` are the same."""
        match name:
            case "socket" | "ssl_object":
                return self._socket
            case "sslcontext":
                return self._socket.context
            case "peername":
                return self._peer
            case "sockname":
                try:
                    return self._socket.getsockname()
                except OSError:
                    return default
        return default
