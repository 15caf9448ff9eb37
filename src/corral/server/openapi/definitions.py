"""The types of the API as OpenAPI schemas, in the dialects of version 2 and 3.

The vendor extensions (`x-kubernetes-…`) are those of https://github.com/kubernetes/kube-openapi and of
https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from corral.api import facts
from corral.api.facts import Field, Type
from corral.api.objects import Object
from corral.server.openapi import extras
from corral.server.openapi.descriptions import Descriptions

Dialect = Literal["v2", "v3"]

REFERENCE = {"v2": "#/definitions/", "v3": "#/components/schemas/"}

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
#: Short names begin with the group's package; the packages that are not of k8s.io/api:
_PREFIXES = {
    "meta": "io.k8s.apimachinery.pkg.apis.",
    "version": "io.k8s.apimachinery.pkg.",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.",
}

PATCH = f"{_META}Patch"
STATUS = f"{_META}Status"
DELETE_OPTIONS = f"{_META}DeleteOptions"
WATCH_EVENT = f"{_META}WatchEvent"

_PLAIN: dict[str, Object] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "float64": {"type": "number", "format": "double"},
    "bytes": {"type": "string", "format": "byte"},
}
_NAMED = {
    "quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "int-or-string": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "time": f"{_META}Time",
    "micro-time": f"{_META}MicroTime",
    "schema-or-array": f"{_EXTENSIONS}JSONSchemaPropsOrArray",
    "schema-or-bool": f"{_EXTENSIONS}JSONSchemaPropsOrBool",
    "schema-or-strings": f"{_EXTENSIONS}JSONSchemaPropsOrStringArray",
}
_ANY = {
    "runtime.RawExtension": "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "v1.FieldsV1": f"{_META}FieldsV1",
    "v1.JSON": f"{_EXTENSIONS}JSON",
}
#: Definitions that are no structs: name → dialect → schema.
_SPECIAL: dict[str, dict[Dialect, Object]] = {
    _NAMED["quantity"]: {"v2": {"type": "string"}, "v3": {"oneOf": [{"type": "string"}, {"type": "number"}]}},
    _NAMED["int-or-string"]: {
        "v2": {"type": "string", "format": "int-or-string"},
        "v3": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    },
    **{
        _NAMED[name]: {"v2": {"type": "string", "format": "date-time"}, "v3": {"type": "string", "format": "date-time"}}
        for name in ("time", "micro-time")
    },
    **{
        name: {"v2": {"type": "object"}, "v3": {"type": "object"}}
        for name in (_ANY["runtime.RawExtension"], f"{_META}FieldsV1", PATCH)
    },
    **{
        name: {"v2": {}, "v3": {}}
        for name in (_ANY["v1.JSON"], *(name for kind, name in _NAMED.items() if kind.startswith("schema")))
    },
}
_ZEROS: dict[str, object] = {"string": "", "bool": False, "int32": 0, "int64": 0, "float64": 0.0, "object": {}}


def full_name(short: str) -> str:
    """`core.v1.Pod` → `io.k8s.api.core.v1.Pod`."""
    return _PREFIXES.get(short.split(".", 1)[0], "io.k8s.api.") + short


def short_name(full: str) -> str:
    """`io.k8s.api.core.v1.Pod` → `core.v1.Pod`."""
    for prefix in (*_PREFIXES.values(), "io.k8s.api."):
        short = full.removeprefix(prefix)
        if short != full and short.count(".") <= 2:
            return short
    raise KeyError(full)


def reachable(roots: Iterable[str]) -> list[str]:
    """The definitions (full names) that `roots` need, themselves included, sorted."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name not in _SPECIAL:
            for field in facts.named(short_name(name)).fields.values():
                waiting += _names(field.type)
    return sorted(found)


def _names(type_: Type) -> Iterator[str]:
    while type_.item is not None:
        type_ = type_.item
    name = definition_of(type_)
    if name:
        yield name


def definition_of(type_: Type) -> str:
    """The full name of the definition that a type refers to; "" where it is spelled out in place."""
    if type_.kind == "any":
        return _ANY.get(type_.go, "")
    if type_.kind == "object":
        return full_name(type_.name) if type_.name else ""
    return _NAMED.get(type_.kind, "")


def definition(name: str, dialect: Dialect, texts: Descriptions, kinds: list[Object]) -> Object:
    """The schema of a definition (full name). `kinds`: the group, version and kind of each use as an object of its own."""
    said = texts.get(name, {})
    schema: Object = {"description": said[""]} if said.get("") else {}
    if name in _SPECIAL:
        return {**schema, **_SPECIAL[name][dialect]}
    type_ = facts.named(short_name(name))
    schema |= structure(type_, dialect, said)
    if type_.atomic:
        schema["x-kubernetes-map-type"] = "atomic"
    if kinds:
        schema["x-kubernetes-group-version-kind"] = kinds
    return schema


def structure(type_: Type, dialect: Dialect, said: dict[str, str] | object) -> Object:
    """The schema of an object type, its fields spelled out."""
    texts = said if isinstance(said, dict) else {}
    schema: Object = {"type": "object"}
    required = [field.name for field in type_.fields.values() if field.required]
    if required:
        schema["required"] = required
    if type_.fields:
        schema["properties"] = {
            field.name: _property(type_.name, field, dialect, texts.get(field.name, "")) for field in type_.fields.values()
        }
    if found := extras.unions(type_.name):
        schema["x-kubernetes-unions"] = found
    if type_.preserve_unknown:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def _property(owner: str, field: Field, dialect: Dialect, text: str) -> Object:
    more: Object = {"description": text} if text else {}
    if dialect == "v3":
        default = extras.DEFAULTS.get(owner, {}).get(field.name, _default(field))
        if default is not None:
            more["default"] = default
    more |= _extensions(field)
    if (owner, field.name) in extras.GRANULAR:
        more["x-kubernetes-map-type"] = "granular"
    shape = value(field.type, dialect)
    if "$ref" in shape and dialect == "v3" and more:
        return {"allOf": [shape], **more}
    return {**shape, **more}


def _default(field: Field) -> object:
    if field.default is not None:
        return field.default
    return _ZEROS.get(field.type.kind) if field.keeps_zero and not field.pointer else None


def _extensions(field: Field) -> Object:
    found: Object = {}
    if field.list_type:
        found["x-kubernetes-list-type"] = field.list_type
        if field.map_keys:
            found["x-kubernetes-list-map-keys"] = list(field.map_keys)
    elif field.atomic and not field.type.atomic:
        found["x-kubernetes-list-type" if field.type.kind == "bytes" else "x-kubernetes-map-type"] = "atomic"
    if field.merge_key:
        found["x-kubernetes-patch-merge-key"] = field.merge_key
    if field.patch_strategy:
        found["x-kubernetes-patch-strategy"] = ",".join(field.patch_strategy)
    return found


def value(type_: Type, dialect: Dialect) -> Object:
    """The schema of a value of this type: a reference where it has a definition."""
    if type_.item is not None:
        inner = value(type_.item, dialect)
        return {"type": "array", "items": inner} if type_.kind == "list" else {"type": "object", "additionalProperties": inner}
    name = definition_of(type_)
    if name:
        return {"$ref": REFERENCE[dialect] + name}
    if type_.kind == "object":
        return structure(type_, dialect, {})
    return _PLAIN.get(type_.kind, {})
