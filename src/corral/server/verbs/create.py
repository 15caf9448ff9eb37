"""POST to a collection."""

from corral.api.managedfields import manager_name
from corral.server.bodies import body_object
from corral.server.core import Core
from corral.server.customresources import DEFINITIONS
from corral.server.options import WriteOptions
from corral.server.represent import respond, respond_raw, single, wanted_by
from corral.server.request import Admission, Request, Response
from corral.server.subresources.binding import SUCCESS, bind
from corral.server.writes import Plan, track


async def handle(core: Core, request: Request) -> Response:
    """Create the object of the body; reviews are answered, not stored."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    options = WriteOptions.of(request, "CreateOptions")
    obj = body_object(core, request, resource, options.field_validation)
    if request.audit is not None:
        request.audit.about(obj)
    manager = manager_name(options.field_manager, request.headers.get("User-Agent", ""))
    reviews = core.reviews
    if reviews is not None and reviews.handles(resource.group, resource.plural):
        await core.admission.judge(Admission(request, resource, "CREATE", obj, None))
        await track(core, Plan(request, resource, manager), None, obj, core.clock.now())
        answer = await reviews.create(request, obj)
        return respond(request, single(core, request, resource, want, answer), want, 201)
    if resource.plural == "bindings":
        await bind(core, request, obj, dry_run=options.dry_run)
        return respond(request, SUCCESS, want, 201)
    written = await core.writes.create(Plan(request, resource, manager, options.dry_run), obj)
    if resource.group_resource == DEFINITIONS and not options.dry_run:
        await core.custom.settled(written.object["metadata"]["name"])
    if want.view or core.stored(resource) is not resource:
        shown = await core.converted(written.object, resource)
        return respond(request, single(core, request, resource, want, shown), want, 201)
    return respond_raw(request, written.raw, want, 201)
