"""`pods/exec`, `pods/attach` and `pods/portforward`: the client's streams meet the node's."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from corral.api.errors import bad_request
from corral.server.authorization import of_request
from corral.server.core import Core
from corral.server.nodes import container_of
from corral.server.paths import is_true
from corral.server.request import Admission, Request, Response

#: Names of options for clients, and for the agent.
_STREAMS = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}


async def handle(core: Core, request: Request) -> Response:
    """Hand the connection over to the streams. Raises ApiError (400, 403, 404)."""
    resource = request.resource
    assert resource is not None
    if request.verb != "create":
        # WebSockets begin with a GET; who may only read runs no commands (KEP-4006).
        await core.authorizer.require_also(of_request(request), "create")
    pod = (await core.item(request)).object
    await core.admission.validate(Admission(request, resource, "CONNECT", None, pod, request.subresource))
    meta = pod["metadata"]
    path = f"{quote(meta['namespace'])}/{quote(meta['name'])}"
    if request.subresource == "portforward":
        pairs = [("port", port) for port in _all(request, "ports")]
        url = f"{core.nodes.url_of_pod(pod)}/portForward/{path}"
    else:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            phase = pod["status"]["phase"]
            raise bad_request(f"cannot exec or attach to a container in a completed pod; current phase is {phase}")
        container = container_of(pod, request.query.get("container", ""))
        pairs = [(short, "1") for name, short in _STREAMS.items() if is_true(request.query.get(name))]
        if request.subresource == "exec":
            command = list(_all(request, "command"))
            if not command:
                raise bad_request("you must specify at least 1 command for the container")
            pairs += [("command", word) for word in command]
        url = f"{core.nodes.url_of_pod(pod)}/{request.subresource}/{path}/{quote(container)}"
    if pairs:
        url += "?" + urlencode(pairs)

    async def upgrade(raw: object) -> object:
        from corral.server.streams.upgrade import stream

        return await stream(raw, url, core.nodes.tls)  # type: ignore[arg-type]

    return Response(upgrade=upgrade)


def _all(request: Request, name: str) -> Iterable[str]:
    every = getattr(request.query, "all", None)
    if every is not None:
        values: list[str] = every(name)
        return values
    return [request.query[name]] if name in request.query else []
