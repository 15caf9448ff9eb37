"""The agent's HTTPS server: who may ask, and what it answers when there is nothing to show."""

import asyncio
import ssl
from datetime import UTC, datetime
from types import SimpleNamespace

import aiohttp
import pytest

from corral.node.config import NodeConfig
from corral.node.server import KubeletServer
from corral.server import pki


@pytest.fixture
def keys(tmp_path):
    return pki.ensure(tmp_path / "pki", server_hosts=["127.0.0.1"], now=datetime.now(UTC))


def answers(keys, tmp_path, paths, certificate=None):
    """(status, text) of GETs of `paths` with a client certificate (certificate and key files)."""
    config = NodeConfig(
        "x",
        "n1",
        "127.0.0.1",
        tmp_path,
        "/none",
        kubelet_port=0,
        tls_cert=keys.server_certificate,
        tls_key=keys.server_key,
        client_ca=keys.ca_certificate,
    )
    agent = SimpleNamespace(config=config, workers={}, worker=lambda namespace, name: None)

    async def ask():
        server = KubeletServer(agent)
        await server.start()
        tls = ssl.create_default_context(cafile=str(keys.ca_certificate))
        if certificate is not None:
            tls.load_cert_chain(*certificate)
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
                found = []
                for path in paths:
                    async with session.get(f"https://127.0.0.1:{server.port}{path}") as response:
                        found.append((response.status, await response.text()))
                return found
        finally:
            await server.stop()

    return asyncio.run(ask())


def test_nobody_without_the_api_servers_certificate(keys, tmp_path):
    assert answers(keys, tmp_path, ["/pods", "/healthz"]) == [(401, "Unauthorized")] * 2


def test_the_api_server_may_ask(keys, tmp_path):
    certificate = (keys.kubelet_client_certificate, keys.kubelet_client_key)
    found = answers(keys, tmp_path, ["/healthz", "/pods", "/containerLogs/d/none/c", "/nothing"], certificate)
    assert found[0] == (200, "ok")
    assert found[1][0] == 200
    assert found[2] == (404, 'pod "none" not found\n')
    assert found[3][0] == 404
