"""Calls of webhooks: JSON posted over TLS, to a URL or to a Service of the cluster.

What a `clientConfig` (of admission webhooks) or a `webhook.clientConfig` (of conversions) means. Connections are kept alive,
one pool for all webhooks.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
"""

import asyncio
import base64
import binascii
import math
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.tls import unverified
from corral.server.answers import read_up_to

#: Answers are objects and a little around them; more is not read.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
#: How much of an answer in plain text a message repeats.
_SHOWN_CHARS = 2048
KEPT_CONTEXTS = 128
IDLE_CONNECTION_S = 90.0
DEFAULT_PORT = 443
USER_AGENT = "kube-apiserver-admission"
_SERVICE = ".svc"

#: From namespace, name and port of a Service to `HOST:PORT` of where it is served. Raises ApiError.
Locate = Callable[[str, str, int], str]

_STATUS_TEXTS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


class CallError(Exception):
    """The webhook gave no answer that can be used; the text says why, in Go's words where people look for them."""


class Target(Struct, frozen=True):
    """Where a webhook is: its URL, and the PEM of the authorities that may have signed its certificate ("": the host's)."""

    url: str
    ca: str = ""


def target_of(client_config: Object) -> Target:
    """What a `clientConfig` says."""
    try:
        ca = base64.b64decode(client_config.get("caBundle") or "").decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        ca = ""
    service = client_config.get("service")
    if service is None:
        return Target(client_config.get("url") or "", ca)
    path = service.get("path") or ""
    port = service.get("port") or DEFAULT_PORT
    slash = "" if path.startswith("/") else "/"
    return Target(f"https://{service['name']}.{service['namespace']}{_SERVICE}:{port}{slash}{path}", ca)


class WebhookClient:
    """Posts to webhooks. One for the whole server; `close` it."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._session: ClientSession | None = None
        self._tls = lru_cache(KEPT_CONTEXTS)(_tls)

    async def post(self, target: Target, body: bytes, timeout_s: float) -> Any:
        """The JSON of the answer to `body`. Raises CallError."""
        url = f"{target.url}?timeout={math.ceil(timeout_s)}s"
        try:
            async with asyncio.timeout(timeout_s):
                status, answer = await self._post(url, body, target.ca)
        except TimeoutError:
            raise CallError(f'Post "{url}": context deadline exceeded') from None
        except (ClientError, OSError, ValueError) as error:
            raise CallError(f'Post "{url}": {_why(url, error)}') from error
        if not 200 <= status < 300:
            raise CallError(_refusal(status, answer))
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError as error:
            raise CallError(f"couldn't get version/kind; json parse error: {error}") from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, url: str, body: bytes, ca: str) -> tuple[int, bytes]:
        try:
            return await self._once(url, body, ca)
        except ClientConnectorError:
            raise
        except (ClientError, ConnectionResetError):
            # A kept connection that the webhook had closed meanwhile; a new one is opened.
            return await self._once(url, body, ca)

    async def _once(self, url: str, body: bytes, ca: str) -> tuple[int, bytes]:
        async with self._opened().post(url, data=body, ssl=self._tls(ca), allow_redirects=False) as answer:
            read = await read_up_to(answer, MAX_ANSWER_BYTES)
            if len(read) > MAX_ANSWER_BYTES:
                raise ValueError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
            return answer.status, read

    def _opened(self) -> ClientSession:
        if self._session is None:
            connector = TCPConnector(
                resolver=_Resolver(self._locate), use_dns_cache=False, keepalive_timeout=IDLE_CONNECTION_S, limit=0
            )
            self._session = ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None),
                headers={"Content-Type": "application/json", "Accept": "application/json, */*", "User-Agent": USER_AGENT},
            )
        return self._session


class _Resolver(AbstractResolver):
    """`NAME.NAMESPACE.svc` is a Service of the cluster, everything else a name of the host's DNS."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._names = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The addresses of `host`; a Service's port becomes that of its endpoint. Raises OSError."""
        parts = host.removesuffix(_SERVICE).split(".")
        if not host.endswith(_SERVICE) or len(parts) != 2:
            return await self._names.resolve(host, port, family)
        try:
            found = self._locate(parts[1], parts[0], port)
        except ApiError as error:
            raise OSError(error.message) from None
        address, _, number = found.rpartition(":")
        address = address.strip("[]")
        try:
            return [_result(host, str(socket.inet_pton(_family(address), address) and address), int(number))]
        except OSError:  # The external name of a Service.
            return await self._names.resolve(address, int(number), family)

    async def close(self) -> None:
        """Nothing is held."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(hostname=host, host=address, port=port, family=_family(address), proto=0, flags=0)


def _tls(ca: str) -> ssl.SSLContext:
    if not ca:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError:  # No certificate in the bundle: nothing is trusted.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _why(url: str, error: BaseException) -> str:
    cause: Any = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error.__cause__ or error
    host = url.split("//", 1)[-1].split("/", 1)[0]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return unverified(cause)
    if isinstance(cause, ConnectionRefusedError):
        return f"dial tcp {host}: connect: connection refused"
    if isinstance(error, ClientConnectorError) and isinstance(cause, OSError) and cause.errno:
        return f"dial tcp {host}: {cause.strerror or cause}"
    if isinstance(error, ClientError) and not isinstance(error, ClientConnectorError):
        return "EOF" if not str(cause) or "disconnected" in str(cause).lower() else str(cause)
    return str(cause)


def _refusal(status: int, answer: bytes) -> str:
    """What client-go makes of an answer that is not a success."""
    try:
        found = orjson.loads(answer)
        if isinstance(found, dict) and found.get("kind") == "Status" and found.get("message"):
            return str(found["message"])
    except orjson.JSONDecodeError:
        pass
    if status in _STATUS_TEXTS:
        return _STATUS_TEXTS[status]
    if status >= 500:
        text = answer.decode("utf-8", "replace").strip()[:_SHOWN_CHARS] or "unknown"
        return f"an error on the server ({orjson.dumps(text).decode()}) has prevented the request from succeeding"
    return f"the server responded with the status code {status} but did not return more information"
