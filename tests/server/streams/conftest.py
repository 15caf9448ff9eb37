"""A node that speaks SPDY on loopback as a container runtime does, and the server in front of it."""

import asyncio
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from corral.base.takeover import Wire
from corral.server.streams.session import Session, Stream

SUCCESS = json.dumps({"metadata": {}, "status": "Success"}).encode()


class Node:
    """Upgrades every request to SPDY and echoes: exec's stdin on stdout, a port-forward's data on the same stream."""

    def __init__(self) -> None:
        self.url = ""
        self.heads: list[str] = []
        self.sizes: list[bytes] = []
        self.verdict = SUCCESS
        self.refusal = b""
        #: A connection to this node has ended.
        self.gone = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(self._made, "127.0.0.1", 0, ssl=tls)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    def _made(self) -> Wire:
        wire = Wire()
        task = asyncio.ensure_future(self._serve(wire))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return wire

    async def _serve(self, wire: Wire) -> None:
        try:
            await self._speak(wire)
        finally:
            self.gone.set()

    async def _speak(self, wire: Wire) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (data := await wire.read()):
                return
            received += data
        head, rest = received.split(b"\r\n\r\n", 1)
        self.heads.append(head.decode())
        wire.unread(rest)
        if self.refusal:
            await wire.write(self.refusal)
            return
        await wire.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n")
        session = Session(wire, server=True)
        running = asyncio.ensure_future(session.run())
        streams: dict[str, Stream] = {}
        async for stream in session.opened():
            kind = stream.headers["streamtype"]
            streams[kind] = stream
            if kind == "data":
                task = asyncio.ensure_future(self._echo(stream, stream))
                self._tasks.add(task)
            elif self._complete(streams):
                await self._exec(streams)
                await session.close()
        await running

    def _complete(self, streams: dict[str, Stream]) -> bool:
        query = self.heads[-1].split("\r\n")[0]
        names = [n for n in ("stdin", "stdout", "stderr") if f"{n}=true" in query] + ["error"]
        if "tty=true" in query:
            names = [n for n in names if n != "stderr"] + ["resize"]
        return set(names) == set(streams)

    async def _echo(self, source: Stream, sink: Stream) -> None:
        while data := await source.read():
            await sink.write(data)
        await sink.half_close()

    async def _exec(self, streams: dict[str, Stream]) -> None:
        if "resize" in streams:
            self.sizes.append(await streams["resize"].read())
        if "stderr" in streams:
            await streams["stderr"].write(b"oops")
        if "stdin" in streams:
            await self._echo(streams["stdin"], streams["stdout"])
        elif "stdout" in streams:
            await streams["stdout"].write(b"x" * 300_000)
        for stream in streams.values():
            if stream.headers["streamtype"] == "error":
                await stream.write(self.verdict)
            await stream.half_close()


class Front:
    """The server in front of the node, and a client for it."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.url = url
        self.client = client


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Front]:
    server = web.Server(handler)  # type: ignore[arg-type]
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=tls)
    async with aiohttp.ClientSession() as client:
        try:
            yield Front(f"http{'s' if tls else ''}://127.0.0.1:{listener.sockets[0].getsockname()[1]}", client)
        finally:
            listener.close()
            await server.shutdown(0.5)


@asynccontextmanager
async def _node(tls: ssl.SSLContext | None = None) -> AsyncIterator[Node]:
    node = Node()
    listener = await node.start(tls)
    try:
        yield node
    finally:
        listener.close()


@pytest.fixture
def node() -> Any:
    """`async with node() as n:` a loopback node."""
    return _node


@pytest.fixture
def front() -> Any:
    """`async with front(handler) as f:` a server."""
    return serving


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "tls.pem").write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "tls.pem")
    return server, ssl.create_default_context(cadata=pem.decode())
