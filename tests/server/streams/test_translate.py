import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web

from corral.server.streams.translate import channels
from corral.server.streams.upgrade import V5, stream

ALL = "stdin=true&stdout=true&stderr=true"


async def finished(socket: ClientWebSocketResponse) -> dict[int, bytes]:
    """Everything the channels brought until the end."""
    got: dict[int, bytes] = {}
    async with asyncio.timeout(10):
        async for message in socket:
            assert message.type == WSMsgType.BINARY
            got[message.data[0]] = got.get(message.data[0], b"") + message.data[1:]
    return got


def run(node: Any, front: Any, query: str, sent: list[bytes], **settings: Any) -> tuple[dict[int, bytes], Any]:
    async def main() -> tuple[dict[int, bytes], Any]:
        async with node() as far:
            for name, value in settings.items():
                setattr(far, name, value)

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return await stream(request, f"{far.url}/exec/d/p/c?{query}", None)

            async with front(handle) as f, f.client.ws_connect(f"{f.url}/?{query}", protocols=[V5]) as socket:
                assert socket.protocol == V5
                for message in sent:
                    await socket.send_bytes(message)
                return await finished(socket), far

    return asyncio.run(main())


def test_input_comes_back_as_output_and_the_status_last(node: Any, front: Any) -> None:
    got, far = run(node, front, ALL, [b"\x00hello ", b"\x00world", b"\xff\x00"])
    assert got[1] == b"hello world"
    assert got[2] == b"oops"
    assert json.loads(got[3]) == {"metadata": {}, "status": "Success"}
    assert far.heads[0].startswith("POST /exec/d/p/c?stdin=true")
    assert "X-Stream-Protocol-Version: v4.channel.k8s.io" in far.heads[0]


def test_much_output_arrives_whole(node: Any, front: Any) -> None:
    got, _ = run(node, front, "stdout=true", [])
    assert len(got[1]) == 300_000


def test_much_input_arrives_whole(node: Any, front: Any) -> None:
    pieces = [b"\x00" + bytes([i]) * 100_000 for i in range(20)]
    got, _ = run(node, front, ALL, [*pieces, b"\xff\x00"])
    assert got[1] == b"".join(p[1:] for p in pieces)


def test_a_terminal_has_sizes_and_no_stderr(node: Any, front: Any) -> None:
    size = b'{"Width":80,"Height":24}'
    got, far = run(node, front, ALL + "&tty=true", [b"\x04" + size, b"\x00x", b"\xff\x00"])
    assert far.sizes == [size]
    assert (got[1], 2 in got) == (b"x", False)


def test_an_exit_code_goes_through(node: Any, front: Any) -> None:
    causes = [{"reason": "ExitCode", "message": "3"}]
    status = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
    got, _ = run(node, front, "stdout=true", [], verdict=json.dumps(status).encode())
    assert json.loads(got[3]) == status


def test_a_refusal_of_the_node_is_the_status(node: Any, front: Any) -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 23\r\n\r\ncontainer not found (x)"
    got, _ = run(node, front, ALL, [], refusal=refusal)
    message = "Internal error occurred: unable to upgrade connection: container not found (x)"
    assert json.loads(got[3])["message"] == message


def test_a_node_that_cannot_be_reached_is_the_status(front: Any) -> None:
    async def main() -> Any:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await stream(request, "http://127.0.0.1:1/exec", None)

        async with front(handle) as f, f.client.ws_connect(f.url, protocols=[V5]) as socket:
            return json.loads((await finished(socket))[3])

    assert asyncio.run(main())["message"].endswith("error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused")


def test_a_client_that_goes_ends_the_nodes_connection(node: Any, front: Any) -> None:
    async def main() -> None:
        async with node() as far:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                return await stream(request, f"{far.url}/exec?{ALL}", None)

            async with front(handle) as f:
                async with f.client.ws_connect(f"{f.url}/?{ALL}", protocols=[V5]) as socket:
                    await socket.send_bytes(b"\x00a")
                    while (await socket.receive_bytes())[0] != 1:
                        pass
                async with asyncio.timeout(5):
                    await far.gone.wait()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("query", "wanted"),
    [({"stdout": "1"}, {1, 3}), ({"stdin": "true", "stderr": "true", "tty": "true"}, {0, 3, 4}), ({}, {3})],
)
def test_channels_of_a_query(query: dict[str, str], wanted: set[int]) -> None:
    assert channels(query) == wanted
