"""POST to a collection."""

from corral.api.managedfields import manager_name
from corral.server.bodies import body_object
from corral.server.core import Core
from corral.server.options import WriteOptions
from corral.server.represent import respond, respond_raw, single, wanted_by
from corral.server.request import Request, Response
from corral.server.writes import Plan


async def handle(core: Core, request: Request) -> Response:
    """Create the object of the body; reviews are answered, not stored."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    options = WriteOptions.of(request, "CreateOptions")
    obj = body_object(core, request, resource, options.field_validation)
    review = core.answer_review(request, resource, obj)
    if review is not None:
        return respond(request, single(core, request, resource, want, review), want, 201)
    manager = manager_name(options.field_manager, request.headers.get("User-Agent", ""))
    written = await core.writes.create(Plan(request, resource, manager, options.dry_run), obj)
    if want.view or core.stored(resource) is not resource:
        shown = core.as_version(resource, written.object)
        return respond(request, single(core, request, resource, want, shown), want, 201)
    return respond_raw(request, written.raw, want, 201)
