"""Whose a field is: what a write changes is its manager's from then on, in the words of the version that the client speaks."""

from corral.api.conversion import convert
from corral.api.managedfields import update_managed_fields
from corral.api.objects import Object
from corral.server.core import Core
from corral.server.writes.plan import Plan


def track(core: Core, plan: Plan, old: Object | None, new: Object, now_s: float) -> None:
    """Note in `new` who owns which of its fields. Both are in the version whose rules the write follows."""
    if plan.tracked:
        return
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
