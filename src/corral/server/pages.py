"""Everything that is no resource: discovery, OpenAPI, health, version, metrics, keys of tokens, the index."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import orjson

from corral.api.errors import no_such_resource
from corral.api.objects import Object
from corral.server import discovery
from corral.server.core import Core
from corral.server.health import Health, version
from corral.server.metrics import CONTENT_TYPE, Metrics
from corral.server.negotiate import Wanted, accepts, not_acceptable, wanted, wanted_discovery
from corral.server.paths import PageNotFoundError
from corral.server.represent import body, respond
from corral.server.request import Request, Response

if TYPE_CHECKING:
    from corral.server.openapi import OpenApi

JWKS = "application/jwk-set+json"
#: The documents of the token issuer change with its keys only.
CACHED = {"Cache-Control": "public, max-age=3600"}


class Pages:
    """The handler of non-resource paths."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._described: OpenApi | None = None
        self.metrics = Metrics(core)
        self.health = Health({"ping": _fine, "log": _fine, "etcd": self._store_answers}, {"informer-sync": self._cache_follows})
        self._pages: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/": self._index,
            "/version": self._version,
            "/metrics": self._metrics,
            "/openid/v1/jwks": self._jwks,
            "/.well-known/openid-configuration": self._openid,
        }

    async def handle(self, _core: Core, request: Request) -> Response:
        """The page. Raises PageNotFoundError, ApiError."""
        page = self._pages.get(request.path.rstrip("/") or "/")  # clients ask for /version/ too
        if page is not None:
            return await page(request)
        first = request.path.strip("/").split("/")[0]
        if first in ("api", "apis"):
            return await self._discovery(request)
        if first == "openapi":
            return await self._openapi().handle(request, self._core.clock.now())
        answer = await self.health.handle(request)
        if answer is None:
            raise PageNotFoundError
        return answer

    def _openapi(self) -> "OpenApi":
        if self._described is None:
            from corral.server.openapi import OpenApi
            from corral.server.openapi.documents import Documents

            self._described = OpenApi(Documents(self._core.catalog, self._core.custom.schema), self._core.aggregation.documents)
        return self._described

    async def _version(self, request: Request) -> Response:
        return respond(request, version(), wanted("application/json"))

    async def _metrics(self, request: Request) -> Response:
        return Response(200, self.metrics.text(), CONTENT_TYPE)

    async def _jwks(self, request: Request) -> Response:
        if not accepts(request.headers.get("Accept", ""), JWKS):
            raise not_acceptable(JWKS)
        return Response(200, orjson.dumps(self._core.tokens.jwks()), JWKS, dict(CACHED))

    async def _openid(self, request: Request) -> Response:
        if not accepts(request.headers.get("Accept", ""), "application/json"):
            raise not_acceptable("application/json")
        document = self._core.tokens.discovery(f"{self._core.url}/openid/v1/jwks")
        return Response(200, orjson.dumps(document), headers=dict(CACHED))

    async def _index(self, request: Request) -> Response:
        catalog = self._core.catalog
        paths = {"/api", "/apis", "/apis/", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/", *self._pages}
        paths.discard("/")
        for resource in catalog:
            paths.add(resource.base_path)
            if resource.group:
                paths.add(f"/apis/{resource.group}")
        for group, of in self._core.backends.versions():
            paths |= {f"/apis/{group}", f"/apis/{group}/{of}"} if group else {f"/api/{of}"}
        paths.update(self.health.paths())
        return respond(request, {"paths": sorted(paths)}, wanted("application/json"))

    async def _discovery(self, request: Request) -> Response:
        catalog, backends = self._core.catalog, self._core.backends
        accept = request.headers.get("Accept", "")
        match request.path.strip("/").split("/"):
            case ["api" | "apis" as root]:
                want, aggregated = wanted_discovery(accept)
                if aggregated:
                    document = discovery.aggregated(
                        catalog, core=root == "api", backends=backends, others=self._core.aggregation.documents
                    )
                    return _aggregated(request, document, want)
                if root == "api":
                    address = f"{self._core.config.advertised}:{self._core.port}"
                    return self._shown(request, discovery.versions(catalog, address))
                return self._shown(request, discovery.group_list(catalog, backends))
            case ["api", of] if backends.serves("", of):
                return await self._core.aggregation.handle(request, "", of)
            case ["apis", name, of] if backends.serves(name, of):
                return await self._core.aggregation.handle(request, name, of)
            case ["api", name]:
                found = discovery.resource_list(catalog, "", name)
                if found is None:
                    raise no_such_resource()
                return self._shown(request, found)
            case ["apis", name]:
                found = discovery.group(catalog, name, backends)
            case ["apis", name, version]:
                found = discovery.resource_list(catalog, name, version)
                if found is None and discovery.group(catalog, name) is not None and self._core.is_builtin_group(name):
                    raise no_such_resource()
            case _:
                found = None
        if found is None:
            raise PageNotFoundError
        return self._shown(request, found)

    @staticmethod
    def _shown(request: Request, document: Object) -> Response:
        want = wanted(request.headers.get("Accept", ""), views=False) if _simple(request) else wanted("application/json")
        return respond(request, document, want)

    async def _store_answers(self) -> None:
        await self._core.store.revision()

    async def _cache_follows(self) -> None:
        if not self._core.cache.revision:
            raise RuntimeError("the watch cache is empty")


def _aggregated(request: Request, document: Object, want: Wanted) -> Response:
    """All groups, or 304 for a client that has this very document."""
    raw = body(request, document, want)
    tag = f'"{hashlib.sha512(raw).hexdigest().upper()}"'
    headers = {"ETag": tag, "Vary": "Accept", "Cache-Control": "public"}
    if tag in (given.strip() for given in request.headers.get("If-None-Match", "").split(",")):
        return Response(304, headers=headers)
    return Response(200, raw, want.content_type + discovery.AGGREGATED, headers)


async def _fine() -> None:
    pass


def _simple(request: Request) -> bool:
    return "as=" not in request.headers.get("Accept", "")
