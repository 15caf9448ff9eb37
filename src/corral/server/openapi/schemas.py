"""Type facts → JSON schemas, under the names that the reference gives its definitions."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from corral.api import facts
from corral.api.facts import Field, Type
from corral.api.objects import Object
from corral.api.resources import Resource

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_PREFIXES = {
    "meta": "io.k8s.apimachinery.pkg.apis.",
    "runtime": "io.k8s.apimachinery.pkg.",
    "version": "io.k8s.apimachinery.pkg.",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.",
}
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_PLAIN: Mapping[str, Object] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "float64": {"type": "number", "format": "double"},
    "bytes": {"type": "string", "format": "byte"},
}
_NAMED = {
    "quantity": QUANTITY,
    "int-or-string": INT_OR_STRING,
    "time": _META + "Time",
    "micro-time": _META + "MicroTime",
}
_SHARED = ("meta.v1.Status", "meta.v1.DeleteOptions", "meta.v1.ListMeta")
PATCH = _META + "Patch"
STATUS = _META + "Status"
#: The version of the published schema whose descriptions are shown, if it is installed.
DESCRIBED_VERSION = "v1.36.0-local"


class Description(NamedTuple):
    """The prose of a definition."""

    text: str
    fields: Mapping[str, str]


def full_name(short: str) -> str:
    """`core.v1.Pod` → `io.k8s.api.core.v1.Pod`."""
    return _PREFIXES.get(short.partition(".")[0], "io.k8s.api.") + short


def descriptions() -> Mapping[str, Description]:
    """The prose of all definitions, from the package kubernetes-validate; empty where it is not installed."""
    try:
        from importlib.resources import files

        path = files("kubernetes_validate") / "kubernetes-json-schema" / DESCRIBED_VERSION / "_definitions.json"
        definitions = orjson.loads(path.read_bytes())["$defs"]
    except (ImportError, OSError):
        return {}
    return {
        name: Description(
            schema.get("description", ""),
            {field: about.get("description", "") for field, about in (schema.get("properties") or {}).items()},
        )
        for name, schema in definitions.items()
    }


class Schemas:
    """Makes the definitions of one document. `refs` is where they are: `#/definitions/` or `#/components/schemas/`."""

    def __init__(self, refs: str, prose: Mapping[str, Description]) -> None:
        self.made: dict[str, Object] = {}
        self._refs = refs
        self._prose = prose
        self._v3 = refs.startswith("#/components")

    def ref(self, name: str) -> Object:
        """A reference to a definition."""
        return {"$ref": self._refs + name}

    def add_kind(self, resource: Resource) -> str:
        """Define a resource's kind and its list; the name of the kind's definition."""
        short = facts.schema(resource.group, resource.version, resource.kind).name
        name = self.add(short)
        gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        self.made[name]["x-kubernetes-group-version-kind"] = [gvk]
        if "list" in resource.verbs:
            self._add_list(name, {**gvk, "kind": f"{resource.kind}List"})
        return name

    def add_shared(self) -> None:
        """Define what every document refers to."""
        for short in _SHARED:
            self.add(short)
        self.made.setdefault(PATCH, {"type": "object", "description": self._about(PATCH).text or "A patch."})

    def add(self, short: str) -> str:
        """Define a built-in type and all that it refers to; its full name."""
        name = full_name(short)
        if name in self.made:
            return name
        self.made[name] = {}
        type_ = facts.named(short)
        about = self._about(name)
        schema: Object = {"type": "object"}
        if about.text:
            schema["description"] = about.text
        fields = type_.fields
        if fields:
            schema["properties"] = {f.name: self._field(f, about.fields.get(f.name, "")) for f in fields.values()}
        required = sorted(f.name for f in fields.values() if f.required)
        if required:
            schema["required"] = required
        if type_.atomic:
            schema["x-kubernetes-map-type"] = "atomic"
        self.made[name] = schema
        return name

    def _add_list(self, item: str, gvk: Object) -> None:
        name = f"{item}List"
        if name in self.made:
            return
        about = self._about(name)
        text = {"type": "string"}
        self.made[name] = {
            "type": "object",
            "description": about.text or f"A list of {gvk['kind'].removesuffix('List')} objects.",
            "properties": {
                "apiVersion": text,
                "items": {"type": "array", "items": self.ref(item)},
                "kind": text,
                "metadata": self.ref(self.add("meta.v1.ListMeta")),
            },
            "required": ["items"],
            "x-kubernetes-group-version-kind": [gvk],
        }

    def _field(self, field: Field, prose: str) -> Object:
        schema = self._shape(field.type)
        if "$ref" in schema and prose and self._v3:
            schema = {"allOf": [schema]}
        if prose:
            schema["description"] = prose
        schema.update(_extensions(field))
        return schema

    def _shape(self, type_: Type) -> Object:
        if type_.kind in _PLAIN:
            return dict(_PLAIN[type_.kind])
        named = _NAMED.get(type_.kind)
        if named is not None:
            self._add_scalar(named)
            return self.ref(named)
        if type_.kind == "list" and type_.item is not None:
            return {"type": "array", "items": self._shape(type_.item)}
        if type_.kind == "map" and type_.item is not None:
            return {"type": "object", "additionalProperties": self._shape(type_.item)}
        if type_.kind == "object" and type_.name:
            return self.ref(self.add(type_.name))
        return {}

    def _add_scalar(self, name: str) -> None:
        if name in self.made:
            return
        about = self._about(name).text
        schema: Object = {"description": about} if about else {}
        if name == QUANTITY:
            schema |= {"oneOf": [{"type": "string"}, {"type": "number"}]} if self._v3 else {"type": "string"}
        elif name == INT_OR_STRING:
            schema |= {"oneOf": [{"type": "integer"}, {"type": "string"}]} if self._v3 else {"type": "string"}
            schema["format"] = "int-or-string"
        else:
            schema |= {"type": "string", "format": "date-time"}
        self.made[name] = schema

    def _about(self, name: str) -> Description:
        return self._prose.get(name) or Description("", {})


def _extensions(field: Field) -> Iterator[tuple[str, Any]]:
    if field.list_type:
        yield "x-kubernetes-list-type", field.list_type
    if field.map_keys:
        yield "x-kubernetes-list-map-keys", list(field.map_keys)
    if field.patch_strategy:
        yield "x-kubernetes-patch-strategy", ",".join(field.patch_strategy)
    if field.merge_key:
        yield "x-kubernetes-patch-merge-key", field.merge_key


@lru_cache(64)
def kind_name(group: str, version: str, kind: str) -> str:
    """The full name of a built-in kind's definition; '' where there is none."""
    return full_name(facts.schema(group, version, kind).name) if facts.has_schema(group, version, kind) else ""


def builtin(resources: Iterable[Resource]) -> list[Resource]:
    """Those whose types the facts know."""
    return [r for r in resources if facts.has_schema(r.group, r.version, r.kind)]
