"""Charts in OCI registries: one manifest a version, whose config is Chart.yaml in JSON and whose layer is the archive.

https://helm.sh/docs/topics/registries/, https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from msgspec import Struct
from yarl import URL

from corral.charts import versions
from corral.charts.chart.errors import ChartError
from corral.charts.repositories.config import Repository
from corral.charts.repositories.http import CONNECT_TIMEOUT_S, MAX_BYTES, TIMEOUT_S, USER_AGENT, basic, bounded, tls

SCHEME = "oci://"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_TAG_PAGES = 100
_REFERENCE = re.compile(
    r"(?P<host>[^/]+)/(?P<path>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class Reference(NamedTuple):
    """`host/path:tag` or `host/path@digest`."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def which(self) -> str:
        """The digest, or the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


class Pulled(Struct, frozen=True):
    """What a pull brings."""

    reference: Reference
    digest: str
    chart: bytes
    provenance: bytes | None


def parse(text: str) -> Reference:
    """A reference, with or without oci://. Raises ChartError."""
    match = _REFERENCE.fullmatch(text.removeprefix(SCHEME).replace("+", "_"))
    if match is None:
        raise ChartError(f"invalid reference: {text}", "write it as oci://HOST/PATH/NAME")
    return Reference(match["host"], match["path"], match["tag"] or "", match["digest"] or "")


class Registry:
    """One registry, as one user."""

    def __init__(self, session: aiohttp.ClientSession, host: str, login: tuple[str, str] | None, plain_http: bool) -> None:
        self._session = session
        name = host.rsplit(":", 1)[0]
        local = name in ("localhost", "127.0.0.1", "[::1]")
        self._base = f"{'http' if plain_http or local else 'https'}://{host}/v2/"
        self._host = host
        self._login = login
        self._token = ""

    async def check(self) -> None:
        """Raise ChartError where the registry does not take the user and password."""
        async with self._request("GET", self._base) as answer:
            if answer.status == 401:
                raise ChartError(
                    f"login attempt to {self._base} failed with status: 401 Unauthorized", "check user and password"
                )
            if answer.status >= 400:
                raise self._refused(answer, await answer.read())

    async def tags(self, reference: Reference) -> list[str]:
        """The tags of a repository. They are versions with _ for +."""
        url: str | URL = f"{self._base}{reference.path}/tags/list"
        found: list[str] = []
        for _ in range(MAX_TAG_PAGES):
            async with self._request("GET", url) as answer:
                body = await bounded(answer, str(url), MAX_MANIFEST_BYTES)
                if answer.status != 200:
                    raise self._refused(answer, body, str(reference))
                found += json.loads(body).get("tags") or []
                following = answer.links.get("next")
            if following is None:
                break
            url = URL(self._base).join(URL(str(following["url"])))
        return found

    async def resolve(self, reference: Reference, version: str) -> Reference:
        """The reference with the newest tag that a version or range allows. Raises ChartError."""
        if reference.which or (version and versions.parse(version) and version in (await self.tags(reference))):
            return reference if reference.which else reference._replace(tag=version.replace("+", "_"))
        known = [(v, tag) for tag in await self.tags(reference) if (v := versions.parse(tag.replace("_", "+")))]
        for found, tag in sorted(known, key=lambda one: versions.order(one[0]), reverse=True):
            if versions.satisfies(found.shown(), version or "*"):
                return reference._replace(tag=tag)
        raise ChartError(
            f"Could not locate a version matching provided version string {version}", "see the registry for its tags"
        )

    async def pull(self, reference: Reference) -> Pulled:
        """The chart of a reference that has a tag or digest. Raises ChartError; digests are checked."""
        url = f"{self._base}{reference.path}/manifests/{reference.which}"
        async with self._request("GET", url, headers={"Accept": MANIFEST}) as answer:
            data = await bounded(answer, url, MAX_MANIFEST_BYTES)
            if answer.status != 200:
                raise self._refused(answer, data, str(reference))
        digest = _digest(data)
        if reference.digest and digest != reference.digest:
            raise ChartError(f"{reference}: the registry answers with another manifest, {digest}", "do not use it")
        layers = {layer["mediaType"]: layer["digest"] for layer in json.loads(data).get("layers", ())}
        if LAYER not in layers:
            raise ChartError(f"manifest does not contain a layer with mediatype {LAYER}", f"is {reference} a chart?")
        chart = await self._blob(reference, layers[LAYER])
        provenance = await self._blob(reference, layers[PROVENANCE]) if PROVENANCE in layers else None
        return Pulled(reference, digest, chart, provenance)

    async def _blob(self, reference: Reference, digest: str) -> bytes:
        url = f"{self._base}{reference.path}/blobs/{digest}"
        async with self._request("GET", url) as answer:
            data = await bounded(answer, url, MAX_BYTES)
            if answer.status != 200:
                raise self._refused(answer, data, str(reference))
        if _digest(data) != digest:
            raise ChartError(f"{reference}: the content is not what its digest {digest} says", "do not use it")
        return data

    async def push(self, reference: Reference, chart: bytes, metadata: dict[str, Any], provenance: bytes | None = None) -> str:
        """Send a chart; the manifest's digest. Raises ChartError."""
        config = json.dumps(metadata, separators=(",", ":")).encode()
        parts = [(CONFIG, config), (LAYER, chart), *([(PROVENANCE, provenance)] if provenance else [])]
        for _, data in parts:
            await self._upload(reference, data)
        described = [{"mediaType": kind, "digest": _digest(data), "size": len(data)} for kind, data in parts]
        annotations = {
            "org.opencontainers.image.title": metadata.get("name", ""),
            "org.opencontainers.image.version": metadata.get("version", ""),
            "org.opencontainers.image.description": metadata.get("description", ""),
        }
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described[0],
                "layers": described[1:],
                "annotations": {k: v for k, v in annotations.items() if v},
            },
            separators=(",", ":"),
        ).encode()
        url = f"{self._base}{reference.path}/manifests/{reference.which}"
        async with self._request("PUT", url, data=manifest, headers={"Content-Type": MANIFEST}) as answer:
            if answer.status not in (201, 202):
                raise self._refused(answer, await answer.read(), str(reference))
        return _digest(manifest)

    async def _upload(self, reference: Reference, data: bytes) -> None:
        digest = _digest(data)
        async with self._request("HEAD", f"{self._base}{reference.path}/blobs/{digest}") as answer:
            if answer.status == 200:
                return
        async with self._request("POST", f"{self._base}{reference.path}/blobs/uploads/") as answer:
            if answer.status != 202 or "Location" not in answer.headers:
                raise self._refused(answer, await answer.read(), str(reference))
            place = URL(self._base).join(URL(answer.headers["Location"]))
        headers = {"Content-Type": "application/octet-stream"}
        async with self._request("PUT", place.update_query(digest=digest), data=data, headers=headers) as answer:
            if answer.status != 201:
                raise self._refused(answer, await answer.read(), str(reference))

    @asynccontextmanager
    async def _request(
        self, method: str, url: str | URL, *, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A request; once more, with what the registry asks for, where it wants to know who asks."""
        try:
            for attempt in range(2):
                sent = {**(headers or {}), **self._authorization(url)}
                async with self._session.request(method, url, data=data, headers=sent) as answer:
                    if (
                        answer.status == 401
                        and attempt == 0
                        and await self._answered(answer.headers.get("WWW-Authenticate", ""))
                    ):
                        continue
                    yield answer
                    return
        except aiohttp.ClientError as error:
            raise ChartError(f"{self._base}: {error}", "is the registry up? --plain-http where it has no TLS") from None
        except TimeoutError:
            raise ChartError(f"{self._base}: no answer in time", "is the registry up?") from None

    def _authorization(self, url: str | URL) -> dict[str, str]:
        if not self._token or URL(url).origin() != URL(self._base).origin():
            return {}
        return {"Authorization": self._token}

    async def _answered(self, challenge: str) -> bool:
        """Get what a challenge asks for; whether that is worth another try."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._login:
            self._token = basic(*self._login)
            return True
        if scheme.lower() != "bearer":
            return False
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if "realm" not in fields:
            return False
        query = {k: fields[k] for k in ("service", "scope") if k in fields}
        headers = {"Authorization": basic(*self._login)} if self._login else {}
        async with self._session.get(fields["realm"], params=query, headers=headers) as answer:
            if answer.status != 200:
                return False
            body = json.loads(await bounded(answer, fields["realm"], MAX_MANIFEST_BYTES))
        token = body.get("token") or body.get("access_token")
        self._token = f"Bearer {token}" if token else ""
        return bool(token)

    def _refused(self, answer: aiohttp.ClientResponse, body: bytes, what: str = "") -> ChartError:
        try:
            errors = json.loads(body).get("errors") or ()
            text = "; ".join(str(e.get("message") or e.get("code")) for e in errors)
        except (ValueError, AttributeError):
            text = ""
        remedy = {
            401: f"log in: corral chart registry login {self._host}",
            403: "ask for that right",
            404: "is the name right?",
        }
        return ChartError(f"{what or self._host}: {answer.status} {text or answer.reason}", remedy.get(answer.status, ""))


@asynccontextmanager
async def registry(
    host: str, access: Repository, login: tuple[str, str] | None, *, plain_http: bool = False
) -> AsyncIterator[Registry]:
    """A registry for as long as it is used."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    connector = aiohttp.TCPConnector(ssl=tls(access))
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers={"User-Agent": USER_AGENT}) as session:
        yield Registry(session, host, login, plain_http)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
