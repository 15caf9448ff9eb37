"""Leads requests to extension servers, and their answers back: whole, streamed, or as an upgraded connection.

Answers in plain text, as the reference's aggregator gives them, where the extension server cannot be reached.
"""

import ssl
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import ClientError, ClientResponse, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from corral.api.errors import ApiError
from corral.server.aggregation.backends import Backend, Backends
from corral.server.aggregation.identity import headers_of, is_claim
from corral.server.answers import read_up_to
from corral.server.lookup import Lookup
from corral.server.request import TEXT, Request, Response, User, plain
from corral.server.services import locate
from corral.server.streams.relay import HOP_BY_HOP, Relay
from corral.server.streams.upgrade import dial_error, is_upgrade, pass_through

CONNECT_TIMEOUT_S = 30.0
#: An ordinary request is given up after this time; watches and upgrades are not.
REQUEST_TIMEOUT_S = 60.0
#: An answer of a known length up to this is read before it is passed on; others stream.
WHOLE_BYTES = 1024 * 1024
KEPT_CONTEXTS = 64
#: What an extension server says of itself may not be longer.
DOCUMENT_LIMIT_BYTES = 32 * 1024 * 1024
REDIRECTED = b"the backend attempted to redirect this request, which is not permitted"
_NOT_FORWARDED = HOP_BY_HOP | {"host", "content-length"}


class UnreachableError(Exception):
    """The extension server gives no answer; the text says why."""


class Proxy:
    """One for the whole server. `certificate` and `key` are what it shows to extension servers."""

    def __init__(self, backends: Backends, lookup: Lookup, relay: Relay, certificate: Path, key: Path) -> None:
        self._backends = backends
        self._lookup = lookup
        self._relay = relay
        self._files = certificate, key
        self._tls = lru_cache(KEPT_CONTEXTS)(self._make_tls)

    async def forward(self, request: Request, backend: Backend) -> Response:
        """The extension server's answer to a request that was allowed."""
        if not self._backends.is_available(backend):
            return plain(503, "service unavailable")
        try:
            url = f"https://{self._address(backend)}{_target(request)}"
        except ApiError:
            return plain(503, "service unavailable")
        tls = self._tls(backend.ca, backend.insecure)
        identity = list(headers_of(request.user))
        if is_upgrade(request):
            return Response(upgrade=lambda raw: pass_through(raw, url, tls, add=identity, server_name=backend.host))
        headers = [*_forwarded(request), *identity]
        total_s = None if request.verb == "watch" else REQUEST_TIMEOUT_S
        try:
            return await self._ask(request, URL(url, encoded=True), headers, backend, total_s)
        except UnreachableError as error:
            return plain(503, f"error trying to reach service: {error}")

    async def fetch(self, backend: Backend, path: str, user: User, timeout_s: float, **headers: str) -> tuple[int, str, bytes]:
        """Ask the extension server itself: status, content type, body. Raises UnreachableError, ApiError (503: no endpoint)."""
        url = URL(f"https://{self._address(backend)}{path}", encoded=True)
        far = await self._open("GET", url, [*headers_of(user), *headers.items()], b"", backend, timeout_s)
        try:
            body = await read_up_to(far, DOCUMENT_LIMIT_BYTES)
        except (ClientError, OSError, TimeoutError) as error:
            raise UnreachableError(_why(str(url), error)) from error
        finally:
            far.release()
        if len(body) > DOCUMENT_LIMIT_BYTES:
            raise UnreachableError(f"{path} is longer than {DOCUMENT_LIMIT_BYTES} bytes")
        return far.status, far.content_type, body

    def _address(self, backend: Backend) -> str:
        return locate(self._lookup, backend.namespace, backend.service, backend.port)

    async def _ask(
        self, request: Request, url: URL, headers: list[tuple[str, str]], backend: Backend, total_s: float | None
    ) -> Response:
        far = await self._open(request.method, url, headers, request.body, backend, total_s)
        if 300 <= far.status < 400 and far.headers.get("Location"):
            # Whoever follows it would hand his credentials to wherever an extension server likes (CVE-2022-3172).
            far.close()
            return Response(502, REDIRECTED, TEXT)
        content_type = far.headers.get("Content-Type", "")
        answer = Response(far.status, content_type=content_type or TEXT, headers=_answered(far))
        length = far.content_length
        if request.verb != "watch" and length is not None and length <= WHOLE_BYTES:
            try:
                answer.body = await far.read()
            except (ClientError, OSError, TimeoutError) as error:
                raise UnreachableError(_why(str(url), error)) from error
            finally:
                far.release()
        else:
            answer.stream = _chunks(far)
        return answer

    async def _open(
        self,
        method: str,
        url: URL,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        backend: Backend,
        total_s: float | None,
    ) -> ClientResponse:
        try:
            return await self._relay.session.request(
                method,
                url,
                headers=CIMultiDict(headers),
                data=body or None,
                allow_redirects=False,
                ssl=self._tls(backend.ca, backend.insecure),
                server_hostname=backend.host,
                timeout=ClientTimeout(total=total_s, connect=CONNECT_TIMEOUT_S),
            )
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise UnreachableError(_why(str(url), error)) from error

    def _make_tls(self, ca: str, insecure: bool) -> ssl.SSLContext:
        try:
            tls = ssl.create_default_context(cadata=ca) if ca else ssl.create_default_context()
        except ssl.SSLError:  # No certificate in the bundle: nothing is trusted.
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if insecure:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        tls.load_cert_chain(*self._files)
        return tls


def _target(request: Request) -> str:
    """Path and query as they were sent."""
    pairs = getattr(request.query, "pairs", None) or list(request.query.items())
    path = quote(request.path, safe="/~:@!$&'()*+,;=")
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _forwarded(request: Request) -> Iterable[tuple[str, str]]:
    for name, value in request.headers.items():
        if name.lower() not in _NOT_FORWARDED and not is_claim(name):
            yield name, value
    if request.remote:
        yield "X-Forwarded-For", request.remote
    yield "X-Forwarded-Host", request.headers.get("Host", "")
    yield "X-Forwarded-Proto", "https"
    yield "X-Forwarded-Uri", quote(request.path)


def _answered(far: ClientResponse) -> Any:
    """The headers of the answer that are about the message; some, such as warnings, come more than once."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in far.headers.items():
        if name.lower() not in HOP_BY_HOP | {"content-length", "content-type", "date"}:
            headers.add(name, value)
    return headers


async def _chunks(far: ClientResponse) -> AsyncIterator[bytes]:
    """The body as it comes. One that breaks off leaves the client's broken off too."""
    try:
        async for chunk in far.content.iter_any():
            yield chunk
    except (ClientError, OSError, TimeoutError) as error:
        raise ConnectionResetError(f"the extension server broke off: {error}") from error
    finally:
        far.close()


def _why(url: str, error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "context deadline exceeded"
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError):
        return f"tls: {cause.reason or cause}"
    return dial_error(url, cause) if isinstance(cause, OSError) else str(cause)
