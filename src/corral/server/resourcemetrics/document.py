"""What metrics.k8s.io/v1beta1 says of itself: discovery and OpenAPI."""

from functools import cache

from corral.api.objects import Object
from corral.server.health import VERSION as SERVER_VERSION

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
API_VERSION = f"{GROUP}/{VERSION}"
ROOT = f"/apis/{API_VERSION}"

RESOURCES: Object = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": API_VERSION,
    "resources": [
        {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]},
        {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]},
    ],
}
_PREFIX = "io.k8s.metrics.pkg.apis.metrics.v1beta1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_USAGE: Object = {
    "type": "object",
    "description": "Use by resource name: cpu in cores on average over the window, memory in bytes at its end.",
    "additionalProperties": {"type": "string"},
}


@cache
def openapi() -> Object:
    """The OpenAPI 3 document. Shared: read only."""
    pods, nodes = f"{ROOT}/namespaces/{{namespace}}/pods", f"{ROOT}/nodes"
    paths = {
        nodes: _path("NodeMetrics", "list"),
        f"{nodes}/{{name}}": _path("NodeMetrics", "get", "name"),
        f"{ROOT}/pods": _path("PodMetrics", "list"),
        pods: _path("PodMetrics", "list", "namespace"),
        f"{pods}/{{name}}": _path("PodMetrics", "get", "namespace", "name"),
    }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": SERVER_VERSION},
        "paths": paths,
        "components": {"schemas": dict(_schemas())},
    }


def _schemas() -> list[tuple[str, Object]]:
    container = {
        "type": "object",
        "description": "What one container uses.",
        "required": ["name", "usage"],
        "properties": {"name": {"type": "string", "description": "The container's name."}, "usage": _USAGE},
    }
    containers = {
        "type": "array",
        "description": "What each container uses.",
        "items": {"$ref": f"#/components/schemas/{_PREFIX}ContainerMetrics"},
    }
    return [
        (f"{_PREFIX}ContainerMetrics", container),
        *_kind("NodeMetrics", "What a node uses.", {"usage": _USAGE}),
        *_kind("PodMetrics", "What the containers of a pod use.", {"containers": containers}),
        (_META, {"type": "object", "description": "ObjectMeta is metadata that all persisted resources must have."}),
    ]


def _kind(kind: str, description: str, own: Object) -> list[tuple[str, Object]]:
    about: Object = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    properties = {
        **about,
        "metadata": {"allOf": [{"$ref": f"#/components/schemas/{_META}"}], "default": {}},
        "timestamp": {"type": "string", "format": "date-time", "description": "The end of the window."},
        "window": {"type": "string", "description": "Over how long CPU was measured, such as 15s."},
        **own,
    }
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{_PREFIX}{kind}"}}
    schema = {"type": "object", "description": description, "properties": properties, **_named(kind, many=True)}
    listing = {"type": "object", "properties": {**about, "items": items}, **_named(f"{kind}List", many=True)}
    return [(_PREFIX + kind, schema), (f"{_PREFIX}{kind}List", listing)]


def _named(kind: str, *, many: bool = False) -> Object:
    named = {"group": GROUP, "version": VERSION, "kind": kind}
    return {"x-kubernetes-group-version-kind": [named] if many else named}


def _path(kind: str, action: str, *parameters: str) -> Object:
    returned = f"#/components/schemas/{_PREFIX}{kind}{'List' if action == 'list' else ''}"
    answer = {"description": "OK", "content": {"application/json": {"schema": {"$ref": returned}}}}
    operation = {"responses": {"200": answer}, "x-kubernetes-action": action, **_named(kind)}
    item: Object = {"get": operation}
    if parameters:
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    return item
