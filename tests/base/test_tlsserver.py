"""TLS written straight to the socket: bytes in order, slow readers, ends of connections, those who speak no TLS."""

import asyncio
import errno
import logging
import os
import socket
import ssl
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from corral.base import tlsserver
from corral.base.tls import server_tls
from corral.base.tlsserver import TlsServer
from corral.server import pki

MEGABYTE = 1024 * 1024


class Peer(asyncio.Protocol):
    """The server's side of a connection, as the tests see it."""

    def __init__(self) -> None:
        self.transport: tlsserver.TlsTransport | None = None
        self.received = bytearray()
        self.happened: list[str] = []
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data == b"fail":
            raise RuntimeError("no")
        self.received += data

    def eof_received(self):
        self.happened.append("eof")

    def pause_writing(self):
        self.happened.append("pause")

    def resume_writing(self):
        self.happened.append("resume")

    def connection_lost(self, exc):
        assert not self.lost.done()
        self.lost.set_result(exc)


class Setting:
    """A server, and clients of it."""

    def __init__(self, directory) -> None:
        keys = pki.ensure(directory, server_hosts=[], now=datetime.now(UTC))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.peers: list[Peer] = []
        self.server = TlsServer(
            self.listener,
            server_tls(keys.server_certificate, keys.server_key, keys.ca_certificate),
            self._peer,
            plain_answer=b"no TLS",
        )
        self._trusting = ssl.create_default_context(cafile=str(keys.ca_certificate))

    def _peer(self) -> Peer:
        self.peers.append(Peer())
        return self.peers[-1]

    async def connect(self) -> tuple[Peer, asyncio.StreamReader, asyncio.StreamWriter]:
        before = len(self.peers)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self._trusting)
        await until(lambda: len(self.peers) > before)
        return self.peers[-1], reader, writer


async def until(holds) -> None:
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


@pytest.fixture
def told(tmp_path, caplog):
    """Run a scenario with a server; in the end all sockets are let go of and nothing was logged."""

    def tell(scenario, **_) -> None:
        async def run() -> None:
            async with asyncio.timeout(20):
                setting = Setting(tmp_path)
                try:
                    await scenario(setting)
                finally:
                    setting.server.abort()
                assert not setting.server.transports

        with caplog.at_level(logging.INFO):
            asyncio.run(run())
        assert not caplog.records

    return tell


def test_much_goes_both_ways_in_order(told):
    async def scenario(setting):
        peer, reader, writer = await setting.connect()
        sent = bytes(range(256)) * (3 * MEGABYTE // 256)
        writer.write(sent)
        await until(lambda: len(peer.received) == len(sent))
        assert peer.received == sent
        for start in range(0, len(sent), 100_000):
            peer.transport.write(memoryview(sent)[start : start + 100_000])
        assert await reader.readexactly(len(sent)) == sent
        assert peer.transport.get_write_buffer_size() == 0
        writer.close()
        assert await peer.lost is None
        assert peer.happened[-1] == "eof"

    told(scenario)


def test_a_slow_reader_pauses_the_writer_and_what_waits_is_not_copied(told):
    async def scenario(setting):
        peer, reader, _ = await setting.connect()
        piece = b"x" * MEGABYTE
        count = 0
        while "pause" not in peer.happened:
            peer.transport.write(piece)
            count += 1
        assert all(waiting is piece or waiting.obj is piece for waiting in peer.transport._queue)
        assert peer.transport.get_write_buffer_size() > peer.transport.get_write_buffer_limits()[1]
        assert await reader.readexactly(count * MEGABYTE) == piece * count
        assert peer.happened == ["pause", "resume"]

    told(scenario)


def test_what_waits_is_what_it_was_when_it_was_written(told):
    async def scenario(setting):
        peer, reader, _ = await setting.connect()
        filler = b"x" * 8 * MEGABYTE
        peer.transport.write(filler)
        assert peer.transport.get_write_buffer_size()
        changing = bytearray(b"before")
        peer.transport.write(changing)
        changing[:] = b"after!"
        await reader.readexactly(len(filler))
        assert await reader.readexactly(6) == b"before"

    told(scenario)


def test_a_closed_connection_still_sends_what_waits_though_the_client_goes_on_talking(told):
    async def scenario(setting):
        peer, reader, writer = await setting.connect()
        answer = b"y" * 8 * MEGABYTE
        peer.transport.write(answer)
        peer.transport.close()
        peer.transport.close()
        peer.transport.write(b"too late")
        assert peer.transport.is_closing() and not peer.transport.is_reading()
        for _ in range(20):
            writer.write(b"z" * 1000)
        assert await reader.read() == answer
        assert await peer.lost is None

    told(scenario)


def test_one_who_goes_in_the_middle_of_an_answer_is_missed_quietly(told):
    async def scenario(setting):
        peer, _, writer = await setting.connect()
        peer.transport.write(b"y" * 8 * MEGABYTE)
        writer.transport.abort()
        await peer.lost
        peer.transport.write(b"more")
        assert peer.transport.get_write_buffer_size() == 0
        peer.transport.close()
        peer.transport.abort()

    told(scenario)


def test_reading_pauses(told):
    async def scenario(setting):
        peer, _, writer = await setting.connect()
        other, _, their = await setting.connect()
        peer.transport.pause_reading()
        peer.transport.pause_reading()
        writer.write(b"one")
        await writer.drain()
        their.write(b"other")
        await until(lambda: other.received == b"other")
        assert not peer.received and not peer.transport.is_reading()
        peer.transport.resume_reading()
        await until(lambda: peer.received == b"one")

    told(scenario)


def test_who_shakes_no_hands_is_left(told, monkeypatch):
    monkeypatch.setattr(tlsserver, "HANDSHAKE_TIMEOUT_S", 0.05)

    async def scenario(setting):
        reader, _ = await asyncio.open_connection("127.0.0.1", setting.port)
        assert await reader.read() == b""
        assert not setting.peers

    told(scenario)


def test_a_handshake_that_waits_to_read_does_not_ask_whether_it_can_write(told):
    """Which it could always: the loop would do nothing else."""

    async def scenario(setting):
        _, writer = await asyncio.open_connection("127.0.0.1", setting.port)
        await until(lambda: setting.server.transports)
        (transport,) = setting.server.transports
        calls = []

        def shake_hands() -> None:
            calls.append(None)
            if len(calls) == 1:
                assert os.read(transport._fd, 2) == b"x"
                raise ssl.SSLWantWriteError
            raise ssl.SSLWantReadError

        transport._socket.do_handshake = shake_hands
        writer.write(b"x")
        await until(lambda: len(calls) == 2)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(calls) == 2
        writer.close()

    told(scenario)


def test_who_speaks_plain_http_is_told_so_and_who_speaks_nonsense_is_left(told):
    async def scenario(setting):
        reader, writer = await asyncio.open_connection("127.0.0.1", setting.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 5000)
        assert await reader.read() == b"no TLS"
        reader, writer = await asyncio.open_connection("127.0.0.1", setting.port)
        writer.write(b"\x00" * 100)
        assert b"no TLS" not in await reader.read()
        writer.close()
        assert not setting.peers

    told(scenario)


def test_a_protocol_that_fails_loses_its_connection_only(told):
    async def scenario(setting):
        failures = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(str(context["exception"])))
        peer, _, writer = await setting.connect()
        writer.write(b"fail")
        assert isinstance(await peer.lost, RuntimeError)
        assert failures == ["no"]
        await setting.connect()

    told(scenario)


class Exhausted:
    """A listener that fails once."""

    def __init__(self, listener) -> None:
        self._listener = listener
        self.failed = False

    def __getattr__(self, name):
        return getattr(self._listener, name)

    def accept(self):
        if not self.failed:
            self.failed = True
            raise OSError(errno.EMFILE, "Too many open files")
        return self._listener.accept()


def test_connections_wait_while_there_are_no_files_left(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tlsserver, "ACCEPT_PAUSE_S", 0.01)

    async def run() -> None:
        async with asyncio.timeout(20):
            setting = Setting(tmp_path)
            setting.server._listener = listener = Exhausted(setting.listener)
            await setting.connect()
            assert listener.failed
            setting.server.abort()

    asyncio.run(run())
    assert [record.getMessage() for record in caplog.records] == ["cannot accept connections: Too many open files"]


def test_where_room_is_made_they_do_not_wait(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tlsserver, "ACCEPT_PAUSE_S", 1000.0)

    class Crowd:
        """Has room for one connection, once, and counts those that come."""

        counts: ClassVar[list[int]] = []

        def came(self, transports):
            self.counts.append(len(transports))

        def full(self, transports):
            self.counts.append(-len(transports))
            return True

    async def run() -> None:
        async with asyncio.timeout(20):
            setting = Setting(tmp_path)
            setting.server._listener = Exhausted(setting.listener)
            setting.server._crowd = Crowd()
            await setting.connect()
            await setting.connect()
            setting.server.abort()

    asyncio.run(run())
    assert Crowd.counts == [0, 1, 2] and not caplog.records


def test_what_protocols_ask_of_a_transport(told):
    async def scenario(setting):
        peer, _, writer = await setting.connect()
        transport = peer.transport
        assert transport.get_extra_info("peername") == writer.get_extra_info("sockname")
        assert transport.get_extra_info("sockname") == writer.get_extra_info("peername")
        assert transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        assert transport.get_extra_info("sslcontext") is not None
        assert transport.get_extra_info("compression", "none") == "none"
        assert not transport.can_write_eof()
        transport.set_write_buffer_limits(high=4000)
        assert transport.get_write_buffer_limits() == (1000, 4000)
        other = Peer()
        transport.set_protocol(other)
        assert transport.get_protocol() is other
        writer.write(b"to the other")
        await until(lambda: other.received)

    told(scenario)
