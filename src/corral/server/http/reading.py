"""From what aiohttp has parsed to a `Request`: path, query, headers; the body when it is asked for, within limits."""

import asyncio
from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qsl, unquote

from aiohttp import ClientError, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import CIMultiDict

from corral.api.errors import ApiError, bad_request
from corral.server.request import Request

BODY_LIMIT_BYTES = 3 * 1024 * 1024
#: A body that is not there by then is refused.
BODY_TIMEOUT_S = 60.0


class Query(dict[str, str]):
    """The parameters of a query: the first value of each; `all` gives every one (`command=ls&command=-l`)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pairs = parse_qsl(text, keep_blank_values=True)
        for name, value in self.pairs:
            self.setdefault(name, value)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter, in order."""
        return [value for found, value in self.pairs if found == name]


_NO_QUERY: Mapping[str, str] = Query("")


def request_of(raw: web.BaseRequest) -> Request:
    """The request, whose body is still to be read."""
    path, mark, query = raw._message.path.partition("?")
    if not path.startswith("/"):
        path = raw.path
    if "%" in path:
        path = unquote(path)
    return Request(
        raw.method,
        path,
        Query(query) if mark else _NO_QUERY,
        _headers(raw),
        remote=raw.remote or "",
        read_body=partial(_body, raw) if raw.body_exists else None,
    )


def _headers(raw: web.BaseRequest) -> Mapping[str, str]:
    """The headers, where a byte that is no UTF-8 is U+FFFD: such a text cannot be written into the audit log."""
    headers = raw._message.headers
    if all(map(str.isascii, headers.values())):
        return headers
    clean = ((name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")) for name, value in headers.items())
    return CIMultiDict(clean)


async def _body(raw: web.BaseRequest) -> bytes:
    """The request's body. Raises ApiError where it is too large, late, or not what its head says."""
    length = raw.content_length
    if length is not None and length > BODY_LIMIT_BYTES:
        raise _too_large()
    if raw.headers.get("Expect", "").lower() == "100-continue" and raw.transport is not None:
        raw.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    parts = []
    size_bytes = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for part in raw.content.iter_any():
                size_bytes += len(part)
                if size_bytes > BODY_LIMIT_BYTES:
                    raise _too_large()
                parts.append(part)
    except TimeoutError:
        raise ApiError(408, "Timeout", f"the body of the request has not come within {BODY_TIMEOUT_S:.0f} s") from None
    except (BadHttpMessage, ClientError, ConnectionError) as error:
        raise bad_request(f"unable to read the body of the request: {error}") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large() -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT_BYTES}")
