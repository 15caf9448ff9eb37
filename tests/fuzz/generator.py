"""Requests, random and bent: whatever a client, a broken one or a hostile one might send. The same seed, the same requests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.fuzz.seeds import SEEDS

from corral.api.resources import Catalog

Object = dict[str, Any]

NAMESPACE = "fuzz"
NAMES = ("a", "b", "gizmos.fuzz.example.com", "10.7.0.9", "x" * 253, "Not_Valid!", "%2e%2e", "..", "ü", "kubernetes")
TEXTS = (
    "",
    " ",
    "a",
    "-",
    "A" * 70,
    "x" * 3000,
    "Not_Valid!",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "9" * 40,
    "100Mi",
    "1.5Gi",
    "-5m",
    "50%",
    "10.0.0.1",
    "::1",
    "10.0.0.0/33",
    "2026-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "2026-01-01T00:00:00.1+99:99",
    "\u0000",
    "\ud7ff\ue000",
    "\U0001f980",
    "a/b/c",
    "a.b.c/d",
    "../../etc/passwd",
    "${x}",
    "$(A)",
    "{{.}}",
    "self.a",
    "object.metadata.name == ''",
    "'" * 5,
    '"',
    "\\",
    "\n",
    "a\nb: c",
    "*",
    "?",
    "[",
    "(",
    "(a+)+$",
    "*/0 * * * *",
    "@every 1s",
    "TZ=Mars * * * * *",
    "Always",
    "Never",
    "kubernetes.io/x",
    "system:masters",
    "default",
    "v1",
    "apps/v1",
    "metadata.name",
    "spec.containers[0]",
    "k8s:x",
    "🦀=🦀",
    "a=b,c!=d",
)
NUMBERS = (
    0,
    -1,
    1,
    2,
    80,
    65535,
    65536,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64,
    10**30,
    0.5,
    -0.0,
    1e300,
)
VALUES = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"$patch": "delete"},
    {"$retainKeys": ["a"]},
    {"a": {"b": {"c": []}}},
)
FIELDS = (
    "bogus",
    "",
    "metadata",
    "spec",
    "status",
    "kind",
    "apiVersion",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$deleteFromPrimitiveList/finalizers",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "generateName",
    "resourceVersion",
    "uid",
    "deletionTimestamp",
    "annotations",
    "labels",
    "a.b/c",
    "~",
    "/",
    "\u0000",
)
MEDIA = (
    "application/json",
    "application/yaml",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "application/cbor",
    "text/plain",
    "",
)
ACCEPTS = (
    "application/json",
    "",
    "*/*",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "text/html",
    ";;;,,q=x",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/json;as=Table;v=v9;g=x",
    "application/json;q=0.1,application/yaml",
)
QUERY = {
    "dryRun": ("All", "None", "", "all"),
    "fieldManager": ("m", "", "x" * 200, "\n"),
    "fieldValidation": ("Strict", "Warn", "Ignore", "x"),
    "force": ("true", "x"),
    "limit": ("1", "0", "-1", "x", "9" * 30),
    "continue": ("x", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0", "e30", "AA=="),
    "resourceVersion": ("0", "1", "x", "-1", "9" * 30),
    "resourceVersionMatch": ("Exact", "NotOlderThan", "x"),
    "labelSelector": ("a=b", "a in (b,c)", "!a", "a", "a=b=c", "a>1", ",", "x" * 1000, "a in (", "\u0000"),
    "fieldSelector": ("metadata.name=a", "spec.nodeName!=x", "a", "=", "metadata.name=a,metadata.name=b", "\\"),
    "gracePeriodSeconds": ("0", "-1", "x", "9" * 30),
    "propagationPolicy": ("Orphan", "Foreground", "Background", "x"),
    "orphanDependents": ("true", "x"),
    "pretty": ("true", "x"),
    "timeoutSeconds": ("0", "1", "x"),
    "includeObject": ("Object", "None", "x"),
    "hash": ("x",),
    "verbose": ("",),
}
PAGES = (
    "/",
    "/api",
    "/apis",
    "/api/v1",
    "/apis/apps",
    "/apis/apps/v1",
    "/apis/none/v1",
    "/version",
    "/version/",
    "/healthz",
    "/readyz",
    "/livez/etcd",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/api/v1",
    "/openapi/v3/apis/none/v1",
    "/metrics",
    "/openid/v1/jwks",
    "/.well-known/openid-configuration",
    "//",
    "/api/",
    "/apis//",
    "/api/v1/namespaces//pods",
    "/../etc/passwd",
    "/api/v1/watch",
    "/logs",
    "/debug/pprof",
    "/\u0000",
    "/" + "a/" * 500,
)
SUBRESOURCES = (
    "status",
    "scale",
    "eviction",
    "binding",
    "token",
    "ephemeralcontainers",
    "approval",
    "finalize",
    "resize",
    "log",
    "bogus",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Generator:
    """Makes requests for ever."""

    def __init__(self, seed: int, catalog: Catalog) -> None:
        self._random = Random(seed)
        self._catalog = catalog
        self._kinds = [(version, kind) for version, kinds in SEEDS.items() for kind in kinds]

    def __iter__(self) -> Iterator[Sent]:
        while True:
            yield self.next()

    def next(self) -> Sent:
        """One request: mostly an object that is nearly right, at a path that is nearly right."""
        random = self._random
        if random.random() < 0.02:
            return Sent(self._pick(METHODS), self._pick(PAGES), self._query(), self._headers(), self._noise())
        version, kind = self._pick(self._kinds)
        resource = self._catalog.of_kind(version, kind)
        if resource is None:
            return Sent("GET", f"/apis/{version}")
        body = self._object(version, kind)
        name = body["metadata"].get("name") if random.random() < 0.8 else self._pick(NAMES)
        path = resource.path(NAMESPACE if resource.namespaced else "")
        chance = random.random()
        if chance < 0.35:
            return self._write("POST", path, self._bend_some(body))
        path = f"{path}/{name}"
        if random.random() < 0.2:
            path += "/" + self._pick(
                [name for name, *_ in resource.subresources] or SUBRESOURCES if random.random() < 0.8 else SUBRESOURCES
            )
        if chance < 0.5:
            return self._write("PUT", path, self._bend_some(body))
        if chance < 0.75:
            return self._patch(path, body)
        if chance < 0.85:
            return Sent("GET", path if random.random() < 0.5 else path.rsplit("/", 1)[0], self._query(), self._headers())
        if chance < 0.98:
            return Sent(
                "DELETE",
                path,
                self._query(0.3),
                self._headers(),
                self._text({"propagationPolicy": "Background"}) if random.random() < 0.2 else b"",
            )
        return self._write(
            "DELETE",
            path,
            self._bend_some({"gracePeriodSeconds": 0, "preconditions": {"uid": "x"}, "propagationPolicy": "Orphan"}),
        )

    # Parts

    def _pick(self, what: Any) -> Any:
        return self._random.choice(what)

    def _object(self, version: str, kind: str) -> Object:
        body: Object = json.loads(json.dumps(SEEDS[version][kind]))
        meta = {"name": self._pick("abcdef"), "labels": {"a": "b"}, "annotations": {"c": "d"}}
        return {"apiVersion": version, "kind": kind, **body, "metadata": {**meta, **body.get("metadata", {})}}

    def _bend_some(self, value: Any) -> Any:
        for _ in range(self._pick((0, 1, 1, 1, 2, 3, 8))):
            value = self._bend(value)
        return value

    def _bend(self, value: Any) -> Any:
        """`value` with something changed somewhere."""
        random = self._random
        if isinstance(value, dict) and value and random.random() < 0.85:
            key = random.choice(list(value))
            chance = random.random()
            if chance < 0.08:
                return {k: v for k, v in value.items() if k != key}
            if chance < 0.16:
                return {**value, self._pick(FIELDS): self._any()}
            return {**value, key: self._bend(value[key])}
        if isinstance(value, list) and value and random.random() < 0.85:
            at = random.randrange(len(value))
            chance = random.random()
            if chance < 0.1:
                return value[:at] + value[at + 1 :]
            if chance < 0.2:
                return value + value
            return [*value[:at], self._bend(value[at]), *value[at + 1 :]]
        return self._any()

    def _any(self) -> Any:
        chance = self._random.random()
        if chance < 0.5:
            return self._pick(TEXTS)
        return self._pick(NUMBERS) if chance < 0.8 else self._pick(VALUES)

    def _query(self, share: float = 0.5) -> dict[str, str]:
        query = {}
        while self._random.random() < share:
            name = self._pick(list(QUERY))
            query[name] = self._pick(QUERY[name]) if self._random.random() < 0.9 else self._pick(TEXTS)
        return query

    def _headers(self, media: str = "application/json") -> dict[str, str]:
        media = media if self._random.random() < 0.97 else self._pick(MEDIA)
        accept = "application/json" if self._random.random() < 0.7 else self._pick(ACCEPTS)
        return {"Content-Type": media, "Accept": accept, "User-Agent": self._pick(("fuzz/1", "", "x" * 200))}

    def _write(self, method: str, path: str, body: Any) -> Sent:
        return Sent(method, path, self._query(0.2), self._headers(), self._text(body))

    def _patch(self, path: str, body: Object) -> Sent:
        chance = self._random.random()
        query = self._query(0.2)
        if chance < 0.3:
            operations = [
                {
                    "op": self._pick(("add", "remove", "replace", "move", "copy", "test", "x")),
                    "path": self._pointer(body),
                    "from": self._pointer(body),
                    "value": self._any(),
                }
                for _ in range(self._pick((1, 1, 2, 5)))
            ]
            return Sent("PATCH", path, query, self._headers("application/json-patch+json"), self._text(operations))
        if chance < 0.6:
            query.setdefault("fieldManager", self._pick(("one", "two")))
            return Sent("PATCH", path, query, self._headers("application/apply-patch+yaml"), self._text(self._bend_some(body)))
        media = "application/merge-patch+json" if chance < 0.8 else "application/strategic-merge-patch+json"
        return Sent("PATCH", path, query, self._headers(media), self._text(self._bend_some(body)))

    def _pointer(self, value: Any) -> str:
        path = ""
        while isinstance(value, dict | list) and value and self._random.random() < 0.8:
            key = self._random.choice(list(value)) if isinstance(value, dict) else self._random.randrange(len(value))
            path += "/" + str(key).replace("~", "~0").replace("/", "~1")
            value = value[key]
        return (
            path if self._random.random() < 0.95 else self._pick(("", "/", "/-", "/~", "x", "/spec/-/a", "/metadata/labels/~2"))
        )

    def _text(self, value: Any) -> bytes:
        text = json.dumps(value, ensure_ascii=self._random.random() < 0.5).encode(errors="surrogatepass")
        if self._random.random() < 0.05:
            return self._torn(text)
        if self._random.random() < 0.02:
            text = b"k8s\x00" + text
        return text

    def _torn(self, text: bytes) -> bytes:
        at, length = self._random.randrange(len(text) + 1), self._random.randrange(20)
        middle = bytes(self._random.randrange(256) for _ in range(self._random.randrange(6)))
        return text[:at] + middle + text[at + length :]

    def _noise(self) -> bytes:
        return self._pick(
            (
                b"",
                b"{}",
                b"[" * 100000,
                b'{"a":' * 5000,
                b"\xff\xfe",
                b"k8s\x00\x0a",
                b"- " * 1000,
                b"&a [*a]",
                b"a: &a [b]\nc: *a",
            )
        )
