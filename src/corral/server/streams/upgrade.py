"""Exec, attach and port-forward: which protocol the client speaks decides how its connection meets the node's."""

import logging
import ssl
from collections.abc import Iterable, Iterator

import orjson
from aiohttp import web

from corral.api.errors import ApiError
from corral.base.takeover import Answer, Wire, give_back, join, open_upgraded, take_over
from corral.base.tls import unverified
from corral.server.request import Request

log = logging.getLogger(__name__)

V5 = "v5.channel.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"
_TOKEN = "base64url.bearer.authorization.k8s.io."
#: Headers that are the server's business, not the node's.
_KEPT_BACK = frozenset(["host", "authorization", "content-length", "transfer-encoding", "te", "trailer", "proxy-authorization"])


async def stream(request: web.BaseRequest, url: str, tls: ssl.SSLContext | None) -> web.StreamResponse:
    """Connect the client of an exec, attach or port-forward request with `url` (of the node agent, with the whole query).

    Returns when the streams have ended, with the response for aiohttp. Never raises for what the peers do.
    """
    from corral.server.streams.translate import translate
    from corral.server.streams.tunnel import tunnel

    protocols = offered(request)
    if V5 in protocols:
        return await translate(request, url, tls)
    if TUNNEL in protocols:
        return await tunnel(request, url, tls)
    return await pass_through(request, url, tls)


def is_upgrade(request: web.BaseRequest | Request) -> bool:
    """Whether the client asks to go on with another protocol."""
    return "upgrade" in request.headers.get("Connection", "").lower() and bool(request.headers.get("Upgrade"))


def offered(request: web.BaseRequest) -> list[str]:
    """The WebSocket protocols that the client offers."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return []
    lists = request.headers.getall("Sec-WebSocket-Protocol", [])
    return [p.strip() for text in lists for p in text.split(",") if p.strip()]


async def pass_through(
    request: web.BaseRequest,
    url: str,
    tls: ssl.SSLContext | None,
    *,
    add: Iterable[tuple[str, str]] = (),
    server_name: str = "",
) -> web.StreamResponse:
    """The upgrade is the far side's to answer; after its 101 every byte goes through as it is.

    `add` are headers to send along; `server_name` is whose certificate it must show, if not that of the URL's host.
    """
    if not is_upgrade(request):
        return status_response(ApiError(400, "BadRequest", "Upgrade request required"))
    try:
        answer, far = await open_upgraded(request.method, url, [*_forwarded(request), *add], tls, server_name)
    except (OSError, ValueError) as error:
        return status_response(unreachable(url, error))
    if answer.status != 101:
        return refusal(answer)
    return await splice(request, answer.head, far)


async def splice(request: web.BaseRequest, head: bytes, far: Wire) -> web.StreamResponse:
    """Answer the client with `head`, then join its connection with `far`."""
    try:
        near = take_over(request)
    except ConnectionError:
        far.close()
        raise
    try:
        await near.write(head)
        await join(near, far)
    except ConnectionError:
        log.debug("a stream of %s ended early", request.path)
    finally:
        far.close()
        taken = give_back(request, near)
    return taken


def _forwarded(request: web.BaseRequest) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        lower = name.lower()
        if lower in _KEPT_BACK or lower.startswith(("impersonate-", "x-remote-")):
            continue
        if lower == "sec-websocket-protocol":
            shown = ", ".join(p.strip() for p in value.split(",") if not p.strip().startswith(_TOKEN))
            if shown:
                yield name, shown
            continue
        yield name, value
    if request.method == "POST":
        yield "Content-Length", "0"


def refusal(answer: Answer) -> web.Response:
    """The node's answer when it did not upgrade."""
    content_type = answer.headers.get("content-type", "text/plain")
    return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": content_type})


def unreachable(url: str, error: BaseException) -> ApiError:
    """500: the node cannot be reached, in the reference's words."""
    return ApiError(500, "", f"error dialing backend: {dial_error(url, error)}")


def dial_error(url: str, error: BaseException) -> str:
    """An error of connecting as Go words it; of those of aiohttp, what is beneath counts."""
    if not isinstance(error, TimeoutError):
        error = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(error, ssl.SSLCertVerificationError):
        return unverified(error)
    host = url.split("//", 1)[-1].split("/", 1)[0]
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {host}: connect: connection refused"
    if isinstance(error, TimeoutError):
        return f"dial tcp {host}: i/o timeout"
    return f"dial tcp {host}: {getattr(error, 'strerror', None) or error}"


def status_response(error: ApiError) -> web.Response:
    """An error as the API shows it."""
    return web.Response(status=error.code, body=orjson.dumps(error.status()), content_type="application/json")
