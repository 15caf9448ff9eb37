"""The server speaks to a node's agent only: no certificate of another node, or for another address, is taken for its."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web

from corral.api.objects import Object
from corral.base.tls import server_tls
from corral.server import pki
from corral.server.nodefolders import folder
from corral.server.resourcemetrics.scraper import fetch
from corral.server.subresources import proxy
from corral.testing.server import RunningServer, running_server

REFUSED = "tls: failed to verify certificate: x509: "
ANOTHERS = f"{REFUSED}the certificate is that of system:node:n1, not of system:node:n2"
#: An agent that goes waits so long for connections that are kept; aiohttp takes 0 for "without end".
SHUTDOWN_S = 0.01
UPGRADE = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "v4.channel.k8s.io"}


@asynccontextmanager
async def agent(server: RunningServer, subject: str, *hosts: str, authority: Path | None = None) -> AsyncIterator[int]:
    """An agent on the loopback that says "ok", with a certificate of `authority`, the cluster's own if not said; its port."""
    keys = pki.ensure(authority or server.ca.parent, server_hosts=["127.0.0.1"], now=datetime.now(UTC))
    issued = pki.issue_server(keys, subject, hosts)
    certificate, key = server.ca.parent / "agent.crt", server.ca.parent / "agent.key"
    certificate.write_bytes(issued.certificate)
    key.write_bytes(issued.key)

    async def ok(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(text="ok")

    listening = web.Server(ok)
    tls = server_tls(certificate, key, server.ca)
    listener = await asyncio.get_running_loop().create_server(listening, "127.0.0.1", 0, ssl=tls)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await listening.shutdown(SHUTDOWN_S)


async def furnish(server: RunningServer, port: int, *nodes: str) -> None:
    """Nodes that all say that their agent is there, and a pod on each."""
    client = server.client()
    await client.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
    for name in nodes:
        await client.create("nodes", {"metadata": {"name": name}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        await client.patch("nodes", name, {"status": status}, subresource="status")
        spec = {"nodeName": name, "containers": [{"name": "c", "image": "i"}]}
        await client.create("pods", {"metadata": {"name": f"on-{name}"}, "spec": spec}, "default")


class Asking:
    """What the server answers to requests that lead to a node."""

    def __init__(self, server: RunningServer, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def __call__(self, method: str, path: str, **headers: str) -> tuple[int, Any]:
        """Status, and the body: a Status' message, or the text."""
        given = {"Authorization": f"Bearer {self._server.token}", **headers}
        url = f"{self._server.url}/api/v1/{path}"
        async with self._session.request(method, url, headers=given, ssl=self._server.tls()) as answer:
            if answer.content_type == "application/json":
                body: Object = await answer.json()
                return answer.status, body["message"]
            return answer.status, await answer.text()


def told(tmp_path: Path, what: Any) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), running_server(tmp_path) as server, aiohttp.ClientSession() as session:
            await what(server, Asking(server, session))

    uvloop.run(run())  # As `corral server` runs; its TLS is not that of asyncio.


def test_another_nodes_certificate_is_not_this_nodes(tmp_path: Path) -> None:
    async def tell(server: RunningServer, ask: Asking) -> None:
        async with agent(server, "system:node:n1", "n1", "127.0.0.1") as port:
            await furnish(server, port, "n1", "n2")
            url = f"https://127.0.0.1:{port}"
            # n1 first each time: its connection, which is kept, must not be n2's.
            assert await ask("GET", "nodes/n1/proxy/healthz") == (200, "ok")
            assert await ask("GET", "nodes/n2/proxy/healthz") == (503, f"error trying to reach service: {ANOTHERS}")
            assert await ask("GET", "nodes/n2/proxy/x", **UPGRADE) == (500, f"error dialing backend: {ANOTHERS}")
            pods = "namespaces/default/pods"
            assert await ask("GET", f"{pods}/on-n1/log") == (200, "ok")
            log = f'Get "{url}/containerLogs/default/on-n2/c": {ANOTHERS}'
            assert await ask("GET", f"{pods}/on-n2/log") == (500, log)
            for stream in ("exec?command=id&stdout=1", "attach?stdout=1", "portforward"):
                assert await ask("POST", f"{pods}/on-n1/{stream}", **UPGRADE) == (200, "ok")
                assert await ask("POST", f"{pods}/on-n2/{stream}", **UPGRADE) == (500, f"error dialing backend: {ANOTHERS}")
            core = server.api.core
            with pytest.raises(OSError, match="not of system:node:n2"):
                await fetch(core.nodes, core.relay, "n2")
            with pytest.raises(OSError, match="not of system:node:n2"):
                await folder(core.nodes, core.relay, "make", "n2", "pvc-1")

    told(tmp_path, tell)


def test_translated_streams_are_refused_too(tmp_path: Path) -> None:
    async def tell(server: RunningServer, ask: Asking) -> None:
        async with agent(server, "system:node:n1", "n1", "127.0.0.1") as port:
            await furnish(server, port, "n2")
            url = f"{server.url}/api/v1/namespaces/default/pods/on-n2"
            headers = {"Authorization": f"Bearer {server.token}"}
            asking = {"headers": headers, "ssl": server.tls()}
            session = ask._session
            async with session.ws_connect(
                f"{url}/exec?command=id&stdout=1", protocols=["v5.channel.k8s.io"], **asking
            ) as socket:
                assert ANOTHERS.encode() in (await socket.receive()).data
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(f"{url}/portforward", protocols=["SPDY/3.1+portforward.k8s.io"], **asking)
            assert refusal.value.status == 500

    told(tmp_path, tell)


@pytest.mark.parametrize(
    ("subject", "hosts", "why"),
    [
        ("system:node:n1", ["n1", "127.0.0.2"], "IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ("n1", ["n1", "127.0.0.1"], "the certificate is that of n1, not of system:node:n1"),
        ("kube-apiserver", ["n1", "127.0.0.1"], "the certificate is that of kube-apiserver, not of system:node:n1"),
    ],
)
def test_a_certificate_has_to_name_the_node_and_its_address(tmp_path: Path, subject: str, hosts: list[str], why: str) -> None:
    async def tell(server: RunningServer, ask: Asking) -> None:
        async with agent(server, subject, *hosts) as port:
            await furnish(server, port, "n1")
            assert await ask("GET", "nodes/n1/proxy/healthz") == (503, f"error trying to reach service: {REFUSED}{why}")

    told(tmp_path, tell)


def test_another_authoritys_certificate_is_refused(tmp_path: Path) -> None:
    async def tell(server: RunningServer, ask: Asking) -> None:
        async with agent(server, "system:node:n1", "n1", "127.0.0.1", authority=tmp_path / "other") as port:
            await furnish(server, port, "n1")
            why = "certificate signed by unknown authority"
            assert await ask("GET", "nodes/n1/proxy/healthz") == (503, f"error trying to reach service: {REFUSED}{why}")

    told(tmp_path, tell)


def test_a_port_of_the_node_is_the_agents_or_another_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def other(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"another program {request.path}")

    async def tell(server: RunningServer, ask: Asking) -> None:
        listening = web.Server(other)
        listener = await asyncio.get_running_loop().create_server(listening, "127.0.0.1", 0)
        another = listener.sockets[0].getsockname()[1]
        async with agent(server, "system:node:n1", "n1", "127.0.0.1") as port:
            await furnish(server, port, "n1", "n2")
            assert await ask("GET", f"nodes/n1:{port}/proxy/healthz") == (200, "ok")
            assert await ask("GET", f"nodes/https:n1:{port}/proxy/healthz") == (200, "ok")
            status, message = await ask("GET", f"nodes/n2:{port}/proxy/healthz")
            assert (status, message) == (503, f"error trying to reach service: {ANOTHERS}")
            # What only the server's own host reaches is no node's.
            assert await ask("GET", f"nodes/n1:{another}/proxy/x") == (400, "address not allowed")
            for asked in (":80", "ftp:n1:80", "http:n1:80:1"):
                assert await ask("GET", f"nodes/{asked}/proxy/x") == (400, f'invalid node request "{asked}"')
            monkeypatch.setattr(proxy, "is_proxyable", lambda address: True)
            assert await ask("GET", f"nodes/n1:{another}/proxy/x") == (200, "another program /x")
            assert (await ask("GET", f"nodes/https:n1:{another}/proxy/x"))[0] == 503
            assert (await ask("GET", "nodes/n1:web/proxy/x"))[0] == 503
        listener.close()
        await listening.shutdown(SHUTDOWN_S)

    told(tmp_path, tell)
