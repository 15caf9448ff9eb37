"""The pages `/openapi/v2` and `/openapi/v3...`: made once for a catalog, then answered from memory, with ETags."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from corral.api.resources import Resource
from corral.server.core import Core
from corral.server.openapi import documents, protobuf
from corral.server.openapi.schemas import descriptions
from corral.server.paths import PageNotFoundError
from corral.server.request import Request, Response

PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
PROTOBUF_V2_ANSWER = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


@dataclass
class _Kept:
    """Documents of one state of the catalog."""

    resources: list[Resource] = field(default_factory=list)
    documents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


_kept: dict[int, _Kept] = {}


async def handle(core: Core, request: Request) -> Response:
    """The page. Raises PageNotFoundError."""
    kept = _kept_of(core)
    match request.path.strip("/").split("/"):
        case ["openapi", "v2"]:
            if PROTOBUF_V2 in request.headers.get("Accept", ""):
                body, tag = await _made(kept, "v2.pb", lambda: protobuf.encode(documents.v2(kept.resources, descriptions())))
                return _answer(request, body, tag, PROTOBUF_V2_ANSWER)
            body, tag = await _made(kept, "v2", lambda: orjson.dumps(documents.v2(kept.resources, descriptions())))
        case ["openapi", "v3"]:
            body, tag = await _made(kept, "v3", lambda: orjson.dumps({"paths": _index(kept)}))
        case ["openapi", "v3", *rest]:
            path = "/" + "/".join(rest)
            resources = [r for r in kept.resources if r.base_path == path]
            if not resources:
                raise PageNotFoundError
            body, tag = await _made(kept, path, lambda: orjson.dumps(documents.v3(resources, descriptions())))
        case _:
            raise PageNotFoundError
    return _answer(request, body, tag, "application/json")


def _kept_of(core: Core) -> _Kept:
    resources = list(core.catalog)
    kept = _kept.get(id(core))
    if kept is None or kept.resources != resources:
        kept = _kept[id(core)] = _Kept(resources)
    return kept


def _index(kept: _Kept) -> dict[str, dict[str, str]]:
    paths = {}
    for path in dict.fromkeys(resource.base_path for resource in kept.resources):
        named = repr([r for r in kept.resources if r.base_path == path]).encode()
        paths[path.strip("/")] = {"serverRelativeURL": f"/openapi/v3{path}?hash={_digest(named)}"}
    return paths


async def _made(kept: _Kept, name: str, make: Callable[[], bytes]) -> tuple[bytes, str]:
    async with kept.making:
        found = kept.documents.get(name)
        if found is None:
            body = await asyncio.to_thread(make)
            found = kept.documents[name] = (body, f'"{_digest(body)}"')
        return found


def _digest(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest().upper()


def _answer(request: Request, body: bytes, tag: str, media: str) -> Response:
    headers = {"ETag": tag, "Vary": "Accept"}
    if request.headers.get("If-None-Match") == tag:
        return Response(304, b"", media, headers)
    return Response(200, body, media, headers)
