"""`pods/log`: a container's log, straight from the node's agent."""

from urllib.parse import quote, urlencode

from corral.api.errors import bad_request
from corral.api.fields import Errors
from corral.api.podcontainers import container_of
from corral.server.core import Core
from corral.server.request import Request, Response

#: Options that the agent understands; the container is in its path.
_FORWARDED = ("follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream")
_LEAST = {"sinceSeconds": 1, "tailLines": 0, "limitBytes": 1}


async def handle(core: Core, request: Request) -> Response:
    """Stream the log. Raises ApiError (400, 404, 422)."""
    pod = (await core.item(request)).object
    query = request.query
    options = {name: query[name] for name in _FORWARDED if query.get(name)}
    _check(options)
    container = container_of(pod, query.get("container", ""))
    meta = pod["metadata"]
    agent = core.nodes.agent_of(pod)
    path = f"/containerLogs/{quote(meta['namespace'])}/{quote(meta['name'])}/{quote(container)}"
    url = agent.url + path + ("?" + urlencode(options) if options else "")
    return Response(upgrade=lambda raw: core.relay.log(raw, url, agent.tls, pod=meta["name"]))


def _check(options: dict[str, str]) -> None:
    errors = Errors()
    for name, least in _LEAST.items():
        if name not in options:
            continue
        try:
            number = int(options[name])
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{options[name]}": invalid syntax') from None
        if number < least:
            errors.invalid(name, number, f"must be greater than or equal to {least}")
    if "sinceSeconds" in options and "sinceTime" in options:
        errors.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    if errors:
        raise errors.to_error("PodLogOptions", "", "")
