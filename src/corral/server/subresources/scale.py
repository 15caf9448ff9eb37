"""`scale` of workloads: the number of replicas and nothing else, as autoscaling/v1 Scale.

See https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/scale-v1/.
"""

from typing import Any

import orjson

from corral.api import facts, selectors
from corral.api.errors import MODIFIED, conflict, internal
from corral.api.fields import Errors
from corral.api.golang import DecodeError, read
from corral.api.managedfields import manager_name
from corral.api.objects import Object
from corral.api.patch.json import json_patch
from corral.api.patch.merge import merge_patch
from corral.api.patch.strategic import strategic_merge_patch
from corral.api.resources import Resource
from corral.server.bodies import bad_patch, body_object, media_of, patch_document
from corral.server.core import Core
from corral.server.options import WriteOptions
from corral.server.represent import respond, wanted_by
from corral.server.request import Request, Response
from corral.server.verbs.patch import JSON_PATCH, MERGE_PATCH
from corral.server.writes import Plan

KIND = ("autoscaling", "v1", "Scale")


async def handle(core: Core, request: Request) -> Response:
    """GET, PUT and PATCH of the Scale."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    if request.verb == "get":
        return respond(request, _scale(core, resource, core.parsed(resource, await core.item(request))), want)
    options = WriteOptions.of(request, "PatchOptions" if request.verb == "patch" else "UpdateOptions")
    manager = manager_name(options.field_manager, request.headers.get("User-Agent", ""))
    body: Any = patch_document(request) if request.verb == "patch" else None
    sent = None if request.verb == "patch" else body_object(core, request, resource, options.field_validation, KIND)

    def propose(old: Object | None) -> Object:
        assert old is not None
        present = _scale(core, resource, old)
        scale = _patched(present, body, media_of(request)) if sent is None else sent
        version = (scale.get("metadata") or {}).get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, request.name, MODIFIED)
        replicas = (scale.get("spec") or {}).get("replicas") or 0
        if replicas < 0:
            errors = Errors()
            errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
            raise errors.to_error("Scale", "autoscaling", request.name)
        if resource.storage_version:
            core.custom.rules(resource).set_scale(old, replicas)
        else:
            old["spec"]["replicas"] = replicas
        return old

    plan = Plan(request, resource, manager, options.dry_run, "scale")
    written = await core.writes.change(plan, request.name, propose)
    return respond(request, _scale(core, resource, written.object), want)


def _scale(core: Core, resource: Resource, obj: Object) -> Object:
    """The Scale of an object; where a custom one has its numbers is said by its definition."""
    if not resource.storage_version:
        return scale_of(obj)
    rules = core.custom.rules(resource)
    replicas, present, selector = rules.scale_of(obj)
    if replicas is None:
        raise internal(f'the spec replicas field "{rules.scale["specReplicasPath"]}" does not exist')
    scale = scale_of({"metadata": obj["metadata"], "spec": {"replicas": replicas}, "status": {"replicas": present}})
    if selector:
        scale["status"]["selector"] = selector
    return scale


def scale_of(obj: Object) -> Object:
    """The Scale of a workload."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": {"replicas": status.get("replicas", 0)},
    }
    selector = spec.get("selector")
    if selector:
        text = selectors.text_of(selector) if "matchLabels" in selector or "matchExpressions" in selector else _pairs(selector)
        scale["status"]["selector"] = text
    return scale


def _pairs(labels: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _patched(present: Object, patch: Any, media: str) -> Object:
    if media == JSON_PATCH:
        patched = json_patch(present, patch)
    elif media == MERGE_PATCH:
        patched = merge_patch(present, patch)
    else:
        patched = strategic_merge_patch(present, patch, facts.schema(*KIND))
    try:
        made: Object = read(patched, facts.schema(*KIND))[0]
    except DecodeError as error:
        raise bad_patch(orjson.dumps(patched).decode(), str(error)) from None
    return made
