"""`proxy` of pods, services and nodes: plain HTTP through the API server.

See https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls.
"""

import asyncio
import random
import socket
import ssl
from urllib.parse import quote, urlencode

from corral.api.errors import bad_request, not_found, unavailable
from corral.api.objects import Object
from corral.base.addresses import bracketed
from corral.server.core import Core
from corral.server.lookup import CacheLookup
from corral.server.request import Admission, Request, Response
from corral.server.services import endpoints, is_proxyable, slices_of

SCHEMES = ("", "http", "https")


async def handle(core: Core, request: Request) -> Response:
    """Forward the request. Raises ApiError (400, 403, 404, 503)."""
    resource = request.resource
    assert resource is not None
    scheme, name, port = _split(resource.kind.lower(), request.name)
    # A slash at the end is part of what the far side is asked for.
    subpath = request.subpath + ("/" if request.subpath and request.path.endswith("/") else "")
    asked = {"kind": f"{resource.kind}ProxyOptions", "apiVersion": "v1", "path": f"/{request.subpath}"}
    await core.admission.judge(Admission(request, resource, "CONNECT", asked, None, "proxy"))
    tls: ssl.SSLContext | None = None
    if resource.plural == "nodes":
        root, tls = await _node_root(core, name, scheme, port)
    elif resource.plural == "pods":
        root = _pod_root(core, request.namespace, name, scheme, port)
    else:
        root = _service_root(core, request.namespace, name, scheme, port)
    prefix = resource.path(request.namespace, request.name, "proxy")
    url = f"{root}/{quote(subpath, safe='/~:@!$&()*+,;=')}"
    pairs = getattr(request.query, "pairs", None) or list(request.query.items())
    asked_for = f"?{urlencode(pairs)}" if pairs else ""
    if _is_bare(request):
        return Response(301, headers={"Location": f"{request.path}/{asked_for}"})
    url += asked_for
    return Response(upgrade=lambda raw: core.relay.proxy(raw, url, tls, body=request.body, prefix=prefix))


def _is_bare(request: Request) -> bool:
    """Whether a page is wanted by a path without a slash at its end: links of the page would then lead past the proxy."""
    if request.subpath or request.path.endswith("/") or request.method not in ("GET", "HEAD"):
        return False
    return "upgrade" not in request.headers.get("Connection", "").lower()


def _split(kind: str, asked: str) -> tuple[str, str, str]:
    """`[SCHEME:]NAME[:PORT]` in its parts."""
    match asked.split(":"):
        case [name] if name:
            return "", name, ""
        case [name, port] if name:
            return "", name, port
        case [scheme, name, port] if name and scheme in SCHEMES:
            return scheme, name, port
    raise bad_request(f'invalid {kind} request "{asked}"')


def _url(scheme: str, host: str, port: str | int) -> str:
    host = bracketed(host)
    return f"{scheme or 'http'}://{host}:{port}" if port else f"{scheme or 'http'}://{host}"


async def _node_root(core: Core, name: str, scheme: str, port: str) -> tuple[str, ssl.SSLContext | None]:
    """The node's agent, whose certificate is looked at; or whatever else listens on another port of the node."""
    agent = core.nodes.agent(name)
    if port in ("", str(agent.port)):
        return agent.url, agent.tls
    try:
        found = await asyncio.get_running_loop().getaddrinfo(agent.address, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise bad_request(f"lookup {agent.address}: {error.strerror}") from None
    if not all(is_proxyable(str(address[0])) for *_, address in found):
        raise bad_request("address not allowed")
    return _url(scheme, agent.address, port), None


def _pod_root(core: Core, namespace: str, name: str, scheme: str, port: str) -> str:
    item = core.cache.collection("pods").get(namespace, name)
    if item is None:
        raise not_found("pods", "", name)
    pod = item.object
    if not port:
        ports = [p["containerPort"] for c in pod["spec"].get("containers") or () for p in c.get("ports") or ()]
        port = str(ports[0]) if ports else ""
    elif not (port.isascii() and port.isdigit()):
        port = _named_port(pod, port)
    address = (pod.get("status") or {}).get("podIP") or ""
    if not is_proxyable(address):
        raise bad_request("address not allowed")
    return _url(scheme, address, port)


def _named_port(pod: Object, name: str) -> str:
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return str(port["containerPort"])
    raise bad_request(f'no port named "{name}" in pod "{pod["metadata"]["name"]}"')


def _service_root(core: Core, namespace: str, name: str, scheme: str, port: str) -> str:
    item = core.cache.collection("services").get(namespace, name)
    if item is None:
        raise not_found("services", "", name)
    ports = item.object["spec"].get("ports") or []
    if not port and len(ports) == 1:
        port = str(ports[0]["port"])
    chosen = next((p for p in ports if port in (str(p["port"]), p.get("name"))), None)
    if chosen is None:
        raise unavailable(f'no service port "{port}" found for service "{name}"')
    slices = slices_of(CacheLookup(core.cache), namespace, name)
    found = endpoints(slices, chosen.get("name") or "")
    if not found:
        raise unavailable(f'no endpoints available for service "{name}"')
    return f"{scheme or 'http'}://{random.choice(found)}"
