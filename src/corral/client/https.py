"""The API over HTTPS: what the node agent and every other process uses."""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
from multidict import CIMultiDict

from corral.api.errors import ApiError
from corral.api.objects import Key
from corral.api.resources import Catalog
from corral.client.client import Client
from corral.client.connect import Found, find
from corral.client.kubeconfig import Access
from corral.client.transport import Call, Item, Listing, WatchEvent

CALL_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 5.0


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    resourceVersion: str = "0"  # noqa: N815


class _Head(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None = None
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    kind: str = ""
    apiVersion: str = ""  # noqa: N815


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_list = msgspec.json.Decoder(_List).decode
_decode_line = msgspec.json.Decoder(_Line).decode


def connect(path: Path, manager: str, catalog: Catalog, context: str = "") -> Client:
    """A client for the current (or named) context of one file. Raises CorralError where the file lacks what is needed."""
    return Client(transport(path, context), catalog, manager)


def transport(path: Path, context: str = "") -> "HttpsTransport":
    """The way to the server of the current (or named) context of one file. Raises CorralError."""
    return HttpsTransport.to(find(Access(kubeconfig=str(path), context=context)))


class HttpsTransport:
    """Calls over one aiohttp session. `headers` carries a bearer token where there is no client certificate."""

    def __init__(
        self,
        server: str,
        tls: ssl.SSLContext,
        headers: Mapping[str, str] | None = None,
        *,
        tls_name: str = "",
        proxy: str = "",
    ) -> None:
        """`tls_name` is the name in the server's certificate where that is not the one in its URL; `proxy` a URL or ""."""
        self._server = server.rstrip("/")
        self._tls_name = tls_name
        self._proxy = proxy
        self._tls = tls
        self._headers = headers or {}
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def to(cls, found: Found) -> "HttpsTransport":
        """The way to what a kubeconfig names."""
        return cls(found.server, found.tls, CIMultiDict(found.headers), tls_name=found.tls_name, proxy=found.proxy)

    async def call(self, call: Call) -> bytes:
        """One request, one body."""
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        with _os_errors(self._server):
            async with self._request(call, timeout) as response:
                body: bytes = await response.read()
                if response.status >= 400:
                    raise ApiError.of_answer(response.status, body)
                return body

    async def list(self, call: Call) -> Listing:
        """GET of a collection."""
        answer = _decode_list(await self.call(call))
        items = [_item(bytes(raw), answer.kind.removesuffix("List"), answer.apiVersion) for raw in answer.items or ()]
        return Listing(items, answer.metadata.resourceVersion)

    async def watch(self, call: Call) -> AsyncIterator[WatchEvent]:
        """GET of a collection with `watch=true`."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S)
        with _os_errors(self._server):
            async with self._request(call, timeout) as response:
                if response.status >= 400:
                    raise ApiError.of_answer(response.status, await response.read())
                rest = b""
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield _event(line)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _request(self, call: Call, timeout: aiohttp.ClientTimeout) -> Any:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, auto_decompress=True)
        headers = {"Accept": call.accept}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        return self._session.request(
            call.method,
            self._server + call.path,
            params=call.query,
            data=call.body,
            headers=headers,
            timeout=timeout,
            server_hostname=self._tls_name or None,
            proxy=self._proxy or None,
        )


@contextmanager
def _os_errors(server: str) -> Iterator[None]:
    """The library's own connection errors as OSError: callers know only that and ApiError."""
    try:
        yield
    except aiohttp.ClientError as error:
        if isinstance(error, OSError):
            raise
        raise ConnectionError(f"{server}: {error!r}") from error


def _item(raw: bytes, kind: str = "", api_version: str = "") -> Item:
    """An item of these bytes. List items of the reference carry no kind; ours do, and so do the items made here."""
    if kind and not raw.startswith(b'{"kind"') and b'"kind":' not in raw[:200]:
        obj = orjson.loads(raw)
        if "kind" not in obj:
            raw = orjson.dumps({"kind": kind, "apiVersion": api_version, **obj})
    meta = _decode_head(raw).metadata
    return Item(Key(meta.namespace, meta.name), raw, int(meta.resourceVersion or 0))


def _event(line: bytes) -> WatchEvent:
    event = _decode_line(line)
    if event.type == "ERROR":
        raise ApiError.of_event(orjson.loads(bytes(event.object)))
    return WatchEvent(event.type, _item(bytes(event.object)))
