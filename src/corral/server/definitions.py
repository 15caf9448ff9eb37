"""Keeps CustomResourceDefinitions: grants names, establishes, and ends the objects of those that are being deleted.

What apiextensions' naming, establishing and finalizing controllers do. The rules are in `api.definitions`.
"""

import asyncio
import logging

from corral.api import definitions
from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.changes import Change
from corral.server.core import Core
from corral.server.customresources import DEFINITIONS
from corral.server.deletion import DeleteOptions
from corral.server.request import LOOPBACK, Request
from corral.server.writes import Plan

log = logging.getLogger(__name__)

MANAGER = "kube-apiserver"
RETRY_S = 1.0
AT_ONCE = 16


async def keep_definitions(core: Core) -> None:
    """Follow the definitions for ever."""
    collection = core.cache.collection(DEFINITIONS)
    pending = {item.name for item in collection.list()}
    woken = asyncio.Event()

    def again(name: str) -> None:
        pending.add(name)
        woken.set()

    def noticed(change: Change) -> None:
        again(change.newest.name)
        if change.new is None:
            for item in collection.list():  # One of them may have waited for a name.
                if not definitions.is_true(item.object, "NamesAccepted"):
                    again(item.name)

    collection.listen(noticed)
    while True:
        while pending:
            name = pending.pop()
            found = collection.get("", name)
            if found is None:
                continue
            try:
                settled = await _keep(core, found.object)
            except ApiError as error:
                if error.code not in (404, 409):
                    log.warning("definition %s: %s", name, error)
                settled = False
            except Exception:
                log.exception("definition %s", name)
                settled = False
            if not settled:
                asyncio.get_running_loop().call_later(RETRY_S, again, name)
        woken.clear()
        await woken.wait()


async def _keep(core: Core, definition: Object) -> bool:
    """One look at one definition; False: look again after a while."""
    if definition["metadata"].get("deletionTimestamp"):
        return await _end(core, definition)
    others = [item.object for item in core.cache.collection(DEFINITIONS).list()]
    status = definitions.with_names(definition, others, core.clock.now())
    if status != definition.get("status"):
        await _write(core, definition, status)
    if definitions.is_true({"status": status}, "NamesAccepted") and not definitions.conversion_fault(definition):
        done = definitions.established(status, core.clock.now())
        if done != status:
            await _write(core, definition, done)
    return True


async def _end(core: Core, definition: Object) -> bool:
    """Delete the objects of a definition; when there are none, let it go."""
    meta = definition["metadata"]
    if definitions.CLEANUP not in (meta.get("finalizers") or ()):
        return True
    resource = next((one for one in definitions.resources(definition) if one.version == one.storage_version), None)
    if resource is not None and definitions.is_true(definition, "Established"):
        await _delete_all(core, resource)
        if core.collection(resource).items:
            return False
    finalizers = [one for one in meta["finalizers"] if one != definitions.CLEANUP]
    status = dict(definition.get("status") or {})
    why = ("InstanceDeletionCompleted", "removed all instances")
    conditions = status.get("conditions") or []
    status["conditions"] = definitions.with_condition(conditions, "Terminating", "False", *why, core.clock.now())
    await _write(core, definition, status, finalizers=finalizers)
    return True


async def _delete_all(core: Core, resource: Resource) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def delete(namespace: str, name: str) -> None:
        path = resource.path(namespace, name)
        request = Request("DELETE", path, {}, {}, user=LOOPBACK, verb="delete", resource=resource)
        request.namespace, request.name = namespace, name
        async with turns:
            try:
                await core.deletions.delete(request, resource, name, DeleteOptions())
            except ApiError as error:
                if error.code != 404:
                    raise

    await asyncio.gather(*(delete(item.namespace, item.name) for item in core.collection(resource).list()))


async def _write(core: Core, definition: Object, status: Object, *, finalizers: list[str] | None = None) -> None:
    resource = core.catalog.named(DEFINITIONS)
    name, uid = definition["metadata"]["name"], definition["metadata"]["uid"]
    path = resource.path(name=name, subresource="status")
    request = Request("PUT", path, {}, {}, user=LOOPBACK, verb="update", resource=resource, name=name, subresource="status")

    def with_status(present: Object | None) -> Object:
        assert present is not None
        if present["metadata"]["uid"] != uid:
            raise ApiError(409, "Conflict", "the definition is another now")
        made = {**present, "status": {**status, "storedVersions": (present.get("status") or {}).get("storedVersions", [])}}
        if finalizers is not None:
            made["metadata"] = {**present["metadata"], "finalizers": finalizers}
        return made

    await core.writes.change(Plan(request, resource, MANAGER, subresource="status"), name, with_status)
