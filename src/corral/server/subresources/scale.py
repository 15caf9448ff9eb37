"""`scale` of workloads: the number of replicas and nothing else, as autoscaling/v1 Scale.

It can be read, replaced, patched and applied; whoever applies it owns the workload's replicas (`api.scaleowners`). See https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/scale-v1/.
"""

from collections.abc import Callable
from typing import Any

import orjson

from corral.api import facts, selectors
from corral.api.errors import MODIFIED, conflict, internal
from corral.api.fields import Errors
from corral.api.fieldsets import LEAF
from corral.api.golang import DecodeError, read
from corral.api.jsonpath import names
from corral.api.managedfields import manager_name
from corral.api.objects import Object, copied
from corral.api.patch.apply import apply
from corral.api.patch.json import json_patch
from corral.api.patch.merge import merge_patch
from corral.api.patch.strategic import strategic_merge_patch
from corral.api.resources import Resource
from corral.api.scaleowners import SCALE, in_parent, in_scale
from corral.server.bodies import applied_object, bad_patch, body_object, media_of, patch_document
from corral.server.core import Core
from corral.server.options import WriteOptions
from corral.server.represent import respond, wanted_by
from corral.server.request import Request, Response
from corral.server.verbs.patch import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from corral.server.writes import Face, Plan

KIND = ("autoscaling", "v1", "Scale")


async def handle(core: Core, request: Request) -> Response:
    """GET, PUT and PATCH of the Scale."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    if request.verb == "get":
        return respond(request, _scale(core, resource, core.parsed(resource, await core.item(request))), want)
    applies = request.verb == "patch" and media_of(request) == APPLY_PATCH
    options = WriteOptions.of(request, "PatchOptions" if request.verb == "patch" else "UpdateOptions", apply=applies)
    manager = manager_name(options.field_manager, request.headers.get("User-Agent", ""))
    path: tuple[str, ...] = ("spec", "replicas")
    if resource.storage_version:
        path = tuple(names(core.custom.rules(resource).scale["specReplicasPath"]))
    make = _maker(core, request, resource, options, path, applies=applies)

    def propose(old: Object | None) -> Object:
        assert old is not None
        scale = make(old)
        version = (scale.get("metadata") or {}).get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, request.name, MODIFIED)
        take(old, scale)
        if applies:
            old["metadata"]["managedFields"] = in_parent(old, scale, path, resource.api_version)
        return old

    def show(obj: Object) -> Object:
        return _scale(core, resource, obj)

    def take(obj: Object, scale: Object) -> None:
        _set_replicas(core, resource, obj, (scale.get("spec") or {}).get("replicas") or 0)

    plan = Plan(request, resource, manager, options.dry_run, "scale", tracked=applies, face=Face(show, take))
    written = await core.writes.change(plan, request.name, propose)
    return respond(request, _scale(core, resource, written.object), want)


def _maker(
    core: Core, request: Request, resource: Resource, options: WriteOptions, path: tuple[str, ...], *, applies: bool
) -> Callable[[Object], Object]:
    """From the workload to the Scale that the request makes of its present one."""
    if applies:
        applied = applied_object(core, request, resource, options.field_validation)

        def apply_to(old: Object) -> Object:
            present = _scale(core, resource, old)
            present["metadata"]["managedFields"] = in_scale(old, path)
            return apply(
                present,
                copied(applied),
                options.field_manager,
                SCALE,
                "Scale",
                "scale",
                core.clock.now(),
                facts.schema(*KIND),
                force=bool(options.force),
                reset={"f:status": LEAF},
            )

        return apply_to
    if request.verb == "patch":
        patch: Any = patch_document(request)
        return lambda old: _patched(_scale(core, resource, old), patch, media_of(request))
    sent = body_object(core, request, resource, options.field_validation, KIND)
    return lambda _: sent


def _set_replicas(core: Core, resource: Resource, obj: Object, replicas: int) -> None:
    if replicas < 0:
        errors = Errors()
        errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise errors.to_error("Scale", "autoscaling", obj["metadata"]["name"])
    if resource.storage_version:
        core.custom.rules(resource).set_scale(obj, replicas)
    else:
        obj["spec"]["replicas"] = replicas


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
