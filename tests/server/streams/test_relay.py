import asyncio
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from corral.server.streams import relay as relays
from corral.server.streams.relay import Relay, rewritten

LINE = b'<a href="/a">' + b"x" * 1000
PREFIX = "/api/v1/namespaces/d/pods/p/proxy"


async def far_side(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/redirect":
        return web.Response(status=302, headers={"Location": "/login?next=1"})
    if request.path == "/page":
        return web.Response(text='<a href="/a">x</a><img src="b"><a href="//host/c">', content_type="text/html")
    if request.path == "/socket":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket
    if request.path == "/endless":
        page = web.StreamResponse(headers={"Content-Type": "text/html"})
        await page.prepare(request)
        while True:
            await page.write(LINE)
    if request.path == "/follow":
        out = web.StreamResponse()
        await out.prepare(request)
        await out.write(b"one\n")
        await asyncio.sleep(60)
        return out
    seen = {"method": request.method, "path": request.raw_path, "body": await request.text(), "headers": dict(request.headers)}
    return web.json_response(seen, status=201, headers={"X-Far": "yes"})


def run(front: Any, use: Any) -> None:
    async def main() -> None:
        relay = Relay()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read()
            return await relay.proxy(request, base + request.raw_path, None, body=body, prefix=PREFIX)

        async with front(far_side) as far, asyncio.timeout(10):
            base = far.url
            async with front(handle) as near:
                await use(near)
        await relay.close()

    asyncio.run(main())


def test_requests_go_through(front: Any) -> None:
    async def use(near: Any) -> None:
        headers = {"Authorization": "Bearer secret", "Accept": "text/x", "Content-Type": "text/y"}
        async with near.client.post(near.url + "/a%2Fb?q=1", data=b"body", headers=headers) as answer:
            seen = await answer.json()
            assert (answer.status, answer.headers["X-Far"]) == (201, "yes")
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/a%2Fb?q=1", "body")
        assert (seen["headers"]["Accept"], seen["headers"]["Content-Type"]) == ("text/x", "text/y")
        assert "Authorization" not in seen["headers"]

    run(front, use)


def test_redirects_and_pages_stay_behind_the_proxy(front: Any) -> None:
    async def use(near: Any) -> None:
        async with near.client.get(near.url + "/redirect", allow_redirects=False) as answer:
            assert answer.headers["Location"] == PREFIX + "/login?next=1"
        async with near.client.get(near.url + "/page") as answer:
            assert await answer.text() == f'<a href="{PREFIX}/a">x</a><img src="b"><a href="//host/c">'

    run(front, use)


def test_lines_come_as_they_are_written(front: Any) -> None:
    async def use(near: Any) -> None:
        async with near.client.get(near.url + "/follow") as answer:
            assert await answer.content.readline() == b"one\n"

    run(front, use)


def test_websockets_go_through(front: Any) -> None:
    async def use(near: Any) -> None:
        async with near.client.ws_connect(near.url + "/socket") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "HELLO"

    run(front, use)


def test_what_cannot_be_reached_is_503(front: Any) -> None:
    async def main() -> None:
        relay = Relay()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await relay.proxy(request, "http://127.0.0.1:1/", None)

        async with front(handle) as near, near.client.get(near.url) as answer:
            status = await answer.json()
        assert (status["code"], status["reason"]) == (503, "ServiceUnavailable")
        assert status["message"] == "error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused"
        await relay.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/bad", 400, "previous terminated container not found"),
        ("/none", 404, "the server could not find the requested resource ( pods/log p)"),
        ("/broken", 500, "Internal error occurred: disk"),
    ],
)
def test_a_nodes_refusal_of_a_log_is_a_status(front: Any, path: str, code: int, message: str) -> None:
    async def far_handle(request: web.BaseRequest) -> web.StreamResponse:
        texts = {"/bad": (400, "previous terminated container not found"), "/broken": (500, "disk")}
        status, text = texts.get(request.path, (404, "x"))
        return web.Response(status=status, text=text)

    async def main() -> None:
        relay = Relay()
        async with front(far_handle) as far:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return await relay.log(request, far.url + path, None, pod="p")

            async with front(handle) as near, near.client.get(near.url) as answer:
                status = await answer.json()
                assert (status["code"], status["message"]) == (code, message)
        await relay.close()

    asyncio.run(main())


def test_a_log_is_plain_text_as_it_comes(front: Any) -> None:
    async def main() -> None:
        relay = Relay()
        async with front(far_side) as far:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return await relay.log(request, far.url + "/follow", None, pod="p")

            async with front(handle) as near, near.client.get(near.url) as answer:
                assert answer.headers["Content-Type"] == "text/plain"
                assert await answer.content.readline() == b"one\n"
        await relay.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [((), [b"", b"one\n"]), (("binary.k8s.io",), [b"", b"one\n"]), (("base64.binary.k8s.io",), ["", "b25lCg=="])],
)
def test_a_log_comes_in_messages_to_who_speaks_websocket(front: Any, protocols: tuple[str, ...], expected: list[Any]) -> None:
    async def far_handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"one\n")

    async def main() -> None:
        relay = Relay()
        async with front(far_handle) as far:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return await relay.log(request, far.url, None, pod="p")

            async with front(handle) as near, near.client.ws_connect(near.url, protocols=protocols) as socket:
                assert [message.data async for message in socket] == expected
        await relay.close()

    asyncio.run(main())


def test_links_that_already_lead_through_the_proxy_stay() -> None:
    page = b'<a href="/p/x"><form action="/y">'
    assert rewritten(page, "/p") == b'<a href="/p/x"><form action="/p/y">'


def test_an_address_that_is_none_is_503(front: Any) -> None:
    async def main() -> None:
        relay = Relay()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await relay.proxy(request, "http://127.0.0.1:99999/", None)

        async with front(handle) as near:
            for headers in ({}, {"Connection": "Upgrade", "Upgrade": "x"}):
                async with near.client.get(near.url, headers=headers) as answer:
                    assert (await answer.json())["code"] in (500, 503)
        await relay.close()

    asyncio.run(main())


def test_a_path_with_line_ends_goes_through_as_it_is(front: Any) -> None:
    async def use(near: Any) -> None:
        async with near.client.get(URL(near.url + "/a%0D%0AX-Evil:%201", encoded=True)) as answer:
            seen = await answer.json()
        assert seen["path"] == "/a%0D%0AX-Evil:%201"
        assert "X-Evil" not in seen["headers"]

    run(front, use)


def test_a_page_without_end_goes_on_as_it_is(front: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held of it is bounded, whoever serves it."""
    monkeypatch.setattr(relays, "_HTML_LIMIT_BYTES", 10_000)

    async def use(near: Any) -> None:
        async with near.client.get(near.url + "/endless") as answer:
            assert await answer.content.readexactly(len(LINE) * 50) == LINE * 50

    run(front, use)


def test_a_log_is_read_where_it_was_asked_for(front: Any) -> None:
    """A node does not lead the server on to another one, which would answer it."""
    asked = []

    async def node(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/containerLogs/other/pod/c"})

    async def main() -> None:
        relay = Relay()
        async with front(node) as far:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return await relay.log(request, far.url + "/containerLogs/d/p/c", None, pod="p")

            async with front(handle) as near, near.client.get(near.url) as answer:
                assert answer.status >= 300
        await relay.close()

    asyncio.run(main())
    assert asked == ["/containerLogs/d/p/c"]
