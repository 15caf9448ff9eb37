"""The definitions of custom resources in OpenAPI: what their schemas say, in the dialects of version 2 and 3.

Version 2 has neither `oneOf` and its like nor `nullable`; what needs them is left open there, as the reference does it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.openapi.definitions import REFERENCE, Dialect, full_name

#: The schema of a version, as its definition has it.
Schemas = Callable[[Resource], Object]

_META = full_name("meta.v1.ObjectMeta")
_LIST_META = full_name("meta.v1.ListMeta")
#: What the definitions of custom resources need of the built-in ones.
NEEDED = (_META, _LIST_META)
_NOT_IN_V2 = frozenset({"oneOf", "anyOf", "allOf", "not", "nullable", "x-kubernetes-validations"})
_API_VERSION = "APIVersion defines which group and version of its schema the object follows."
_KIND = "Kind is the name of what the object is, in CamelCase."
_METADATA = "Standard object's metadata."


def name_of(group: str, version: str, kind: str) -> str:
    """`com.example.v1.Tool` of example.com/v1 Tool."""
    return ".".join([*reversed(group.split(".")), version, kind])


def definitions(resources: Iterable[Resource], schemas: Schemas, dialect: Dialect) -> dict[str, Object]:
    """The definitions of custom resources and of their lists, by name."""
    made: dict[str, Object] = {}
    for resource in resources:
        if resource.storage_version:
            name = name_of(resource.group, resource.version, resource.kind)
            made[name] = _object(resource, schemas(resource), dialect)
            made[name + "List"] = _list(resource, name, dialect)
    return made


def _object(resource: Resource, schema: Object, dialect: Dialect) -> Object:
    kind = [{"group": resource.group, "kind": resource.kind, "version": resource.version}]
    if dialect == "v2" and schema.get("x-kubernetes-preserve-unknown-fields"):
        # kubectl would take the fields that are named for all there may be.
        return {"type": "object", "x-kubernetes-group-version-kind": kind}
    own = schema if dialect == "v3" else _v2(schema)
    metadata = {"description": _METADATA, **_reference(_META, dialect)}
    properties = {**_head(), **(own.get("properties") or {}), "metadata": metadata}
    return {"type": "object", **own, "properties": properties, "x-kubernetes-group-version-kind": kind}


def _list(resource: Resource, name: str, dialect: Dialect) -> Object:
    items = {"type": "array", "items": {"$ref": REFERENCE[dialect] + name}, "description": f"Objects of kind {resource.kind}."}
    kind = [{"group": resource.group, "kind": resource.list_kind or resource.kind + "List", "version": resource.version}]
    return {
        "type": "object",
        "required": ["items"],
        "properties": {**_head(), "items": items, "metadata": _reference(_LIST_META, dialect)},
        "x-kubernetes-group-version-kind": kind,
    }


def _head() -> Object:
    return {
        "apiVersion": {"type": "string", "description": _API_VERSION},
        "kind": {"type": "string", "description": _KIND},
    }


def _reference(name: str, dialect: Dialect) -> Object:
    reference = {"$ref": REFERENCE[dialect] + name}
    return {"allOf": [reference]} if dialect == "v3" else reference


def _v2(schema: Any) -> Object:
    made = {key: value for key, value in schema.items() if key not in _NOT_IN_V2}
    if schema.get("nullable") or schema.get("x-kubernetes-int-or-string"):
        # A type would forbid what is allowed; without one, what lies below is not looked at either.
        for key in ("type", "items", "properties", "additionalProperties"):
            made.pop(key, None)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _v2(made[key])
        else:
            made.pop(key, None)
    if made.get("x-kubernetes-preserve-unknown-fields"):
        made.pop("items", None)
        made.pop("properties", None)
    if "properties" in made:
        made["properties"] = {name: _v2(one) for name, one in made["properties"].items()}
    return made
