"""PATCH of an object: JSON patch, merge patch, strategic merge patch, server-side apply.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply.
"""

from collections.abc import Callable
from typing import Any

from corral.api.errors import ApiError, not_found
from corral.api.managedfields import manager_name
from corral.api.objects import Object, copied
from corral.api.patch.apply import apply
from corral.api.patch.json import json_patch
from corral.api.patch.merge import merge_patch
from corral.api.patch.strategic import strategic_merge_patch
from corral.api.resources import Resource
from corral.server.bodies import (
    applied_object,
    media_of,
    patch_document,
    patch_faults,
    patched_object,
    typed_object,
    unsupported,
)
from corral.server.core import Core
from corral.server.options import WriteOptions
from corral.server.represent import wanted_by
from corral.server.request import Request, Response
from corral.server.verbs.update import answer
from corral.server.writes import Plan

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
BUILTIN_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
CUSTOM_TYPES = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
#: What apply can also be spelled as (CBOR stays declined).
_KNOWN_TYPES = frozenset(BUILTIN_TYPES)


async def handle(core: Core, request: Request, subresource: str = "") -> Response:
    """Change the object, or the part of it that `subresource` stands for."""
    resource = request.resource
    assert resource is not None
    wanted_by(request)
    kind = media_of(request)
    if kind not in _KNOWN_TYPES:
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    if kind == STRATEGIC_PATCH and not core.is_builtin(resource):
        raise unsupported(*CUSTOM_TYPES)
    applies = kind == APPLY_PATCH
    options = WriteOptions.of(request, "PatchOptions", apply=applies)
    if applies:
        propose = _applier(core, request, resource, options, subresource)
    else:
        propose = _patcher(core, request, resource, kind, options)
    manager = manager_name(options.field_manager, request.headers.get("User-Agent", ""))
    plan = Plan(request, resource, manager, options.dry_run, subresource, tracked=applies)
    written = await core.writes.change(plan, request.name, propose, create_missing=applies and not subresource)
    return await answer(core, request, written)


def _patcher(
    core: Core, request: Request, resource: Resource, kind: str, options: WriteOptions
) -> Callable[[Object | None], Object]:
    validation = options.field_validation

    def propose(old: Object | None) -> Object:
        if old is None:
            raise not_found(resource.plural, resource.group, request.name)
        # Read again each time: the object may keep parts of it, and is changed further.
        patch = patch_document(request)
        faults = patch_faults(request, patch) if validation != "Ignore" else []
        patched = _patched(core, resource, kind, old, patch)
        strategic = patch if kind == STRATEGIC_PATCH else None
        return patched_object(core, request, resource, patched, validation, faults, strategic=strategic)

    return propose


def _patched(core: Core, resource: Resource, kind: str, old: Object, patch: Any) -> Object:
    if kind == JSON_PATCH:
        return json_patch(old, patch)
    if kind == MERGE_PATCH:
        return merge_patch(old, patch)
    return strategic_merge_patch(old, patch, core.schema(resource))


def _applier(
    core: Core, request: Request, resource: Resource, options: WriteOptions, subresource: str
) -> Callable[[Object | None], Object]:
    applied = applied_object(core, request, resource, options.field_validation)

    def propose(old: Object | None) -> Object:
        if old is None and (applied.get("metadata") or {}).get("resourceVersion"):
            raise not_found(resource.plural, resource.group, request.name)
        merged = apply(
            old,
            copied(applied),
            options.field_manager,
            resource.api_version,
            resource.kind,
            subresource,
            core.clock.now(),
            core.schema(resource),
            force=bool(options.force),
            reset=core.reset_fields(resource, subresource),
            in_version=core.in_version(resource),
        )
        return typed_object(core, resource, merged)

    return propose
