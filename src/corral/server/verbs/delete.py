"""DELETE of an object."""

from corral.server.core import Core
from corral.server.deletion import DeleteOptions, warn
from corral.server.represent import respond, single, wanted_by
from corral.server.request import Request, Response


async def handle(core: Core, request: Request) -> Response:
    """Delete the object, or begin to: it stays while grace or finalizers hold it."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    options = DeleteOptions.of(request)
    warn(request, resource, options)
    answer = await core.deletions.delete(request, resource, request.name, options)
    if answer.get("kind") == "Status":
        return respond(request, answer, want)
    shown = await core.converted(answer, resource)
    status = 202 if options.orphan_dependents is False and answer["metadata"].get("finalizers") else 200
    return respond(request, single(core, request, resource, want, shown), want, status)
