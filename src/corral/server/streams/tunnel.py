"""Port-forward of kubectl from 1.31: SPDY inside WebSocket messages (KEP-4006).

Each binary message carries a piece of the SPDY connection that the node speaks; the borders of messages mean nothing.
"""

import asyncio
import logging
import ssl

from aiohttp import WSMsgType, web

from corral.base.takeover import Wire, open_upgraded
from corral.server.streams.upgrade import TUNNEL, refusal, status_response, unreachable

log = logging.getLogger(__name__)

#: The far end of the tunnel's protocol, as offered to the node.
PORT_FORWARD = "portforward.k8s.io"


async def tunnel(request: web.BaseRequest, url: str, tls: ssl.SSLContext | None) -> web.StreamResponse:
    """Open SPDY to the node, accept the WebSocket, carry bytes between them."""
    headers = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade", "X-Stream-Protocol-Version": PORT_FORWARD, "Content-Length": "0"}
    try:
        answer, far = await open_upgraded("POST", url, headers, tls)
    except OSError as error:
        return status_response(unreachable(url, error))
    if answer.status != 101:
        return refusal(answer)
    socket = web.WebSocketResponse(protocols=(TUNNEL,), compress=False, max_msg_size=0, timeout=1.0)
    await socket.prepare(request)
    down = asyncio.ensure_future(_down(far, socket))
    try:
        async for message in socket:
            if message.type == WSMsgType.BINARY:
                await far.write(message.data)
    except ConnectionError:
        log.debug("a tunnel of %s ended early", request.path)
    finally:
        down.cancel()
        far.close()
        if not socket.closed:
            await socket.close()
    return socket


async def _down(far: Wire, socket: web.WebSocketResponse) -> None:
    while data := await far.read():
        await socket.send_bytes(data)
    await socket.close()
