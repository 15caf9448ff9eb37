"""The agent's HTTPS server: who may ask, and what it answers when there is nothing to show."""

import asyncio
import json
import ssl
from datetime import UTC, datetime
from types import SimpleNamespace

import aiohttp
import pytest

from corral.node import server
from corral.node.config import NodeConfig
from corral.node.server import KubeletServer
from corral.server import pki


@pytest.fixture
def keys(tmp_path):
    return pki.ensure(tmp_path / "pki", server_hosts=["127.0.0.1"], now=datetime.now(UTC))


def served(keys, tmp_path, ask):
    """What `ask(port, tls)` returns of an agent's server; `tls` trusts it."""
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

    async def run():
        agents = KubeletServer(agent)
        await agents.start()
        try:
            async with asyncio.timeout(20):
                return await ask(agents.port, ssl.create_default_context(cafile=str(keys.ca_certificate)))
        finally:
            await agents.stop()

    return asyncio.run(run())


def answers(keys, tmp_path, paths, certificate=None):
    """(status, text) of `paths` with a client certificate (certificate and key files); a path may say a method before it."""

    async def ask(port, tls):
        if certificate is not None:
            tls.load_cert_chain(*certificate)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            found = []
            for asked in paths:
                method, _, path = asked.rpartition(" ")
                async with session.request(method or "GET", f"https://127.0.0.1:{port}{path}") as response:
                    found.append((response.status, await response.text()))
            return found

    return served(keys, tmp_path, ask)


def test_nobody_without_the_api_servers_certificate(keys, tmp_path):
    assert answers(keys, tmp_path, ["/pods", "/healthz"]) == [(401, "Unauthorized")] * 2


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost:", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_whoever_may_not_ask_does_not_stay(keys, tmp_path, monkeypatch, said):
    if not said.endswith(b"\r\n\r\n"):
        monkeypatch.setattr(server, "IDLE_S", 0.1)

    async def ask(port, tls):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        writer.write(said)
        answer = await reader.read()
        writer.close()
        return answer

    answer = served(keys, tmp_path, ask)
    assert answer.startswith(b"HTTP/1.1 401") if said.endswith(b"\r\n\r\n") else not answer


def test_who_shakes_no_hands_is_left(keys, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "HANDSHAKE_TIMEOUT_S", 0.1)

    async def ask(port, tls):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = await reader.read()
        writer.close()
        return said

    assert served(keys, tmp_path, ask) == b""


def test_the_api_server_may_ask(keys, tmp_path):
    certificate = (keys.kubelet_client_certificate, keys.kubelet_client_key)
    found = answers(keys, tmp_path, ["/healthz", "/pods", "/containerLogs/d/none/c", "/nothing"], certificate)
    assert found[0] == (200, "ok")
    assert found[1][0] == 200
    assert found[2] == (404, 'pod "none" not found\n')
    assert found[3][0] == 404


def test_who_may_only_read_a_node_starts_nothing_on_it(keys, tmp_path):
    """`get nodes/proxy` is for whoever gathers metrics."""
    server = (keys.kubelet_client_certificate, keys.kubelet_client_key)
    asked = ["/run/d/p/c?cmd=id", "POST /run/d/p/c?cmd=id", "POST /pods", "/volumes/pvc-1", "DELETE /logs/", "HEAD /healthz"]
    assert [status for status, _ in answers(keys, tmp_path, asked, server)] == [405, 404, 405, 405, 405, 200]


def test_how_it_is_set(keys, tmp_path):
    certificate = (keys.kubelet_client_certificate, keys.kubelet_client_key)
    ((status, text),) = answers(keys, tmp_path, ["/configz"], certificate)
    found = json.loads(text)["kubeletconfig"]
    assert status == 200
    assert (found["maxPods"], found["nodeLeaseDurationSeconds"], found["authentication"]["anonymous"]["enabled"]) == (
        110,
        40,
        False,
    )


def test_logs_of_pods_and_no_way_out_of_their_folder(keys, tmp_path):
    folder = tmp_path / "logs/d_p_u/c"
    folder.mkdir(parents=True)
    (folder / "0.log").write_text("said\n")
    (folder / "away").symlink_to("/etc/hostname")
    (folder / "pipe&<x>").mkdir()
    certificate = (keys.kubelet_client_certificate, keys.kubelet_client_key)
    paths = ["/logs/pods/d_p_u/c/0.log", "/logs/pods/d_p_u/c/", "/logs/pods/d_p_u/c/away", "/logs/pods/none", "/logs/"]
    said, listed, away, none, top = answers(keys, tmp_path, paths, certificate)
    assert said == (200, "said\n")
    assert listed[0] == 200 and '<a href="0.log">0.log</a>\n<a href="away">away</a>' in listed[1]
    assert '<a href="pipe%26%3Cx%3E/">pipe&amp;&lt;x&gt;/</a>' in listed[1]
    assert away[0] == none[0] == 404
    assert top[0] == 200 and '<a href="pods/">pods/</a>' in top[1]


def test_folders_of_volumes_are_made_and_removed(keys, tmp_path):
    certificate = (keys.kubelet_client_certificate, keys.kubelet_client_key)
    folder = tmp_path / "persistent" / "pvc-1"
    assert answers(keys, tmp_path, ["PUT /volumes/pvc-1"]) == [(401, "Unauthorized")]
    assert answers(keys, tmp_path, ["PUT /volumes/pvc-1"], certificate) == [(200, f"{folder}\n")]
    assert folder.is_dir()
    asked = ["DELETE /volumes/pvc-1", "DELETE /volumes/pvc-1", "PUT /volumes/a..b", "GET /volumes/pvc-1", "PUT /volumes"]
    found = answers(keys, tmp_path, asked, certificate)
    assert [status for status, _ in found] == [200, 200, 400, 405, 404]
    assert not folder.exists()
    (tmp_path / "persistent").rmdir()
    (tmp_path / "persistent").touch()
    ((status, text),) = answers(keys, tmp_path, ["PUT /volumes/pvc-1"], certificate)
    assert status == 500 and str(tmp_path / "persistent") in text
