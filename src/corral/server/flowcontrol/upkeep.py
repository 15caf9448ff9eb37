"""Keeps the flow schemas and levels that must be there, and says of each schema whether its level is.

Mandatory objects get their specs back whatever is done to them; suggested ones while their annotation
`apf.kubernetes.io/autoupdate-spec` says so. https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults
"""

from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.loop.controller import Controller
from corral.server.bootstrap import Wanted, dangling, flow_objects
from corral.server.cache import Cache
from corral.server.changes import Change
from corral.server.flowcontrol.limiter import LEVELS, SCHEMAS
from corral.server.flowcontrol.rules import level_of

MANDATORY = ("exempt", "catch-all")


def restored(present: Object | None, want: Wanted) -> Object | None:
    """What a default object has to be made; None where it is as it must be."""
    if present is None:
        return want.object
    name = want.object["metadata"]["name"]
    if name not in MANDATORY:
        return want.repair(present, want.object)
    spec = dict(want.object["spec"])
    if name == "exempt" and "exempt" in spec:  # How much the exempt level lends is the administrator's to say.
        spec["exempt"] = present["spec"].get("exempt") or spec["exempt"]
    return None if present["spec"] == spec else {**present, "spec": spec}


def with_dangling(schema: Object, *, found: bool, now_s: float) -> Object:
    """The schema with its condition Dangling."""
    condition = dangling(level_of(schema), found=found, now_s=now_s)
    conditions = (schema.get("status") or {}).get("conditions") or []
    before = next((one for one in conditions if one["type"] == "Dangling"), None)
    if before is not None and (before["status"], before.get("message")) == (condition["status"], condition["message"]):
        return schema
    if before is not None and before["status"] == condition["status"]:
        condition["lastTransitionTime"] = before["lastTransitionTime"]
    return {**schema, "status": {"conditions": [*(one for one in conditions if one["type"] != "Dangling"), condition]}}


def build(cache: Cache, client: Client, clock: Clock) -> Controller:
    """The controller; its keys are resource and name of an object."""
    schemas, levels = cache.collection(SCHEMAS), cache.collection(LEVELS)
    defaults = {Key(want.resource, want.object["metadata"]["name"]): want for want in flow_objects(clock.now())}

    async def reconcile(key: Key) -> float | None:
        resource, name = key
        item = cache.collection(resource).get("", name)
        present = item.object if item is not None else None
        want = defaults.get(key)
        made = restored(present, want) if want is not None else None
        if made is not None:
            await (client.update(resource, made) if present is not None else client.create(resource, made))
            return None
        if resource == SCHEMAS and present is not None:
            found = levels.get("", level_of(present)) is not None
            shown = with_dangling(present, found=found, now_s=clock.now())
            if shown is not present:
                await client.update(SCHEMAS, shown, subresource="status")
        return None

    controller = Controller("api-priority-and-fairness", reconcile, clock=clock)

    def all_schemas() -> None:
        for item in schemas.list():
            controller.queue.add(Key(SCHEMAS, item.name))

    def level_changed(change: Change) -> None:
        controller.queue.add(Key(LEVELS, change.newest.name))
        if change.new is None or change.old is None:
            all_schemas()

    schemas.listen(lambda change: controller.queue.add(Key(SCHEMAS, change.newest.name)))
    levels.listen(level_changed)
    for key in defaults:
        controller.queue.add(key)
    all_schemas()
    return controller
