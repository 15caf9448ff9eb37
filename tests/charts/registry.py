"""A registry of our own on the loopback: the OCI distribution API, to push to and pull from, with passwords or tokens.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import base64
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "jo", "secret"
_PROOF = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Store:
    """What was pushed. `auth` is "", basic or token."""

    def __init__(self, auth: str) -> None:
        self.auth = auth
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.address = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def allowed(self):
        given = self.headers.get("Authorization", "")
        if not self.store.auth or (self.store.auth == "basic" and given == f"Basic {_PROOF}") or given == "Bearer good":
            return True
        challenge = (
            'Basic realm="test"'
            if self.store.auth == "basic"
            else f'Bearer realm="http://{self.store.address}/token",service="test"'
        )
        self.answer(
            401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', WWW_Authenticate=challenge
        )
        return False

    def handle_one(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path == "/token":
            good = self.headers.get("Authorization") == f"Basic {_PROOF}"
            return self.answer(200 if good else 401, b'{"token":"good"}' if good else b"{}")
        if not self.allowed():
            return None
        if url.path.rstrip("/") == "/v2":
            return self.answer(200, b"{}")
        if match := re.fullmatch(r"/v2/(.+)/tags/list", url.path):
            tags = sorted(tag for name, tag in self.store.manifests if name == match[1] and not tag.startswith("sha256:"))
            return self.answer(200, json.dumps({"name": match[1], "tags": tags}).encode())
        if match := re.fullmatch(r"/v2/(.+)/manifests/(.+)", url.path):
            return self.manifest(match[1], match[2], body)
        return self.blob(url, body)

    def manifest(self, name, reference, body):
        if self.command == "PUT":
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            kind = self.headers["Content-Type"]
            self.store.manifests[name, reference] = self.store.manifests[name, digest] = (kind, body)
            return self.answer(201, Docker_Content_Digest=digest)
        found = self.store.manifests.get((name, reference))
        if found is None:
            return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        digest = f"sha256:{hashlib.sha256(found[1]).hexdigest()}"
        return self.answer(200, found[1], Content_Type=found[0], Docker_Content_Digest=digest)

    def blob(self, url, body):
        if self.command == "POST":
            return self.answer(202, Location=f"{url.path}{uuid.uuid4()}")
        if self.command == "PUT":
            digest = parse_qs(url.query)["digest"][0]
            if digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
                return self.answer(400)
            self.store.blobs[digest] = body
            return self.answer(201, Docker_Content_Digest=digest)
        digest = url.path.rsplit("/", 1)[-1]
        content = self.store.blobs.get(digest)
        return self.answer(404) if content is None else self.answer(200, content, Docker_Content_Digest=digest)

    do_GET = do_HEAD = do_POST = do_PUT = handle_one  # noqa: N815


@contextmanager
def registry(auth: str = "") -> Iterator[Store]:
    """A registry for as long as it is used."""
    store = Store(auth)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": store}))
    store.address = f"localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
