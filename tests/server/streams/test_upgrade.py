import asyncio
from typing import Any

import uvloop
from aiohttp import WSMsgType, web

from corral.base.takeover import open_upgraded
from corral.server.streams.session import Session
from corral.server.streams.upgrade import TUNNEL, stream

SPDY = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade", "Authorization": "Bearer secret", "Content-Length": "0"}


def to(far: Any, tls: Any = None) -> Any:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await stream(request, f"{far.url}/x", tls)

    return handle


async def echoed(session: Session, payload: bytes) -> bytes:
    """What a stream of the node brings back."""
    data = await session.open({"streamtype": "data", "port": "80"})
    await data.write(payload)
    await data.half_close()
    got = b""
    while piece := await data.read():
        got += piece
    return got


def test_spdy_goes_through_as_it_is(node: Any, front: Any) -> None:
    payload = bytes(range(256)) * 4000

    async def main() -> None:
        async with node() as far, front(to(far)) as f, asyncio.timeout(10):
            answer, wire = await open_upgraded("POST", f"{f.url}/exec", SPDY, None)
            assert answer.status == 101
            session = Session(wire)
            running = asyncio.ensure_future(session.run())
            assert await asyncio.gather(*(echoed(session, payload) for _ in range(3))) == [payload] * 3
            await session.close()
            await running
            assert "Authorization" not in far.heads[0]
            await far.gone.wait()

    asyncio.run(main())


def test_tls_on_both_sides_under_uvloop(node: Any, front: Any, tls: Any) -> None:
    payload = bytes(range(256)) * 40_000

    async def main() -> None:
        async with node(tls[0]) as far, front(to(far, tls[1]), tls[0]) as f, asyncio.timeout(20):
            answer, wire = await open_upgraded("POST", f"{f.url}/exec", SPDY, tls[1])
            assert answer.status == 101
            session = Session(wire)
            running = asyncio.ensure_future(session.run())
            assert await asyncio.gather(*(echoed(session, payload) for _ in range(3))) == [payload] * 3
            await session.close()
            await running
            await far.gone.wait()

    uvloop.run(main())


def test_a_refusal_goes_through(node: Any, front: Any) -> None:
    async def main() -> None:
        async with node() as far, front(to(far)) as f:
            far.refusal = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n6\r\n today\r\n0\r\n\r\n"
            answer, _ = await open_upgraded("POST", f.url, SPDY, None)
            assert (answer.status, answer.body) == (400, b"not today")

    asyncio.run(main())


def test_a_node_that_is_not_there_is_a_status(front: Any) -> None:
    async def main() -> None:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await stream(request, "http://127.0.0.1:1/", None)

        async with front(handle) as f:
            answer, _ = await open_upgraded("POST", f.url, SPDY, None)
            assert answer.status == 500
            assert b"error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused" in answer.body

    asyncio.run(main())


def test_a_plain_request_is_told_to_upgrade(front: Any) -> None:
    async def main() -> None:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await stream(request, "http://127.0.0.1:1/", None)

        async with front(handle) as f, f.client.get(f.url) as answer:
            assert answer.status == 400
            assert (await answer.json())["message"] == "Upgrade request required"

    asyncio.run(main())


def test_websockets_of_older_protocols_go_through_as_they_are(front: Any) -> None:
    async def main() -> None:
        async def far_handle(request: web.BaseRequest) -> web.StreamResponse:
            socket = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
            await socket.prepare(request)
            async for message in socket:
                await socket.send_bytes(b"\x01" + message.data[1:])
                await socket.close()
            return socket

        async with front(far_handle) as far, front(to(far)) as f, asyncio.timeout(10):
            offer = ["v4.channel.k8s.io", "base64url.bearer.authorization.k8s.io.c2VjcmV0"]
            async with f.client.ws_connect(f.url, protocols=offer) as socket:
                assert socket.protocol == "v4.channel.k8s.io"
                await socket.send_bytes(b"\x00hi")
                assert await socket.receive_bytes() == b"\x01hi"
                assert (await socket.receive()).type == WSMsgType.CLOSE

    asyncio.run(main())


def test_port_forward_is_tunnelled_through_websocket_messages(node: Any, front: Any) -> None:
    payload = b"GET / HTTP/1.0\r\n\r\n" * 10_000

    async def main() -> None:
        async with node() as far, front(to(far)) as f, asyncio.timeout(10):
            async with f.client.ws_connect(f.url, protocols=[TUNNEL], max_msg_size=0) as socket:
                assert socket.protocol == TUNNEL
                wire = _SocketWire(socket)
                session = Session(wire)  # type: ignore[arg-type]
                running = asyncio.ensure_future(session.run())
                assert await echoed(session, payload) == payload
                running.cancel()
            await far.gone.wait()
            assert far.heads[0].startswith("POST /x")
            assert "X-Stream-Protocol-Version: portforward.k8s.io" in far.heads[0]

    asyncio.run(main())


class _SocketWire:
    """A wire made of a WebSocket's messages."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def read(self) -> bytes:
        message = await self.socket.receive()
        return bytes(message.data) if message.type == WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        await self.socket.send_bytes(data)
