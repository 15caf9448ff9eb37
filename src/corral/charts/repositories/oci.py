"""Charts in OCI registries: one manifest a version, whose config is Chart.yaml in JSON and whose layer is the archive.

https://helm.sh/docs/topics/registries/, https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from corral.charts import versions
from corral.charts.chart.errors import ChartError
from corral.charts.repositories.config import Repository
from corral.charts.repositories.web import MAX_BYTES, Answer, Web
from corral.client.connection import basic

SCHEME = "oci://"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_TAG_PAGES = 100
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
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


class Pulled(NamedTuple):
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

    def __init__(self, web: Web, host: str, login: tuple[str, str] | None, plain_http: bool) -> None:
        self._web = web
        name = host.rsplit(":", 1)[0]
        local = name in ("localhost", "127.0.0.1", "[::1]")
        self._base = f"{'http' if plain_http or local else 'https'}://{host}/v2/"
        self._host = host
        self._login = login
        self._token = ""

    def check(self) -> None:
        """Raise ChartError where the registry does not take the user and password."""
        answer = self._request("GET", self._base)
        if answer.status == 401:
            raise ChartError(f"login attempt to {self._base} failed with status: 401 Unauthorized", "check user and password")
        if answer.status >= 400:
            raise self._refused(answer)

    def tags(self, reference: Reference) -> list[str]:
        """The tags of a repository. They are versions with _ for +."""
        url = f"{self._base}{reference.path}/tags/list"
        found: list[str] = []
        for _ in range(MAX_TAG_PAGES):
            answer = self._request("GET", url)
            if answer.status != 200:
                raise self._refused(answer, str(reference))
            found += json.loads(answer.body).get("tags") or []
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                break
            url = urljoin(answer.url, following[1])
        return found

    def resolve(self, reference: Reference, version: str) -> Reference:
        """The reference with the newest tag that a version or range allows. Raises ChartError."""
        if reference.which or (version and versions.parse(version) and version in (self.tags(reference))):
            return reference if reference.which else reference._replace(tag=version.replace("+", "_"))
        known = [(v, tag) for tag in self.tags(reference) if (v := versions.parse(tag.replace("_", "+")))]
        for found, tag in sorted(known, key=lambda one: versions.order(one[0]), reverse=True):
            if versions.satisfies(found.shown(), version or "*"):
                return reference._replace(tag=tag)
        raise ChartError(
            f"Could not locate a version matching provided version string {version}", "see the registry for its tags"
        )

    def pull(self, reference: Reference) -> Pulled:
        """The chart of a reference that has a tag or digest. Raises ChartError; digests are checked."""
        url = f"{self._base}{reference.path}/manifests/{reference.which}"
        answer = self._request("GET", url, headers={"Accept": MANIFEST})
        if answer.status != 200:
            raise self._refused(answer, str(reference))
        digest = _digest(answer.body)
        if reference.digest and digest != reference.digest:
            raise ChartError(f"{reference}: the registry answers with another manifest, {digest}", "do not use it")
        layers = {layer["mediaType"]: layer["digest"] for layer in json.loads(answer.body).get("layers", ())}
        if LAYER not in layers:
            raise ChartError(f"manifest does not contain a layer with mediatype {LAYER}", f"is {reference} a chart?")
        chart = self._blob(reference, layers[LAYER])
        provenance = self._blob(reference, layers[PROVENANCE]) if PROVENANCE in layers else None
        return Pulled(reference, digest, chart, provenance)

    def _blob(self, reference: Reference, digest: str) -> bytes:
        url = f"{self._base}{reference.path}/blobs/{digest}"
        answer = self._request("GET", url, limit_bytes=MAX_BYTES)
        if answer.status != 200:
            raise self._refused(answer, str(reference))
        if _digest(answer.body) != digest:
            raise ChartError(f"{reference}: the content is not what its digest {digest} says", "do not use it")
        return answer.body

    def push(self, reference: Reference, chart: bytes, metadata: dict[str, Any], provenance: bytes | None = None) -> str:
        """Send a chart; the manifest's digest. Raises ChartError."""
        config = json.dumps(metadata, separators=(",", ":")).encode()
        parts = [(CONFIG, config), (LAYER, chart), *([(PROVENANCE, provenance)] if provenance else [])]
        for _, data in parts:
            self._upload(reference, data)
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
        answer = self._request("PUT", url, data=manifest, headers={"Content-Type": MANIFEST})
        if answer.status not in (201, 202):
            raise self._refused(answer, str(reference))
        return _digest(manifest)

    def _upload(self, reference: Reference, data: bytes) -> None:
        digest = _digest(data)
        if self._request("HEAD", f"{self._base}{reference.path}/blobs/{digest}").status == 200:
            return
        answer = self._request("POST", f"{self._base}{reference.path}/blobs/uploads/")
        if answer.status != 202 or "Location" not in answer.headers:
            raise self._refused(answer, str(reference))
        place = urljoin(answer.url, answer.headers["Location"])
        url = f"{place}{'&' if '?' in place else '?'}{urlencode({'digest': digest})}"
        answer = self._request("PUT", url, data=data, headers={"Content-Type": "application/octet-stream"})
        if answer.status != 201:
            raise self._refused(answer, str(reference))

    def _request(
        self,
        method: str,
        url: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit_bytes: int = MAX_MANIFEST_BYTES,
    ) -> Answer:
        """An answer; asked once more, with what the registry wants to know, where it asks who we are. Raises ChartError."""

        def headers_for(where: str) -> dict[str, str]:
            return {**(headers or {}), **self._authorization(where)}

        try:
            answer = self._web.ask(method, url, headers_for, data, limit_bytes=limit_bytes)
            if answer.status == 401 and self._answered(answer.headers.get("WWW-Authenticate", "")):
                answer = self._web.ask(method, url, headers_for, data, limit_bytes=limit_bytes)
        except OSError as error:
            raise ChartError(f"{self._base}: {error}", "is the registry up? --plain-http where it has no TLS") from None
        return answer

    def _authorization(self, url: str) -> dict[str, str]:
        if not self._token or _origin(url) != _origin(self._base):
            return {}
        return {"Authorization": self._token}

    def _answered(self, challenge: str) -> bool:
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
        query = urlencode({k: fields[k] for k in ("service", "scope") if k in fields})
        url = f"{fields['realm']}{'&' if '?' in fields['realm'] else '?'}{query}"
        login = {"Authorization": basic(*self._login)} if self._login else {}
        answer = self._web.ask(
            "GET", url, lambda where: login if _origin(where) == _origin(url) else {}, limit_bytes=MAX_MANIFEST_BYTES
        )
        if answer.status != 200:
            return False
        body = json.loads(answer.body)
        token = body.get("token") or body.get("access_token")
        self._token = f"Bearer {token}" if token else ""
        return bool(token)

    def _refused(self, answer: Answer, what: str = "") -> ChartError:
        try:
            errors = json.loads(answer.body).get("errors") or ()
            text = "; ".join(str(e.get("message") or e.get("code")) for e in errors)
        except (ValueError, AttributeError):
            text = ""
        remedy = {
            401: f"log in: corral chart registry login {self._host}",
            403: "ask for that right",
            404: "is the name right?",
        }
        return ChartError(f"{what or self._host}: {answer.status} {text or answer.reason}", remedy.get(answer.status, ""))


@contextmanager
def registry(host: str, access: Repository, login: tuple[str, str] | None, *, plain_http: bool = False) -> Iterator[Registry]:
    """A registry for as long as it is used."""
    with Web(access) as web:
        yield Registry(web, host, login, plain_http)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
