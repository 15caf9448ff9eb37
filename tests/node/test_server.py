"""Who may ask the agent, how many others may hold connections to it, and what ends when a client goes."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from msgspec.structs import replace
from tests.server.conftest import until

from corral.node.config import NodeConfig
from corral.node.server import KubeletServer
from corral.server import pki
from corral.testing.clock import VirtualClock
from corral.testing.podstate import found, new_pod

#: Whose keys are those of the API server towards agents.
CLIENTS_FILE = "apiserver-kubelet-client"


@asynccontextmanager
async def serving(tmp_path, **agent):
    """The server of an agent, its port, and the TLS of a stranger and of the API server."""
    keys = pki.ensure(tmp_path / "pki", server_hosts=["127.0.0.1"], now=datetime.now(UTC))
    files = {"tls_cert": keys.server_certificate, "tls_key": keys.server_key, "client_ca": keys.ca_certificate}
    config = NodeConfig("x", "n1", "127.0.0.1", tmp_path, "/none", kubelet_port=0, **files)
    server = KubeletServer(SimpleNamespace(config=config, clock=VirtualClock(), workers={}, **agent))
    stranger, api = (ssl.create_default_context(cafile=str(keys.ca_certificate)) for _ in range(2))
    api.load_cert_chain(tmp_path / "pki" / f"{CLIENTS_FILE}.crt", tmp_path / "pki" / f"{CLIENTS_FILE}.key")
    await server.start()
    try:
        async with asyncio.timeout(20):
            yield server, stranger, api
    finally:
        await server.stop()


async def ask(server, tls, path):
    """A connection on which this was asked for, and the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=tls)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return reader, writer, (await reader.readline()).decode().strip()


async def test_only_the_api_server_may_ask(tmp_path):
    async with serving(tmp_path) as (server, stranger, api):
        reader, writer, status = await ask(server, stranger, "/healthz")
        assert status == "HTTP/1.1 401 Unauthorized"
        assert b"Unauthorized" in await reader.read()  # To its end: it is closed.
        writer.close()
        _, writer, status = await ask(server, api, "/healthz")
        assert status == "HTTP/1.1 200 OK"
        writer.close()


async def test_strangers_push_out_strangers_only(tmp_path):
    async with serving(tmp_path) as (server, stranger, api):
        server.http.crowd.most_strangers = 4
        hearing, kept, status = await ask(server, api, "/healthz")
        assert status == "HTTP/1.1 200 OK"
        silent = [await asyncio.open_connection("127.0.0.1", server.port, ssl=stranger) for _ in range(9)]
        await until(lambda: len(server.http.transports) == 5)
        gone = [reader.at_eof() or reader.exception() is not None for reader, _ in silent]
        assert gone == [True] * 5 + [False] * 4
        kept.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await hearing.readuntil(b"200 OK")
        for _, writer in [*silent, (hearing, kept)]:
            writer.close()


async def test_who_follows_a_log_and_goes_is_not_written_for_any_longer(tmp_path):
    """Though the container says nothing more."""
    log = tmp_path / "0.log"
    log.write_text("2026-01-01T00:00:00.000000000Z stdout F hello\n")
    container = replace(found("c"), log_path=str(log))
    worker = SimpleNamespace(pod=new_pod(), observer=SimpleNamespace(containers=[container]))
    async with serving(tmp_path, worker=lambda namespace, name: worker) as (server, _, api):
        reader, writer, status = await ask(server, api, "/containerLogs/default/web/c?follow=true")
        assert status == "HTTP/1.1 200 OK"
        await reader.readuntil(b"hello\n")
        [connection] = server.http.connections
        following = connection.streaming
        assert following is not None and not following.done()
        writer.close()
        await until(following.done)
