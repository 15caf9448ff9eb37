"""What backends say of themselves: their discovery and OpenAPI documents, kept while they may be out of reach.

Discovery documents come with each check of availability; OpenAPI documents are asked for when a client asks for them.
"""

import hashlib
import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import orjson
from msgspec import Struct, field

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.aggregation.backends import Backend, Backends
from corral.server.aggregation.identity import AGGREGATOR
from corral.server.aggregation.proxy import Proxy, UnreachableError

log = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 10.0
MAX_RESOURCES = 2000
_REFERENCE = re.compile(r'"\$ref":"#/definitions/([^"]+)"')


class _Known(Struct):
    """Of one backend."""

    backend: Backend
    resources: list[Object] = field(default_factory=list)
    #: Where its OpenAPI 3 document is, and what tells that it is another now.
    v3_path: str = ""
    v3_hash: str = ""
    v3: tuple[str, bytes] = ("", b"")
    v2_hash: str = ""
    v2: Object = field(default_factory=dict)


class Documents:
    """The documents of all backends and of what is served here without storage."""

    def __init__(self, backends: Backends, proxy: Proxy) -> None:
        self._backends = backends
        self._proxy = proxy
        self._known: dict[str, _Known] = {}

    def forget(self, name: str) -> None:
        """The APIService of this name is gone."""
        self._known.pop(name, None)

    async def learned(self, backend: Backend, document: Object) -> None:
        """Take in a fresh discovery document, and see whether the OpenAPI documents are others now."""
        known = self._known.get(backend.name)
        if known is None or known.backend != backend:
            known = self._known[backend.name] = _Known(backend)
        resources = document.get("resources")
        known.resources = [one for one in resources if _is_resource(one)][:MAX_RESOURCES] if isinstance(resources, list) else []
        await self._look_for_v3(known)

    def resources(self, group: str, version: str) -> list[Object]:
        """The entries of an APIResourceList, as last heard of."""
        local = self._backends.local(group, version)
        if local is not None:
            found: list[Object] = local.resource_list()["resources"]
            return found
        known = self._of(group, version)
        return known.resources if known is not None else []

    def is_current(self, group: str, version: str) -> bool:
        """Whether its server answers, so that what is known of it is what it says now."""
        backend = self._backends.remote.get((group, version))
        return backend is None or self._backends.is_available(backend)

    def v3_hashes(self) -> dict[str, str]:
        """`apis/metrics.k8s.io/v1beta1` → hash, of those that have a document."""
        found = {}
        for local in self._backends.locals():
            found[f"apis/{local.group}/{local.version}"] = _hash(orjson.dumps(local.openapi()))
        for backend in self._backends.remote.values():
            known = self._of(backend.group, backend.version)
            if known is not None and known.v3_path:
                found[backend.base_path.strip("/")] = known.v3_hash
        return found

    async def v3(self, group: str, version: str) -> bytes | None:
        """The OpenAPI 3 document of a group version; None where it has none."""
        local = self._backends.local(group, version)
        if local is not None:
            return orjson.dumps(local.openapi())
        known = self._of(group, version)
        if known is None or not known.v3_path:
            return None
        if known.v3[0] != known.v3_hash:
            body = await self._fetch(known.backend, known.v3_path)
            if body is None:
                return known.v3[1] or None
            known.v3 = known.v3_hash, body
        return known.v3[1]

    async def v2(self) -> list[Object]:
        """The OpenAPI 2 documents of all, cut down to their own group versions (`paths`, `definitions`)."""
        found = [_as_v2(local.openapi()) for local in self._backends.locals()]
        for backend in list(self._backends.remote.values()):
            known = self._of(backend.group, backend.version)
            if known is None:
                continue
            if known.v2_hash != (known.v3_hash or "none"):
                body = await self._fetch(backend, "/openapi/v2")
                if body is not None:
                    known.v2, known.v2_hash = _cut(body, backend.base_path), known.v3_hash or "none"
            if known.v2:
                found.append(known.v2)
        return found

    def _of(self, group: str, version: str) -> _Known | None:
        backend = self._backends.remote.get((group, version))
        known = self._known.get(backend.name) if backend is not None else None
        return known if known is not None and known.backend == backend else None

    async def _look_for_v3(self, known: _Known) -> None:
        body = await self._fetch(known.backend, "/openapi/v3")
        paths = _object(body).get("paths")
        entry = paths.get(known.backend.base_path.strip("/")) if isinstance(paths, dict) else None
        where = entry.get("serverRelativeURL") if isinstance(entry, dict) else None
        if not isinstance(where, str) or not where.startswith("/openapi/v3/"):
            known.v3_path = known.v3_hash = ""
            return
        known.v3_path = where
        # A server that tells no hash is asked again after each check.
        known.v3_hash = _hash(where.encode() if "hash=" in urlsplit(where).query else body or b"")

    async def _fetch(self, backend: Backend, path: str) -> bytes | None:
        try:
            status, _, body = await self._proxy.fetch(backend, path, AGGREGATOR, FETCH_TIMEOUT_S, Accept="application/json")
        except (UnreachableError, ApiError) as error:
            log.debug("%s of %s: %s", path, backend.name, error)
            return None
        return body if status == 200 else None


def aggregated_entry(resources: Iterable[Object], group: str, version: str) -> list[Object]:
    """The entries of an APIResourceList as aggregated discovery (KEP-3352) shows them, subresources within their parents."""
    found: dict[str, Object] = {}
    for one in resources:
        name, _, subresource = one["name"].partition("/")
        kind = {
            "group": one.get("group") or group,
            "version": one.get("version") or version,
            "kind": one.get("kind", ""),
        }
        if subresource:
            shown = {"subresource": subresource, "responseKind": kind, "verbs": one.get("verbs", [])}
            parent = found.setdefault(name, {"resource": name, "scope": _scope(one), "verbs": []})
            parent.setdefault("subresources", []).append(shown)
            continue
        entry = {
            "resource": name,
            "responseKind": kind,
            "scope": _scope(one),
            "singularResource": one.get("singularName", ""),
            "verbs": one.get("verbs", []),
        }
        entry |= {key: one[key] for key in ("shortNames", "categories") if one.get(key)}
        found[name] = entry | {key: value for key, value in found.get(name, {}).items() if key == "subresources"}
    return list(found.values())


def _scope(entry: Object) -> str:
    return "Namespaced" if entry.get("namespaced") else "Cluster"


def _is_resource(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("verbs", []), list)


def _object(body: bytes | None) -> Object:
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _hash(content: bytes) -> str:
    return hashlib.sha512(content).hexdigest().upper()


def _cut(body: bytes, base_path: str) -> Object:
    """Of an OpenAPI 2 document, the paths below `base_path` and the definitions."""
    document = _object(body)
    paths, definitions = document.get("paths"), document.get("definitions")
    if not isinstance(paths, dict) or not isinstance(definitions, dict):
        return {}
    own = {path: item for path, item in paths.items() if path == base_path or path.startswith(base_path + "/")}
    return {"paths": own, "definitions": _reachable(own, definitions, base_path)}


def _reachable(paths: Object, definitions: Object, base_path: str) -> Object:
    """The definitions that the paths need, and those of the group version's own kinds."""
    _, _, *group, version = base_path.split("/")
    own = {"group": "".join(group), "version": version}
    wanted = _references(paths)
    for name, schema in definitions.items():
        kinds = schema.get("x-kubernetes-group-version-kind") if isinstance(schema, dict) else None
        if isinstance(kinds, list) and any(isinstance(kind, dict) and own.items() <= kind.items() for kind in kinds):
            wanted.add(name)
    found: Object = {}
    while wanted:
        name = wanted.pop()
        if name in definitions and name not in found:
            found[name] = definitions[name]
            wanted |= _references(definitions[name])
    return found


def _references(content: Object) -> set[str]:
    return set(_REFERENCE.findall(orjson.dumps(content).decode()))


def _as_v2(document: Object) -> Object:
    """Our own small version 3 documents as version 2: their schemas."""
    text = orjson.dumps(document["components"]["schemas"]).replace(b"#/components/schemas/", b"#/definitions/")
    return {"paths": {}, "definitions": orjson.loads(text)}
