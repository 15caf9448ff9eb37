"""An image registry of our own on the loopback: the reading half of the OCI distribution API.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md. What is below `open/` anybody may pull; `basic/` asks for
a name and a password at once, `token/` sends for a token first, as public registries do
(https://distribution.github.io/distribution/spec/auth/token/).
"""

import base64
import hashlib
import io
import json
import re
import secrets
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from corral.node.hostinfo import architecture
from corral.node.oci import image_archive, layer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REALM = "test"
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<what>manifests|blobs)/(?P<reference>[^/]+)")


class Registry:
    """Its images, who may pull the guarded ones, and which manifests were asked for (`name:tag` or `name@digest`)."""

    def __init__(self, user: str, password: str) -> None:
        self.user, self.password = user, password
        self.asked: list[str] = []
        self.address = ""
        self._blobs: dict[str, bytes] = {}
        self._tags: dict[tuple[str, str], str] = {}
        self._tokens: dict[str, str] = {}

    def put(self, name: str, tag: str, version: str) -> str:
        """Serve an image that runs for ever and has `version` in /etc/version; its full name with the digest."""
        shell = layer(
            {"bin/busybox": (Path("/usr/bin/busybox").read_bytes(), 0o755), "etc/version": (version.encode(), 0o644)},
            {f"bin/{applet}": "busybox" for applet in ("sh", "cat", "sleep")},
        )
        config = {"Entrypoint": ["/bin/sh", "-c", "cat /etc/version; echo; sleep 3600"], "Env": ["PATH=/bin"]}
        with tarfile.open(fileobj=io.BytesIO(image_archive(name, architecture(), shell, config))) as archive:
            contents = [reader.read() for member in archive if (reader := archive.extractfile(member)) is not None]
        self._blobs |= {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in contents}
        index = next(json.loads(c) for c in contents if c.startswith(b"{") and b'"manifests"' in c)
        digest: str = index["manifests"][0]["digest"]
        self._tags[name, tag] = digest
        return f"{self.address}/{name}@{digest}"

    def find(self, name: str, what: str, reference: str) -> tuple[str, bytes] | None:
        """Digest and content of a manifest or blob."""
        digest = self._tags.get((name, reference), reference)
        if what == "manifests":
            self.asked.append(f"{name}{'@' if ':' in reference else ':'}{reference}")
        content = self._blobs.get(digest)
        return None if content is None else (digest, content)

    def challenge(self, name: str, authorization: str) -> str | None:
        """How to ask again where this way to ask is not enough; None where it is."""
        kind, _, proof = authorization.partition(" ")
        if name.startswith("basic/") and not (kind == "Basic" and self.knows(proof)):
            return f'Basic realm="{REALM}"'
        if name.startswith("token/") and not (kind == "Bearer" and self._tokens.get(proof) == f"repository:{name}:pull"):
            return f'Bearer realm="http://{self.address}/token",service="{REALM}",scope="repository:{name}:pull"'
        return None

    def token(self, scope: str) -> str:
        """A new token for one scope."""
        made = secrets.token_urlsafe(8)
        self._tokens[made] = scope
        return made

    def knows(self, proof: str) -> bool:
        """Whether this is the user's name and password in base64."""
        return proof == base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@contextmanager
def running_registry(user: str, password: str) -> Iterator[Registry]:
    """A registry that serves on a free port of 127.0.0.1."""
    registry = Registry(user, password)

    class Handler(_Handler):
        of = registry

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, name="registry")
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: Registry
    #: containerd 2 tries TLS first even on loopback, and goes on without only where the refusal is HTTP with a status line.
    default_request_version = "HTTP/1.0"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        authorization = self.headers.get("Authorization", "")
        if url.path == "/token":
            self._token(parse_qs(url.query).get("scope", [""])[0], authorization)
        elif (asked := _PATH.fullmatch(url.path)) is None:
            self._error(404, "UNSUPPORTED")
        elif (challenge := self.of.challenge(asked["name"], authorization)) is not None:
            self._error(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})
        elif (found := self.of.find(asked["name"], asked["what"], asked["reference"])) is None:
            self._error(404, "MANIFEST_UNKNOWN" if asked["what"] == "manifests" else "BLOB_UNKNOWN")
        else:
            digest, content = found
            kind = MANIFEST if asked["what"] == "manifests" else "application/octet-stream"
            self._answer(200, content, {"Content-Type": kind, "Docker-Content-Digest": digest})

    do_HEAD = do_GET  # noqa: N815 (http.server's name)

    def do_POST(self) -> None:
        self._error(405, "UNSUPPORTED")

    def _token(self, scope: str, authorization: str) -> None:
        kind, _, proof = authorization.partition(" ")
        if kind == "Basic" and self.of.knows(proof):
            self._answer(200, json.dumps({"token": self.of.token(scope)}).encode(), {"Content-Type": "application/json"})
        else:
            self._error(401, "UNAUTHORIZED", {"WWW-Authenticate": f'Basic realm="{REALM}"'})

    def _error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
        self._answer(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what matters is in `Registry.asked`."""
