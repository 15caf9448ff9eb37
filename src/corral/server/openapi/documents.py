"""The OpenAPI documents: built when somebody asks, piece by piece, and kept compressed."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal

import orjson
from msgspec import Struct

from corral.api import facts
from corral.api.objects import Object
from corral.api.resources import Catalog, Resource
from corral.server.health import VERSION
from corral.server.openapi import custom, descriptions, gnostic
from corral.server.openapi.custom import Schemas
from corral.server.openapi.definitions import (
    DELETE_OPTIONS,
    WATCH_EVENT,
    Dialect,
    definition,
    full_name,
    reachable,
)
from corral.server.openapi.descriptions import Descriptions
from corral.server.openapi.dialects import path_item
from corral.server.openapi.operations import Path, camel, index_path, of_group_version, tag

_SECURITY: Object = {
    "BearerToken": {"description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"}
}
#: Every group version has these, each under its own group.
_IN_EVERY_GROUP = {DELETE_OPTIONS: "DeleteOptions", WATCH_EVENT: "WatchEvent"}
LEVEL = 6


class Document(Struct, frozen=True):
    """One document, gzipped, and what its content depends on, as a hash."""

    hash: str
    packed: bytes

    @classmethod
    def of(cls, hash_: str, body: bytes) -> "Document":
        """A document that is there already."""
        return cls(hash_, _packed((body,)))

    @property
    def body(self) -> bytes:
        """The document itself."""
        return zlib.decompress(self.packed, 16 + zlib.MAX_WBITS)


class Documents:
    """All documents of a catalog, which may change. Methods that build take tens of milliseconds: call them in a thread."""

    def __init__(self, catalog: Catalog, schemas: Schemas = lambda _: {}) -> None:
        self._catalog = catalog
        #: Of custom resources.
        self._custom = schemas
        self._kept: dict[str, Document] = {}
        #: What all documents depend on beside the catalog: this version, and whether there is prose.
        self._salt = f"{VERSION} {descriptions.source() is not None}".encode()

    def hashes(self) -> dict[str, str]:
        """The documents of version 3: `apis/apps/v1` → hash."""
        found = {name: self._hash(name, pages) for name, pages in self._pages().items()}
        for name, resources in self._by_version().items():
            found[name] = self._hash(name, self._content(resources))
        return dict(sorted(found.items()))

    def v3(self, name: str) -> Document | None:
        """The document of `apis/apps/v1` and the like; None where there is none."""
        resources = self._by_version().get(name)
        if resources is not None:
            hash_ = self._hash(name, self._content(resources))
            return self._built(f"v3 {name}", hash_, lambda: _v3(of_group_version(resources), resources, self._custom))
        pages = self._pages().get(name)
        if pages is None:
            return None
        return self._built(f"v3 {name}", self._hash(name, pages), lambda: _v3(pages, (), self._custom))

    def v2(self, others: Sequence[Object] = (), *, protobuf: bool = False) -> Document:
        """The document of everything, with `others`: documents (`paths`, `definitions`) of what is served elsewhere."""
        resources = list(self._catalog)
        paths = sorted(self._all_paths(), key=lambda path: path.path)
        if protobuf:
            made = lambda: iter((_v2_protobuf(paths, resources, self._custom, others),))  # noqa: E731
            return self._built("v2 protobuf", self.v2_hash(others), made)
        return self._built("v2", self.v2_hash(others), lambda: _v2(paths, resources, self._custom, others))

    def v2_hash(self, others: Sequence[Object] = ()) -> str:
        """The hash of the document of everything."""
        content = self._content(self._catalog)
        return self._hash("v2", [*content, *map(orjson.dumps, others)])

    def _content(self, resources: Iterable[Resource]) -> list[object]:
        """What documents about these depend on: of custom resources, the schema too."""
        return [(one, self._custom(one)) if one.storage_version else one for one in resources]

    def _all_paths(self) -> Iterator[Path]:
        for pages in self._pages().values():
            yield from pages
        for resources in self._by_version().values():
            yield from of_group_version(resources)

    def _by_version(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self._catalog:
            if resource.storage_version or facts.has_schema(resource.group, resource.version, resource.kind):
                found.setdefault(resource.base_path.removeprefix("/"), []).append(resource)
        return found

    def _pages(self) -> dict[str, list[Path]]:
        """The paths that are no group version."""
        found = {
            "api": [
                index_path(
                    "/api/", "getCoreAPIVersions", "core", "get available API versions", full_name("meta.v1.APIVersions")
                )
            ],
            "apis": [
                index_path("/apis/", "getAPIVersions", "apis", "get available API versions", full_name("meta.v1.APIGroupList"))
            ],
            "openid/v1/jwks": [
                index_path(
                    "/openid/v1/jwks/",
                    "getServiceAccountIssuerOpenIDKeyset",
                    "openid",
                    "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
                    "string",
                )
            ],
            ".well-known/openid-configuration": [
                index_path(
                    "/.well-known/openid-configuration/",
                    "getServiceAccountIssuerOpenIDConfiguration",
                    "WellKnown",
                    "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
                    "string",
                )
            ],
            "version": [
                index_path(
                    "/version/",
                    "getCodeVersion",
                    "version",
                    "get the version information for this server",
                    full_name("version.Info"),
                )
            ],
        }
        returns = full_name("meta.v1.APIGroup")
        for group in {resource.group for resource in self._catalog if resource.group}:
            id_ = f"get{camel(group)}APIGroup"
            found[f"apis/{group}"] = [index_path(f"/apis/{group}/", id_, tag(group), "get information of a group", returns)]
        return found

    def _hash(self, name: str, content: object) -> str:
        digest = hashlib.sha512(self._salt)
        digest.update(name.encode())
        digest.update(repr(content).encode())
        return digest.hexdigest().upper()

    def _built(self, key: str, hash_: str, build: Callable[[], Iterator[bytes]]) -> Document:
        kept = self._kept.get(key)
        if kept is None or kept.hash != hash_:
            kept = self._kept[key] = Document(hash_, _packed(build()))
        return kept


def _packed(chunks: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return b"".join((*(packer.compress(chunk) for chunk in chunks), packer.flush()))


def _roots(paths: Iterable[Path]) -> set[str]:
    """The definitions that the paths name."""
    found: set[str] = set()
    for path in paths:
        for operation in path.operations:
            found.update((operation.body, operation.returns))
    return found - {"", "string"}


def _kinds(resources: Iterable[Resource]) -> dict[str, list[Object]]:
    """definition → the kinds that it is, for those that are objects of their own."""
    found = {full_name(name): [_kind(*kind)] for kind, name in facts.kinds().items()}
    groups = {(resource.group, resource.version) for resource in resources}
    for name, kind in _IN_EVERY_GROUP.items():
        found[name] = [_kind(group, version, kind) for group, version in sorted({("", "v1"), *groups})]
    return found


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "kind": kind, "version": version}


def _members(items: Iterable[tuple[str, Object]]) -> Iterator[bytes]:
    """The inside of a JSON object."""
    comma = b""
    for name, item in items:
        yield comma + orjson.dumps(name) + b":" + orjson.dumps(item)
        comma = b","


def _schemas(
    paths: list[Path], resources: Iterable[Resource], schemas: Schemas, dialect: Dialect
) -> Iterator[tuple[str, Object]]:
    texts: Descriptions = descriptions.read()
    own = custom.definitions(resources, schemas, dialect)
    kinds = _kinds(resources)
    roots = _roots(paths) - own.keys() | set(custom.NEEDED if own else ())
    for name in sorted([*reachable(roots), *own]):
        yield name, own[name] if name in own else definition(name, dialect, texts, kinds.get(name, []))


def _v3(found: Iterable[Path], resources: Iterable[Resource], schemas: Schemas) -> Iterator[bytes]:
    paths = sorted(found, key=lambda path: path.path)
    # The reference does not put its version here; what depends on it shows in the hash.
    yield b'{"openapi":"3.0.0","info":{"title":"Kubernetes","version":"unversioned"},"paths":{'
    yield from _members((path.path, path_item(path, "v3")) for path in paths)
    yield b'},"components":{"schemas":{'
    yield from _members(_schemas(paths, resources, schemas, "v3"))
    yield b'},"securitySchemes":' + orjson.dumps(_SECURITY) + b"}}"


def _with_others(
    items: Iterable[tuple[str, Object]], others: Iterable[Object], part: Literal["paths", "definitions"]
) -> Iterator[tuple[str, Object]]:
    """Ours first; of two with one name (a type that both know) the first counts."""
    seen = set()
    for name, item in chain(items, *(other[part].items() for other in others)):
        if name not in seen:
            seen.add(name)
            yield name, item


def _v2(paths: list[Path], resources: list[Resource], schemas: Schemas, others: Sequence[Object]) -> Iterator[bytes]:
    yield b'{"swagger":"2.0","info":{"title":"Kubernetes","version":"' + VERSION.encode() + b'"},"paths":{'
    yield from _members(_with_others(((path.path, path_item(path, "v2")) for path in paths), others, "paths"))
    yield b'},"definitions":{'
    yield from _members(_with_others(_schemas(paths, resources, schemas, "v2"), others, "definitions"))
    yield b'},"securityDefinitions":' + orjson.dumps(_SECURITY) + b',"security":[{"BearerToken":[]}]}'


def _v2_protobuf(paths: list[Path], resources: list[Resource], schemas: Schemas, others: Sequence[Object]) -> bytes:
    return gnostic.document(
        "Kubernetes",
        VERSION,
        (
            gnostic.path(name, item)
            for name, item in _with_others(((path.path, path_item(path, "v2")) for path in paths), others, "paths")
        ),
        (
            gnostic.definition(name, schema)
            for name, schema in _with_others(_schemas(paths, resources, schemas, "v2"), others, "definitions")
        ),
    )
