"""A webhook on the loopback: HTTPS with a certificate of its own, answered by a function.

    async with running_webhook(tmp_path, answer) as hook:
        configuration = {"clientConfig": hook.client_config("/mutate"), ...}

`answer` gets the path and the JSON that was posted, and gives the JSON to answer with (or an aiohttp response); it may be a
coroutine function.
`reviews` notes what was asked.
"""

import base64
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from corral.api.objects import Object
from corral.base.tls import server_tls
from corral.server import pki

Answer = Callable[[str, Object], Any | Awaitable[Any]]


@dataclass
class Webhook:
    """A webhook that runs. `ca` is the PEM of the authority behind its certificate."""

    host: str
    port: int
    ca: bytes
    #: The path and the review of every call, in their order.
    reviews: list[tuple[str, Object]] = field(default_factory=list)
    #: How many connections were opened.
    connections: int = 0

    def client_config(self, path: str = "/") -> Object:
        """A `clientConfig` that leads here by URL."""
        return {"url": f"https://{self.host}:{self.port}{path}", "caBundle": base64.b64encode(self.ca).decode()}

    def service_config(self, namespace: str, name: str, path: str = "/", port: int = 443) -> Object:
        """A `clientConfig` that leads to a Service."""
        service = {"namespace": namespace, "name": name, "path": path, "port": port}
        return {"service": service, "caBundle": base64.b64encode(self.ca).decode()}


@asynccontextmanager
async def running_webhook(
    directory: Path, answer: Answer, *, hosts: Sequence[str] = ("127.0.0.1",), host: str = "127.0.0.1"
) -> AsyncIterator[Webhook]:
    """Serve `answer` on a free port of `host`; the certificate, kept in `directory`, is for `hosts`."""
    keys = pki.ensure(directory, server_hosts=hosts, now=datetime.now(UTC))
    hook = Webhook(host, 0, keys.ca_certificate.read_bytes())
    peers: set[object] = set()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        review = orjson.loads(await request.read())
        if request.transport not in peers:
            peers.add(request.transport)
            hook.connections += 1
        hook.reviews.append((request.path, review))
        made = answer(request.path, review)
        if inspect.isawaitable(made):
            made = await made
        return made if isinstance(made, web.StreamResponse) else web.Response(body=orjson.dumps(made))

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=server_tls(keys.server_certificate, keys.server_key, keys.ca_certificate))
    await site.start()
    hook.port = runner.addresses[0][1]
    try:
        yield hook
    finally:
        await runner.cleanup()


def allow(review: Object, patch: Sequence[Object] = (), **more: Any) -> Object:
    """The AdmissionReview that allows what was asked, with a JSON patch; `more` are fields of the response."""
    response: Object = {"uid": review["request"]["uid"], "allowed": True, **more}
    if patch:
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(orjson.dumps(patch)).decode()}
    return {"kind": "AdmissionReview", "apiVersion": review["apiVersion"], "response": response}


def deny(review: Object, message: str = "", **status: Any) -> Object:
    """The AdmissionReview that refuses; `status` are more fields of the Status."""
    shown = {**({"message": message} if message else {}), **status}
    response: Object = {"uid": review["request"]["uid"], "allowed": False}
    if shown:
        response["status"] = shown
    return {"kind": "AdmissionReview", "apiVersion": review["apiVersion"], "response": response}


def converted(review: Object, convert: Callable[[Object, str], Object]) -> Object:
    """The ConversionReview with each object as `convert` (object, apiVersion) makes it."""
    request = review["request"]
    objects = [convert(obj, request["desiredAPIVersion"]) for obj in request["objects"]]
    response = {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": objects}
    return {"kind": "ConversionReview", "apiVersion": review["apiVersion"], "response": response}
