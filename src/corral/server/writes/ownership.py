"""Whose a field is: what a write changes is its manager's from then on, in the words of the version that the client speaks."""

import logging

from corral.api.conversion import convert
from corral.api.errors import ApiError
from corral.api.managedfields import update_managed_fields
from corral.api.objects import Object
from corral.server.core import Core
from corral.server.customconversion import UnconvertedError
from corral.server.writes.plan import Plan

log = logging.getLogger(__name__)


async def track(core: Core, plan: Plan, old: Object | None, new: Object, now_s: float) -> None:
    """Note in `new` who owns which of its fields. Both are in the version whose rules the write follows."""
    if plan.tracked:
        return
    sent = new["metadata"].get("managedFields")
    while True:
        try:
            _track(core, plan, old, new, now_s)
            return
        except UnconvertedError as missing:
            try:
                await missing.convert()
            except ApiError as error:  # As the reference: the write goes on, and nobody owns anything.
                log.warning("owners of the fields of %s %s: %s", plan.resource.kind, plan.request.name, error.message)
                return
            if sent is not None:
                new["metadata"]["managedFields"] = sent


def _track(core: Core, plan: Plan, old: Object | None, new: Object, now_s: float) -> None:
    resource = plan.resource
    stored = core.written(resource)
    arguments = (
        plan.manager,
        resource.api_version,
        plan.subresource,
        now_s,
        core.schema(resource),
        core.reset_fields(resource, plan.subresource),
        core.in_version(resource),
    )
    if stored is resource:
        update_managed_fields(old, new, *arguments)
        return
    mine = convert(new, stored.api_version, resource.api_version)
    mine["metadata"] = dict(mine["metadata"])
    theirs = None if old is None else convert(old, stored.api_version, resource.api_version)
    update_managed_fields(theirs, mine, *arguments)
    if "managedFields" in mine["metadata"]:
        new["metadata"]["managedFields"] = mine["metadata"]["managedFields"]
