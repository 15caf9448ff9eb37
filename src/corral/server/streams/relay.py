"""The HTTP reverse proxies: container logs, and `proxy` of pods, services and nodes, with upgrades of their own."""

import asyncio
import base64
import logging
import re
import ssl
from collections.abc import Iterator

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL

from corral.api.errors import REASONS, ApiError, bad_request, internal, unavailable
from corral.server.answers import read_up_to
from corral.server.streams.upgrade import dial_error, is_upgrade, pass_through, status_response

log = logging.getLogger(__name__)

#: Headers about one connection, not about the message (RFC 9110, 7.6.1).
HOP_BY_HOP = frozenset(
    ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"]
)
_NOT_FORWARDED = HOP_BY_HOP | {"host", "authorization", "content-length"}
CONNECT_TIMEOUT_S = 30.0
#: HTML up to this size has its links rewritten; larger pages go through as they are.
_HTML_LIMIT_BYTES = 4 * 1024 * 1024
_REFUSAL_LIMIT_BYTES = 50_000
_BASE64_PROTOCOL = "base64.binary.k8s.io"
_MESSAGE_PROTOCOLS = ("binary.k8s.io", _BASE64_PROTOCOL)
#: Attributes whose absolute paths must lead through the proxy.
_LINK = re.compile(
    rb"""(\s(?:href|src|action|data|cite|codebase|longdesc|usemap|background|poster|formaction)\s*=\s*["'])(/(?!/)[^"']*)""",
    re.I,
)


class Relay:
    """Forwards requests to nodes, pods and services. One for the whole server; `close` in the end."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def proxy(
        self, request: web.BaseRequest, url: str, tls: ssl.SSLContext | None, *, body: bytes = b"", prefix: str = ""
    ) -> web.StreamResponse:
        """Forward any request, streaming the answer; an upgrade is passed through.

        `prefix` is the path on this server that stands for the root of the far one, e.g.
        `/api/v1/namespaces/d/pods/p/proxy`: redirects and links of pages are led through it.
        """
        if is_upgrade(request):
            return await pass_through(request, url, tls)
        try:
            return await self._forward(request, url, tls, body, prefix)
        except (ClientError, OSError, ValueError) as error:  # ValueError: a port that is none
            return status_response(unavailable(f"error trying to reach service: {dial_error(url, error)}"))

    async def log(self, request: web.BaseRequest, url: str, tls: ssl.SSLContext | None, *, pod: str = "") -> web.StreamResponse:
        """A container's log from the node, chunk by chunk as it comes; ends with the client. `pod` is its name, for errors."""
        try:
            verified = tls if tls is not None else False
            async with self.session.get(URL(url, encoded=True), ssl=verified, allow_redirects=False) as far:
                if not 200 <= far.status <= 206:
                    text = (await read_up_to(far, _REFUSAL_LIMIT_BYTES))[:_REFUSAL_LIMIT_BYTES].decode(errors="replace")
                    return status_response(log_refusal(far.status, text, pod))
                if is_upgrade(request):
                    return await _messages(far, request)
                near = web.StreamResponse(headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
                await _copy(far, near, request)
                return near
        except (ClientError, OSError) as error:
            return status_response(ApiError(500, "", f'Get "{url}": {dial_error(url, error)}'))

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> ClientSession:
        """The connections to other servers: no cookies, no headers of their own, bodies as they are sent."""
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0, ssl=False),
                timeout=ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session

    async def _forward(
        self, request: web.BaseRequest, url: str, tls: ssl.SSLContext | None, body: bytes, prefix: str
    ) -> web.StreamResponse:
        asking = self.session.request(
            request.method,
            URL(url, encoded=True),
            headers=list(_forwarded(request, prefix)),
            data=body or None,
            allow_redirects=False,
            ssl=tls if tls is not None else False,
        )
        async with asking as far:
            near = web.StreamResponse(status=far.status, reason=far.reason)
            for name, value in far.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    near.headers.add(name, _redirected(value, url, prefix) if name.lower() == "location" else value)
            is_page = far.content_type == "text/html" and not far.headers.get("Content-Encoding")
            if prefix and is_page and (far.content_length or 0) <= _HTML_LIMIT_BYTES and request.method != "HEAD":
                begun = await read_up_to(far, _HTML_LIMIT_BYTES)
                if len(begun) > _HTML_LIMIT_BYTES:  # Nobody said how long it is; it goes on as it is.
                    await _copy(far, near, request, begun)
                    return near
                page = rewritten(begun, prefix)
                near.headers["Content-Length"] = str(len(page))
                await near.prepare(request)
                await near.write(page)
                await near.write_eof()
                return near
            await _copy(far, near, request)
            return near


async def _copy(far: ClientResponse, near: web.StreamResponse, request: web.BaseRequest, begun: bytes = b"") -> None:
    """The body, as it comes, to the client. One that breaks off leaves the client's broken off too."""
    if "Content-Length" not in near.headers and request.version >= (1, 1):
        near.enable_chunked_encoding()
    try:
        await near.prepare(request)
        if request.method != "HEAD":
            if begun:
                await near.write(begun)
            async for chunk in far.content.iter_any():
                await near.write(chunk)
        await near.write_eof()
    except ConnectionError:
        log.debug("the client of %s went", request.path)
    except ClientError:
        near.force_close()
        if request.transport is not None:
            request.transport.close()


async def _messages(far: ClientResponse, request: web.BaseRequest) -> web.StreamResponse:
    """The body in messages of a WebSocket, of bytes or base64; an empty one comes first, as a sign of life."""
    near = web.WebSocketResponse(protocols=_MESSAGE_PROTOCOLS)
    await near.prepare(request)
    coded = near.ws_protocol == _BASE64_PROTOCOL

    async def send(chunk: bytes) -> None:
        await (near.send_str(base64.b64encode(chunk).decode()) if coded else near.send_bytes(chunk))

    watching = asyncio.create_task(_until_gone(near, far), name="the client of a log")
    try:
        await send(b"")
        async for chunk in far.content.iter_any():
            await send(chunk)
        await near.close()
    except (ConnectionError, ClientError):
        log.debug("the client of %s went", request.path)
    finally:
        watching.cancel()
    return near


async def _until_gone(near: web.WebSocketResponse, far: ClientResponse) -> None:
    """Stop reading from the node when the client has gone; what it says meanwhile is of no interest."""
    async for _ in near:
        pass
    far.close()


def log_refusal(status: int, text: str, pod: str) -> ApiError:
    """What a node's refusal to show a log becomes."""
    if status == 500:
        return internal(text)
    if status == 400:
        return bad_request(text)
    details = {"name": pod, "kind": "pods/log"}
    if status == 404:
        return ApiError(404, "NotFound", f"the server could not find the requested resource ( pods/log {pod})", details)
    reason = REASONS.get(status, "")
    message = f"the server responded with the status code {status} but did not return more information ( pods/log {pod})"
    return ApiError(status, reason, message, details)


def _forwarded(request: web.BaseRequest, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        lower = name.lower()
        if lower not in _NOT_FORWARDED and not lower.startswith(("impersonate-", "x-remote-")):
            yield name, value
    yield "X-Forwarded-For", request.remote or ""
    if prefix:
        yield "X-Forwarded-Host", request.host
        yield "X-Forwarded-Proto", "https" if request.secure else "http"
        yield "X-Forwarded-Uri", request.rel_url.raw_path


def _redirected(location: str, url: str, prefix: str) -> str:
    """Where a redirect of the far side leads, seen from here; to other hosts it stays."""
    if not prefix:
        return location
    far, to = URL(url, encoded=True), URL(location, encoded=True)
    if to.is_absolute() and (to.host, to.port) != (far.host, far.port):
        return location
    if not to.is_absolute() and not location.startswith("/"):
        return location
    return prefix.rstrip("/") + to.raw_path_qs


def rewritten(page: bytes, prefix: str) -> bytes:
    """A page whose links with absolute paths lead through the proxy."""
    start = prefix.rstrip("/").encode()
    return _LINK.sub(lambda m: m[0] if m[2].startswith(start + b"/") else m[1] + start + m[2], page)
