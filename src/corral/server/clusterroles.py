"""Keeps the rules of aggregated cluster roles what their parts say, as the clusterrole-aggregation-controller does."""

import asyncio
import logging

from corral.api.errors import ApiError
from corral.api.objects import Object, copied
from corral.server.authorization import aggregation
from corral.server.authorization.rbac import CLUSTER_ROLES
from corral.server.changes import Change
from corral.server.core import Core
from corral.server.request import LOOPBACK, Request
from corral.server.writes import Plan

log = logging.getLogger(__name__)

MANAGER = "clusterrole-aggregation-controller"
RETRY_S = 1.0


async def keep_aggregated(core: Core) -> None:
    """Follow the cluster roles for ever; write the rules of those that aggregate others."""
    changed = asyncio.Event()
    changed.set()

    def noticed(_change: Change) -> None:
        changed.set()

    roles = core.cache.collection(CLUSTER_ROLES)
    roles.listen(noticed)
    while True:
        await changed.wait()
        changed.clear()
        for wanted in aggregation.plan([item.object for item in roles.list()]):
            try:
                await _write(core, wanted)
            except ApiError as error:
                log.warning("cannot aggregate cluster role %s: %s", wanted["metadata"]["name"], error)
                asyncio.get_running_loop().call_later(RETRY_S, changed.set)


async def _write(core: Core, wanted: Object) -> None:
    resource = core.catalog.named(CLUSTER_ROLES)
    name = wanted["metadata"]["name"]
    request = Request("PUT", resource.path(name=name), {}, {}, user=LOOPBACK, verb="update", resource=resource, name=name)

    def with_rules(present: Object | None) -> Object:
        assert present is not None
        return {**present, "rules": copied(wanted["rules"])}

    await core.writes.change(Plan(request, resource, MANAGER), name, with_rules)
