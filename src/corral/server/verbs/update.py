"""PUT of an object."""

from corral.api.managedfields import manager_name
from corral.api.objects import Object
from corral.server.bodies import body_object
from corral.server.core import Core
from corral.server.metadata import check_place
from corral.server.options import WriteOptions
from corral.server.paths import object_namespace
from corral.server.represent import respond, respond_raw, single, wanted_by
from corral.server.request import Request, Response
from corral.server.writes import Plan, Written


async def handle(core: Core, request: Request, subresource: str = "") -> Response:
    """Replace the object, or the part of it that `subresource` stands for, by the body."""
    resource = request.resource
    assert resource is not None
    wanted_by(request)
    options = WriteOptions.of(request, "UpdateOptions")
    obj = body_object(core, request, resource, options.field_validation)
    if request.audit is not None:
        request.audit.about(obj)
    check_place(obj, object_namespace(request), request.name)
    manager = manager_name(options.field_manager, request.headers.get("User-Agent", ""))

    def propose(_old: Object | None) -> Object:
        return {**obj, "metadata": dict(obj.get("metadata") or {})}

    plan = Plan(request, resource, manager, options.dry_run, subresource)
    creates = not subresource and core.rules(resource).allow_create_on_update
    written = await core.writes.change(plan, request.name, propose, create_missing=creates)
    return await answer(core, request, written)


async def answer(core: Core, request: Request, written: Written) -> Response:
    """The object after a write, as the client wants it."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    status = 201 if written.created else 200
    if want.view or core.stored(resource) is not resource:
        shown = await core.converted(written.object, resource)
        return respond(request, single(core, request, resource, want, shown), want, status)
    return respond_raw(request, written.raw, want, status)
