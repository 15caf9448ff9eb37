"""GET of one object."""

from corral.server.core import Core
from corral.server.represent import respond, respond_raw, single, wanted_by
from corral.server.request import Request, Response


async def handle(core: Core, request: Request) -> Response:
    """The object as it is now; with `resourceVersion`, not older than that."""
    assert request.resource is not None
    want = wanted_by(request)
    version = request.query.get("resourceVersion", "")
    if version not in ("", "0"):
        await core.not_older_than(version)
    item = await core.item(request)
    if want.view:
        return respond(request, single(core, request, request.resource, want, core.parsed(request.resource, item)), want)
    if want.media == "protobuf":
        return Response(200, core.binary.body(core, request.resource, item), want.content_type, warnings=request.warnings)
    return respond_raw(request, core.shown(request.resource, item), want)
