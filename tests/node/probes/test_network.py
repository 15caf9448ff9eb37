"""Probes that open a connection: tcpSocket and httpGet."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from corral.node.probes import http, tcp

CONTAINER = {"name": "c", "ports": [{"name": "web", "containerPort": 1}]}


@asynccontextmanager
async def serving(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[int]:
    """The port of a server that answers every request so."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
def deaf_port():
    """A port that is bound and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_a_refused_connection_is_told_in_the_words_of_the_kubelet(deaf_port):
    why = f"dial tcp 127.0.0.1:{deaf_port}: connect: connection refused"
    assert await tcp.probe(CONTAINER, {"port": deaf_port}, "127.0.0.1", 1) == (False, why)
    got = await http.probe(CONTAINER, {"port": deaf_port, "path": "/healthz"}, "127.0.0.1", 1)
    assert got == (False, f'Get "http://127.0.0.1:{deaf_port}/healthz": {why}')


async def test_a_port_that_the_container_does_not_have():
    assert await tcp.probe(CONTAINER, {"port": "admin"}, "127.0.0.1", 1) == (False, "couldn't find port admin in container c")


async def test_a_redirect_within_the_host_is_followed():
    def answer(request: web.Request) -> web.Response:
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/sick"})
        return web.Response(status=500)

    async with serving(answer) as port:
        assert await http.probe(CONTAINER, {"port": port}, "127.0.0.1", 1) == (False, "HTTP probe failed with statuscode: 500")


async def test_a_redirect_to_another_host_is_a_success_and_not_followed(deaf_port):
    elsewhere = f"http://127.0.0.2:{deaf_port}/"

    async with serving(lambda _: web.Response(status=302, headers={"Location": elsewhere})) as port:
        succeeded, _ = await http.probe(CONTAINER, {"port": port}, "127.0.0.1", 1)
        assert succeeded
