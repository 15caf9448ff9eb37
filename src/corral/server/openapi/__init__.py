"""OpenAPI: `/openapi/v2`, and `/openapi/v3` with a document for each group version (KEP-2896).

Documents are built in a thread when they are first asked for, and kept compressed. Outside: discovery.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson

from corral.server.aggregation.documents import Documents as Others
from corral.server.negotiate import accepts, not_acceptable
from corral.server.openapi.documents import Document, Documents
from corral.server.paths import PageNotFoundError
from corral.server.request import Request, Response

JSON = "application/json"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#: What clients up to 1.26 call it: "@" is not allowed in a media type.
OLD_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
ROOT = "/openapi/v3"
FOR_EVER = timedelta(days=365)


class OpenApi:
    """The handler of the paths below `/openapi`."""

    def __init__(self, documents: Documents, others: Others | None = None) -> None:
        self._documents = documents
        self._others = others
        self._lock = asyncio.Lock()

    async def handle(self, request: Request, now_s: float) -> Response:
        """The page. Raises PageNotFoundError, ApiError (406)."""
        path = request.path.rstrip("/")
        if path == "/openapi/v2":
            return await self._v2(request)
        if path == ROOT:
            return self._index(request)
        if path.startswith(ROOT + "/"):
            return await self._v3(request, path.removeprefix(ROOT + "/"), now_s)
        raise PageNotFoundError

    async def _v2(self, request: Request) -> Response:
        accept = request.headers.get("Accept", "")
        protobuf = not accepts(accept, JSON) and (accepts(accept, PROTOBUF) or accepts(accept, OLD_PROTOBUF))
        if not protobuf and not accepts(accept, JSON):
            raise not_acceptable(JSON, PROTOBUF)
        others = await self._others.v2() if self._others is not None else []
        if _is_known(request, self._documents.v2_hash(others)):
            return Response(304, headers={"Etag": request.headers["If-None-Match"]})
        async with self._lock:
            document = await asyncio.to_thread(self._documents.v2, others, protobuf=protobuf)
        return await _shown(request, document, PROTOBUF if protobuf else JSON)

    def _index(self, request: Request) -> Response:
        if not accepts(request.headers.get("Accept", ""), JSON):
            raise not_acceptable(JSON)
        found = {name: {"serverRelativeURL": f"{ROOT}/{name}?hash={hash_}"} for name, hash_ in self._hashes().items()}
        return Response(200, orjson.dumps({"paths": found}))

    def _hashes(self) -> dict[str, str]:
        own = self._documents.hashes()
        others = self._others.v3_hashes() if self._others is not None else {}
        return dict(sorted({**own, **others}.items())) if others else own

    async def _document(self, name: str, hash_: str) -> Document | None:
        """Ours, or that of an extension server, for the group versions that it serves."""
        if self._others is not None and name in self._others.v3_hashes():
            _, *group, version = name.split("/")
            body = await self._others.v3("".join(group), version)
            return None if body is None else Document.of(hash_, body)
        return await asyncio.to_thread(self._documents.v3, name)

    async def _v3(self, request: Request, name: str, now_s: float) -> Response:
        current = self._hashes().get(name)
        if current is None:
            raise PageNotFoundError
        if not accepts(request.headers.get("Accept", ""), JSON):
            raise not_acceptable(JSON)
        asked = request.query.get("hash", "")
        if asked and asked != current:
            return Response(301, headers={"Location": f"{ROOT}/{name}?hash={current}"})
        if _is_known(request, current):
            return Response(304, headers={"Etag": f'"{current}"'})
        async with self._lock:
            document = await self._document(name, current)
        if document is None:
            raise PageNotFoundError
        response = await _shown(request, document, JSON)
        if asked:
            response.headers["Cache-Control"] = "public, immutable"
            expires = datetime.fromtimestamp(now_s, UTC) + FOR_EVER
            response.headers["Expires"] = format_datetime(expires, usegmt=True)
        return response


def _is_known(request: Request, hash_: str) -> bool:
    return f'"{hash_}"' in request.headers.get("If-None-Match", "")


async def _shown(request: Request, document: Document, media: str) -> Response:
    headers = {"Etag": f'"{document.hash}"', "Vary": "Accept-Encoding, Accept"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(200, document.packed, media, {**headers, "Content-Encoding": "gzip"})
    return Response(200, await asyncio.to_thread(lambda: document.body), media, headers)
