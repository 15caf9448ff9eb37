"""`pods/exec`, `pods/attach` and `pods/portforward`: the client's streams meet the node's."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from corral.api.errors import bad_request
from corral.api.objects import Object
from corral.api.podcontainers import container_of
from corral.server.authorization import of_request
from corral.server.core import Core
from corral.server.paths import is_true
from corral.server.request import Admission, Request, Response

_KINDS = {"attach": "PodAttachOptions", "exec": "PodExecOptions", "portforward": "PodPortForwardOptions"}
#: Names of options for clients, and for the agent.
_STREAMS = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}


async def handle(core: Core, request: Request) -> Response:
    """Hand the connection over to the streams. Raises ApiError (400, 403, 404)."""
    resource = request.resource
    assert resource is not None
    if request.verb != "create":
        # WebSockets begin with a GET; who may only read runs no commands (KEP-4006).
        await core.authorizer.require_also(of_request(request), "create")
    options = _options(request)
    await core.admission.judge(Admission(request, resource, "CONNECT", options, None, request.subresource))
    pod = (await core.item(request)).object
    path = _path(pod, request.subresource, options)
    agent = core.nodes.agent_of(pod)

    async def upgrade(raw: object) -> object:
        from corral.server.streams.upgrade import stream

        return await stream(raw, agent.url + path, agent.tls)  # type: ignore[arg-type]

    return Response(upgrade=upgrade)


def _options(request: Request) -> Object:
    """What is asked for, as the object that admission sees: PodExecOptions, PodAttachOptions or PodPortForwardOptions."""
    options: Object = {"kind": _KINDS[request.subresource], "apiVersion": "v1"}
    if request.subresource == "portforward":
        ports = list(_all(request, "ports"))
        return {**options, "ports": ports} if ports else options
    options |= {name: True for name in _STREAMS if is_true(request.query.get(name))}
    if request.query.get("container"):
        options["container"] = request.query["container"]
    if request.subresource == "exec":
        options["command"] = list(_all(request, "command"))
    return options


def _path(pod: Object, subresource: str, options: Object) -> str:
    """Where the node's agent does what is asked for. Raises ApiError (400)."""
    meta = pod["metadata"]
    of_pod = f"{quote(meta['namespace'])}/{quote(meta['name'])}"
    if subresource == "portforward":
        pairs = [("port", str(port)) for port in options.get("ports") or ()]
        path = f"/portForward/{of_pod}"
    else:
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            phase = pod["status"]["phase"]
            raise bad_request(f"cannot exec or attach to a container in a completed pod; current phase is {phase}")
        container = container_of(pod, options.get("container", ""))
        pairs = [(short, "1") for name, short in _STREAMS.items() if options.get(name)]
        if subresource == "exec":
            if not options.get("command"):
                raise bad_request("you must specify at least 1 command for the container")
            pairs += [("command", word) for word in options["command"]]
        path = f"/{subresource}/{of_pod}/{quote(container)}"
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _all(request: Request, name: str) -> Iterable[str]:
    every = getattr(request.query, "all", None)
    if every is not None:
        values: list[str] = every(name)
        return values
    return [request.query[name]] if name in request.query else []
