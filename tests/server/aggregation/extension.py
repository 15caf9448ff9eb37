"""An extension server as people write them: HTTPS, and it believes the front proxy only."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from tests.server.conftest import until

from corral.server import pki
from corral.testing.server import RunningServer

GROUP, VERSION = "wardle.example.com", "v1alpha1"
ROOT = f"/apis/{GROUP}/{VERSION}"
SERVICE = "wardle.apps.svc"
ADDED = "io.example.wardle.v1alpha1.Flunder"
KIND = {
    "x-kubernetes-action": "list",
    "x-kubernetes-group-version-kind": {"group": GROUP, "version": VERSION, "kind": "Flunder"},
}
SCHEMA = {
    "type": "object",
    "description": "Flunder is a thing that flunds.",
    "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "Flunder"}],
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "spec": {"type": "object", "properties": {"reference": {"type": "string", "description": "What it is about."}}},
    },
}
RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/{VERSION}",
    "resources": [
        {
            "name": "flunders",
            "singularName": "flunder",
            "namespaced": True,
            "kind": "Flunder",
            "shortNames": ["fl"],
            "verbs": ["create", "delete", "deletecollection", "get", "list", "watch"],
        },
        {"name": "flunders/status", "singularName": "", "namespaced": True, "kind": "Flunder", "verbs": ["get"]},
    ],
}


@dataclass
class Seen:
    """One request, as the extension server saw it."""

    method: str
    path: str
    query: str
    user: str
    uid: str
    groups: list[str]
    extra: dict[str, list[str]]
    headers: dict[str, str]


@dataclass
class Extension:
    """Serves flunders from memory."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    flunders: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    watchers: list[asyncio.Queue[dict[str, Any]]] = field(default_factory=list)
    healthy: bool = True
    #: PEM of the authority of its certificate.
    ca: bytes = b""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peercert") if request.transport else None
        names = [value for part in (peer or {}).get("subject", ()) for key, value in part if key == "commonName"]
        if names != ["front-proxy-client"]:
            return web.Response(status=401, text="who are you?")
        if not self.healthy:
            return web.Response(status=500, text="not well")
        headers = request.headers
        extra: dict[str, list[str]] = {}
        for name, value in headers.items():
            if name.lower().startswith("x-remote-extra-"):
                extra.setdefault(name[15:].lower(), []).append(value)
        user, groups = headers.get("X-Remote-User", ""), headers.getall("X-Remote-Group", [])
        known = Seen(
            request.method,
            request.path,
            request.query_string,
            user,
            headers.get("X-Remote-Uid", ""),
            groups,
            extra,
            {name.lower(): value for name, value in headers.items()},
        )
        if user != "system:kube-aggregator":
            self.seen.append(known)
        return await self._route(request)

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.path.strip("/").split("/"):
            case ["apis", _, _]:
                return web.json_response(RESOURCES)
            case ["openapi", "v3"]:
                return web.json_response({"paths": {ROOT[1:]: {"serverRelativeURL": f"/openapi/v3{ROOT}?hash=ABC"}}})
            case ["openapi", "v3", *_]:
                paths = {f"{ROOT}/namespaces/{{namespace}}/flunders": {"get": _operation()}}
                return web.json_response({"openapi": "3.0.0", "paths": paths, "components": {"schemas": {ADDED: SCHEMA}}})
            case ["openapi", "v2"]:
                paths = {f"{ROOT}/namespaces/{{namespace}}/flunders": {"get": _operation()}}
                document = {"swagger": "2.0", "paths": paths, "definitions": {ADDED: SCHEMA, "other": {"type": "string"}}}
                return web.json_response(document)
            case ["apis", _, _, "namespaces", namespace, "flunders"]:
                return await self._collection(request, namespace)
            case ["apis", _, _, "flunders"]:
                return await self._collection(request, "")
            case ["apis", _, _, "namespaces", namespace, "flunders", name]:
                return self._object(request, namespace, name)
            case ["apis", _, _, "namespaces", _, "flunders", _, "elsewhere"]:
                return web.Response(status=302, headers={"Location": "https://elsewhere.example.com/"})
            case ["apis", _, _, "namespaces", _, "flunders", _, "half"]:
                response = web.StreamResponse()
                response.enable_chunked_encoding()
                await response.prepare(request)
                await response.write(b"half of it")
                assert request.transport is not None
                request.transport.abort()
                return response
            case ["apis", _, _, "namespaces", _, "flunders", _, "connect"]:
                return await _echo(request)
        return web.Response(status=404, text="no such page")

    async def _collection(self, request: web.BaseRequest, namespace: str) -> web.StreamResponse:
        found = [one for (of, _), one in sorted(self.flunders.items()) if not namespace or of == namespace]
        if request.method == "POST":
            return self._create(await request.json(), namespace)
        if request.method == "DELETE":
            for one in found:
                self.flunders.pop((one["metadata"]["namespace"], one["metadata"]["name"]))
            return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        if request.query.get("watch"):
            return await self._watch(request)
        listed = {"kind": "FlunderList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {"resourceVersion": "1"}}
        return web.json_response(listed | {"items": found}, headers=[("Warning", '299 - "one"'), ("Warning", '299 - "two"')])

    def _create(self, obj: dict[str, Any], namespace: str) -> web.Response:
        obj["metadata"] |= {"namespace": namespace, "resourceVersion": "1", "uid": "u"}
        self.flunders[namespace, obj["metadata"]["name"]] = obj
        for watcher in self.watchers:
            watcher.put_nowait(obj)
        return web.json_response(obj, status=201)

    def _object(self, request: web.BaseRequest, namespace: str, name: str) -> web.Response:
        found = self.flunders.get((namespace, name))
        if found is None:
            message = f'flunders "{name}" not found'
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
            return web.json_response(status | {"message": message}, status=404)
        if request.method == "DELETE":
            del self.flunders[namespace, name]
        return web.json_response(found)

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.watchers.append(events)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            while True:
                event = {"type": "ADDED", "object": await events.get()}
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self.watchers.remove(events)


def _operation() -> dict[str, Any]:
    schema = {"$ref": f"#/definitions/{ADDED}"}
    return {"responses": {"200": {"description": "OK", "schema": schema}}, "operationId": "listFlunder", **KIND}


async def _echo(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data[::-1])
    return socket


@asynccontextmanager
async def running_extension(server: RunningServer, folder: Path) -> AsyncIterator[Extension]:
    """Listens on loopback with a certificate of its own authority, and takes that of the front proxy."""
    keys = pki.Pki(server.api.config.pki_dir)
    own = pki.ensure(folder / "extension", server_hosts=(), now=datetime.now(UTC))
    issued = pki.issue_server(own, "wardle", [SERVICE])
    (folder / "tls.pem").write_bytes(issued.certificate + issued.key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys.front_proxy_ca_certificate))
    tls.load_cert_chain(folder / "tls.pem")
    tls.verify_mode = ssl.CERT_OPTIONAL
    this = Extension(ca=own.ca_certificate.read_bytes())
    web_server = web.Server(this.answer, handler_cancellation=True)
    listener = await asyncio.get_running_loop().create_server(web_server, "127.0.0.1", 0, ssl=tls)
    this.port = listener.sockets[0].getsockname()[1]
    try:
        yield this
    finally:
        listener.close()
        await web_server.shutdown(0.1)


async def register(server: RunningServer, extension: Extension, **spec: Any) -> None:
    """Have its group version served through the API server, and wait until it is available."""
    client = server.client()
    await client.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "apps"}})
    await client.create("services", service(extension.port))
    made = api_service(extension.port, extension.ca)
    made["spec"] |= spec
    await client.create("apiservices.apiregistration.k8s.io", made)
    await until(lambda: available(server)["status"] == "True")


def available(server: RunningServer) -> dict[str, Any]:
    """The condition of the APIService."""
    item = server.api.core.cache.collection("apiservices.apiregistration.k8s.io").get("", f"{VERSION}.{GROUP}")
    conditions = (item.object.get("status") or {}).get("conditions") or [{}] if item is not None else [{}]
    return {"status": "", "reason": "", "message": "", **conditions[0]}


def service(port: int) -> dict[str, Any]:
    """The Service of an extension server that runs beside the cluster."""
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
    return {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "wardle", "namespace": "apps"}, "spec": spec}


def api_service(port: int, ca: bytes | None) -> dict[str, Any]:
    """Leads its group version there; without `ca` any certificate will do."""
    spec: dict[str, Any] = {
        "group": GROUP,
        "version": VERSION,
        "groupPriorityMinimum": 2000,
        "versionPriority": 200,
        "service": {"name": "wardle", "namespace": "apps", "port": port},
    }
    if ca is None:
        spec["insecureSkipTLSVerify"] = True
    else:
        spec["caBundle"] = base64.b64encode(ca).decode()
    about = {"kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1"}
    return {**about, "metadata": {"name": f"{VERSION}.{GROUP}"}, "spec": spec}
