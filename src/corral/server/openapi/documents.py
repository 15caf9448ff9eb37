"""The documents: paths with their operations, and the definitions that they refer to."""

from collections.abc import Iterable, Mapping

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.health import VERSION
from corral.server.openapi.schemas import PATCH, STATUS, Description, Schemas, builtin, kind_name

INFO = {"title": "Kubernetes", "version": VERSION}
JSON_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
#: verb → HTTP method, action, whether it is of one object.
_VERBS: Mapping[str, tuple[str, str, bool]] = {
    "get": ("get", "get", True),
    "list": ("get", "list", False),
    "create": ("post", "post", False),
    "update": ("put", "put", True),
    "patch": ("patch", "patch", True),
    "delete": ("delete", "delete", True),
    "deletecollection": ("delete", "deletecollection", False),
}
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "list": _LIST,
    "post": _WRITE,
    "put": _WRITE,
    "patch": (*_WRITE, "force"),
    "delete": _DELETE,
    "deletecollection": (*_LIST[1:9], *_DELETE),
}
_TYPES = {
    "allowWatchBookmarks": "boolean",
    "sendInitialEvents": "boolean",
    "watch": "boolean",
    "force": "boolean",
    "orphanDependents": "boolean",
    "limit": "integer",
    "timeoutSeconds": "integer",
    "gracePeriodSeconds": "integer",
}
#: Subresources that speak in objects.
_OBJECT_SUBRESOURCES = frozenset(
    {"approval", "binding", "ephemeralcontainers", "eviction", "finalize", "resize", "scale", "status", "token"}
)


def v3(resources: Iterable[Resource], prose: Mapping[str, Description]) -> Object:
    """The OpenAPI v3 document of one group and version."""
    schemas = Schemas("#/components/schemas/", prose)
    schemas.add_shared()
    paths: Object = {}
    for resource in builtin(resources):
        _add_paths(paths, resource, schemas, version3=True)
    security = {"description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"}
    components = {"schemas": dict(sorted(schemas.made.items())), "securitySchemes": {"BearerToken": security}}
    return {"openapi": "3.0.0", "info": INFO, "paths": dict(sorted(paths.items())), "components": components}


def v2(resources: Iterable[Resource], prose: Mapping[str, Description]) -> Object:
    """The OpenAPI v2 document of everything."""
    schemas = Schemas("#/definitions/", prose)
    schemas.add_shared()
    paths: Object = {}
    for resource in builtin(resources):
        _add_paths(paths, resource, schemas, version3=False)
    security = {"description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"}
    return {
        "swagger": "2.0",
        "info": INFO,
        "paths": dict(sorted(paths.items())),
        "definitions": dict(sorted(schemas.made.items())),
        "securityDefinitions": {"BearerToken": security},
        "security": [{"BearerToken": []}],
    }


def _add_paths(paths: Object, resource: Resource, schemas: Schemas, *, version3: bool) -> None:
    name = schemas.add_kind(resource)
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{resource.base_path}{scope}/{resource.plural}"
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    make = _operation_v3 if version3 else _operation_v2
    for verb in resource.verbs:
        if verb not in _VERBS:
            continue
        method, action, single = _VERBS[verb]
        path = f"{collection}/{{name}}" if single else collection
        answer = f"{name}List" if verb == "list" else STATUS if action.startswith("delete") else name
        item = paths.setdefault(path, {"parameters": _place(resource, single, version3)})
        item[method] = make(schemas, action, gvk, resource, name, answer)
    if resource.namespaced and "list" in resource.verbs:
        item = paths.setdefault(f"{resource.base_path}/{resource.plural}", {})
        item["get"] = make(schemas, "list", gvk, resource, name, f"{name}List")
    for subresource, verbs, group, version, kind in resource.subresources:
        if subresource not in _OBJECT_SUBRESOURCES:
            continue
        of = {"group": group or resource.group, "version": version or resource.version, "kind": kind}
        shown = kind_name(of["group"], of["version"], kind)
        if not shown:
            shown = kind_name("", of["version"], kind) or name
        if shown not in schemas.made:
            schemas.add(_short(shown))
        item = paths.setdefault(f"{collection}/{{name}}/{subresource}", {"parameters": _place(resource, True, version3)})
        for verb in verbs:
            method, action, _ = _VERBS[verb]
            item[method] = make(schemas, action, of, resource, shown, shown, subresource)


def _short(full: str) -> str:
    return ".".join(full.split(".")[-3:])


def _operation_id(action: str, resource: Resource, subresource: str) -> str:
    group = "".join(part.capitalize() for part in (resource.group.removesuffix(".k8s.io") or "core").split("."))
    verb = {"get": "read", "post": "create", "put": "replace", "deletecollection": "deleteCollection"}.get(action, action)
    scope = "Namespaced" if resource.namespaced else ""
    return f"{verb}{group}{resource.version.capitalize()}{scope}{resource.kind}{subresource.capitalize()}"


def _common(action: str, gvk: Object, resource: Resource, subresource: str) -> Object:
    return {
        "description": f"{action} {resource.kind}" + (f" {subresource}" if subresource else ""),
        "operationId": _operation_id(action, resource, subresource),
        "tags": [f"{resource.group.split('.')[0] or 'core'}_{resource.version}"],
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
    }


def _operation_v3(
    schemas: Schemas, action: str, gvk: Object, resource: Resource, name: str, answer: str, subresource: str = ""
) -> Object:
    operation = _common(action, gvk, resource, subresource)
    operation["parameters"] = [
        {"in": "query", "name": p, "schema": {"type": _TYPES.get(p, "string"), "uniqueItems": True}}
        for p in _PARAMETERS.get(action, ())
    ]
    if action in ("post", "put"):
        operation["requestBody"] = {"content": {"*/*": {"schema": schemas.ref(name)}}, "required": True}
    elif action == "patch":
        content = {media: {"schema": schemas.ref(PATCH)} for media in PATCH_TYPES}
        operation["requestBody"] = {"content": content, "required": True}
    content = {media: {"schema": schemas.ref(answer)} for media in JSON_TYPES}
    operation["responses"] = {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}}
    return operation


def _operation_v2(
    schemas: Schemas, action: str, gvk: Object, resource: Resource, name: str, answer: str, subresource: str = ""
) -> Object:
    operation = _common(action, gvk, resource, subresource)
    operation["produces"] = list(JSON_TYPES)
    operation["schemes"] = ["https"]
    parameters = [
        {"in": "query", "name": p, "type": _TYPES.get(p, "string"), "uniqueItems": True} for p in _PARAMETERS.get(action, ())
    ]
    if action in ("post", "put", "patch"):
        body = schemas.ref(PATCH if action == "patch" else name)
        parameters.append({"in": "body", "name": "body", "required": True, "schema": body})
        operation["consumes"] = list(PATCH_TYPES) if action == "patch" else ["*/*"]
    operation["parameters"] = parameters
    operation["responses"] = {
        "200": {"description": "OK", "schema": schemas.ref(answer)},
        "401": {"description": "Unauthorized"},
    }
    return operation


def _place(resource: Resource, single: bool, version3: bool) -> list[Object]:
    names = (["name"] if single else []) + (["namespace"] if resource.namespaced else [])
    text: Object = {"schema": {"type": "string", "uniqueItems": True}} if version3 else {"type": "string", "uniqueItems": True}
    found = [{"in": "path", "name": name, "required": True, **text} for name in names]
    return [*found, {"in": "query", "name": "pretty", **text}]
