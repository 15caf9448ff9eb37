"""Exec and attach over WebSocket `v5.channel.k8s.io`, translated to SPDY `v4.channel.k8s.io` for the node (KEP-4006).

A WebSocket message begins with its channel: 0 stdin, 1 stdout, 2 stderr, 3 error (a Status, the last thing sent), 4 resize; 255
half-closes the channel that follows it. In SPDY each is a stream with a `streamtype`.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Mapping

import orjson
from aiohttp import WSMessage, WSMsgType, web

from corral.api.errors import ApiError, internal
from corral.api.objects import Object
from corral.base.takeover import Answer, open_upgraded
from corral.server.streams.session import Session, Stream
from corral.server.streams.spdy import ProtocolError
from corral.server.streams.upgrade import V5, dial_error

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_NAMES = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr", ERROR: "error", RESIZE: "resize"}
_VERSIONS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
_HEADERS = [("Upgrade", "SPDY/3.1"), ("Connection", "Upgrade"), ("Content-Length", "0")]
_HEADERS += [("X-Stream-Protocol-Version", version) for version in _VERSIONS]
STREAM_TIMEOUT_S = 30.0


async def translate(request: web.BaseRequest, url: str, tls: ssl.SSLContext | None) -> web.StreamResponse:
    """Accept the WebSocket, open SPDY to the node, carry the channels. The outcome, also a failure, is the last message."""
    socket = web.WebSocketResponse(protocols=(V5,), compress=False, max_msg_size=0, timeout=1.0)
    await socket.prepare(request)
    try:
        status = await _run(request, socket, url, tls)
        await socket.send_bytes(bytes([ERROR]) + orjson.dumps(status))
    except ConnectionError:
        log.debug("a stream of %s ended early", request.path)
    finally:
        if not socket.closed:
            await socket.close()
    return socket


def channels(query: Mapping[str, str]) -> set[int]:
    """The channels that the query of an exec or attach asks for; with a terminal there is no stderr but resize."""
    on = {name for name in ("stdin", "stdout", "stderr", "tty") if query.get(name, "").lower() in ("1", "t", "true")}
    wanted = {ERROR} | {number for number, name in _NAMES.items() if name in on}
    return wanted - {STDERR} | {RESIZE} if "tty" in on else wanted


async def _run(request: web.BaseRequest, socket: web.WebSocketResponse, url: str, tls: ssl.SSLContext | None) -> Object:
    try:
        answer, wire = await open_upgraded("POST", url, _HEADERS, tls)
    except OSError as error:
        return internal(f"error dialing backend: {dial_error(url, error)}").status()
    if answer.status != 101:
        return _refused(answer)
    session = Session(wire)
    receiving = asyncio.ensure_future(session.run())
    try:
        streams = {}
        for number in sorted(channels(request.query), key=[ERROR, STDIN, STDOUT, STDERR, RESIZE].index):
            streams[number] = await session.open({"streamtype": _NAMES[number]})
        async with asyncio.timeout(STREAM_TIMEOUT_S):
            for stream in streams.values():
                await stream.replied.wait()
        return await _carry(socket, streams)
    except (TimeoutError, ConnectionError, ProtocolError) as error:
        return internal(error or "the node did not open the streams in time").status()
    finally:
        await session.close()
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError, ProtocolError):
            await receiving


async def _carry(socket: web.WebSocketResponse, streams: dict[int, Stream]) -> Object:
    """Carry everything until the node has said how it ended. Raises ConnectionError when the client went."""
    up = asyncio.ensure_future(_up(socket, streams))
    down = asyncio.ensure_future(_down(socket, streams))
    try:
        await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        if not down.done():
            up.result()
            raise ConnectionResetError("the client went")
        return down.result()
    finally:
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _up(socket: web.WebSocketResponse, streams: dict[int, Stream]) -> None:
    """The client's messages; ends when the client does."""
    while (message := await socket.receive()).type == WSMsgType.BINARY or message.type == WSMsgType.TEXT:
        data = _bytes(message)
        if not data:
            continue
        number, rest = data[0], data[1:]
        with contextlib.suppress(ConnectionResetError):  # the process may be done with its input before the client is
            if number == CLOSE and rest and rest[0] in streams:
                await streams[rest[0]].half_close()
            elif number in (STDIN, RESIZE) and number in streams and rest:
                await streams[number].write(rest)


def _bytes(message: WSMessage) -> bytes:
    data = message.data
    return data.encode() if isinstance(data, str) else bytes(data)


async def _down(socket: web.WebSocketResponse, streams: dict[int, Stream]) -> Object:
    """The node's output, and its verdict once all output is through."""
    tasks = [asyncio.ensure_future(_output(socket, n, s)) for n, s in streams.items() if n in (STDOUT, STDERR)]
    try:
        verdict = b""
        while data := await streams[ERROR].read():
            verdict += data
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    if not verdict:
        return {"metadata": {}, "status": "Success"}
    try:
        status: Object = orjson.loads(verdict)
    except ValueError:
        return internal(verdict.decode(errors="replace")).status()
    return status


async def _output(socket: web.WebSocketResponse, number: int, stream: Stream) -> None:
    head = bytes([number])
    while data := await stream.read():
        await socket.send_bytes(head + data)


def _refused(answer: Answer) -> Object:
    """The Status of a node's refusal to upgrade."""
    try:
        status = orjson.loads(answer.body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return ApiError.of_status(status).status()
    return internal(f"unable to upgrade connection: {answer.body.decode(errors='replace').strip()}").status()
