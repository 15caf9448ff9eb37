"""What a structural schema does to values: drops what it does not name, fills in defaults, finds repeated items, and its Type.

A schema is the JSON of apiextensions.v1.JSONSchemaProps.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning (and, there,
defaulting).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from corral.api.facts import Field, Type, named
from corral.api.fields import Errors, Path
from corral.api.golang import DecodeError, read
from corral.api.jsonvalues import repeated_keys
from corral.api.objects import Object, copied

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
_OF_ANY_OBJECT = ("apiVersion", "kind", "metadata")
_SCALARS = {"string": "string", "boolean": "bool", "integer": "int64", "number": "float64"}


def type_of(schema: Object) -> Type:
    """The type of the objects that `schema` describes, for reading them and for the ownership of their fields."""

    def reader(value: Any) -> tuple[Any, list[str]]:
        return read_object(value, schema)

    made = _type(schema)
    head = {"apiVersion": Type("string"), "kind": Type("string"), "metadata": named("meta.v1.ObjectMeta")}
    fields = {**made.fields, **{name: Field(name, type_) for name, type_ in head.items()}}
    return Type("object", fields=fields, preserve_unknown=bool(schema.get(PRESERVE)), reader=reader)


def _type(schema: Object) -> Type:
    if schema.get(INT_OR_STRING):
        return Type("int-or-string")
    kind, open_ = schema.get("type", ""), bool(schema.get(PRESERVE))
    if kind == "array":
        return Type("list", item=_type(schema.get("items") or {PRESERVE: True}))
    if kind != "object":
        return Type(_SCALARS.get(kind, "any"))
    atomic = schema.get(MAP_TYPE) == "atomic"
    properties: Mapping[str, Object] = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    if not properties and isinstance(others, dict):
        return Type("map", item=_type(others), atomic=atomic)
    if not properties and others is True:
        open_ = True
    fields = {name: _field(name, one) for name, one in properties.items()}
    if schema.get(EMBEDDED):
        fields |= {name: Field(name, Type("string")) for name in ("apiVersion", "kind")}
        fields["metadata"] = Field("metadata", named("meta.v1.ObjectMeta"))
    return Type("object", fields=fields, atomic=atomic, preserve_unknown=open_)


def _field(name: str, schema: Object) -> Field:
    list_type = schema.get(LIST_TYPE) or ""
    made = _type(schema)
    default = None
    if made.kind in ("string", "bool", "int64", "float64"):
        default = schema.get("default")
    keys = tuple(schema.get(LIST_KEYS) or ())
    return Field(name, made, list_type=list_type, map_keys=keys, atomic=made.atomic or list_type == "atomic", default=default)


def read_object(value: Any, schema: Object) -> tuple[Object, list[str]]:
    """A custom object without what is not its own, and the strict errors. Raises golang.DecodeError for bad metadata."""
    if not isinstance(value, dict):
        raise DecodeError("json: cannot unmarshal value into Go value of type map[string]interface {}")
    repeated = [f'duplicate field "{path}"' for path in repeated_keys(value)]
    meta, unknown = _metadata(value.get("metadata") or {}, "metadata")
    lost: list[str] = []
    made = pruned(_plain(value), schema, lost, is_object=True)
    made["metadata"] = {name: item for name, item in meta.items() if item is not None}
    return made, repeated + [f"unknown field {json.dumps(path, ensure_ascii=False)}" for path in (*unknown, *sorted(lost))]


def _metadata(value: Any, path: str) -> tuple[Object, list[str]]:
    """An object's metadata without what is not its own, and the paths of that. Raises golang.DecodeError."""
    meta, wrong = read(value, named("meta.v1.ObjectMeta"))
    return meta, [path + "." + text.removeprefix('unknown field "')[:-1] for text in wrong if text.startswith("unknown")]


def _plain(value: Any) -> Any:
    """The value with Go's numbers: a whole number that was written with a point is one without."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else float(value)
    return value


def pruned(value: Any, schema: Object, unknown: list[str], path: str = "", *, is_object: bool = False) -> Any:
    """`value` (which stays) without fields that `schema` does not name; the paths of what went are added to `unknown`.

    `is_object`: it has a type and metadata of its own, which stay.
    """
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            return [pruned(item, items, unknown, f"{path}[{i}]") for i, item in enumerate(value)]
        return value if schema.get(PRESERVE) else [_bare(item, unknown, f"{path}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    keeps_head = is_object or schema.get(EMBEDDED)
    made = {}
    for key, item in value.items():
        at = f"{path}.{key}" if path else key
        if keeps_head and key in _OF_ANY_OBJECT:
            made[key] = item if is_object or key != "metadata" else _embedded_metadata(item, unknown, at)
        elif key in properties:
            made[key] = pruned(item, properties[key], unknown, at)
        elif isinstance(others, dict):
            made[key] = pruned(item, others, unknown, at)
        elif others is True or schema.get(PRESERVE):
            made[key] = item
        else:
            unknown.append(at)
    return made


def _embedded_metadata(value: Any, unknown: list[str], path: str) -> Any:
    """The metadata of an object within an object: it too has known fields only. One that cannot be read is for validation."""
    try:
        _, lost = _metadata(value, path)
    except DecodeError:
        return value
    unknown += lost
    own = {name.removeprefix(path + ".") for name in lost}
    return {name: item for name, item in value.items() if name not in own} if lost else value


def _bare(value: Any, unknown: list[str], path: str) -> Any:
    return pruned(value, {}, unknown, path) if isinstance(value, dict | list) else value


def set_defaults(value: Any, schema: Object) -> None:
    """Fill in defaults, in place. A null that is not allowed, where there is a default, counts as absent."""
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            for i, item in enumerate(value):
                if item is None and "default" in items and not items.get("nullable"):
                    value[i] = copied(items["default"])
                set_defaults(value[i], items)
    elif isinstance(value, dict):
        properties: Mapping[str, Object] = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        for name, one in properties.items():
            if "default" in one and (name not in value or (value[name] is None and not one.get("nullable"))):
                value[name] = copied(one["default"])
            if isinstance(value.get(name), dict | list):
                set_defaults(value[name], one)
        if isinstance(others, dict):
            for name in value.keys() - properties.keys():
                if value[name] is None and "default" in others and not others.get("nullable"):
                    value[name] = copied(others["default"])
                set_defaults(value[name], others)


def has_defaults(schema: Any) -> bool:
    """Whether there is a default anywhere in the schema."""
    if isinstance(schema, list):
        return any(map(has_defaults, schema))
    if not isinstance(schema, dict):
        return False
    if "default" in schema:
        return True
    parts = [schema.get("items"), schema.get("additionalProperties"), *(schema.get("properties") or {}).values()]
    return any(map(has_defaults, parts))


def check_embedded(errs: Errors, value: Any, schema: Object, path: Path) -> None:
    """Objects within the object say what they are."""
    for at, item, of in _below(value, schema, path):
        if of.get(EMBEDDED) and isinstance(item, dict):
            for name in ("apiVersion", "kind"):
                if not isinstance(item.get(name), str) or not item[name]:
                    errs.required(at.child(name), "must not be empty")


def check_lists(errs: Errors, value: Any, schema: Object, path: Path) -> None:
    """Items of sets, and keys of lists that are maps, are there once."""
    for at, items, of in _below(value, schema, path):
        list_type = of.get(LIST_TYPE)
        if list_type not in ("set", "map") or not isinstance(items, list):
            continue
        seen: set[str] = set()
        keys, known = of.get(LIST_KEYS) or (), (of.get("items") or {}).get("properties") or {}
        for i, item in enumerate(items):
            shown = item
            if list_type == "map":
                if not isinstance(item, dict):
                    continue
                shown = {key: item.get(key, known.get(key, {}).get("default")) for key in keys}
                shown = {key: one for key, one in shown.items() if one is not None}
            text = json.dumps(shown, sort_keys=True)
            if text in seen:
                errs.duplicate(at.at(i), shown)
            seen.add(text)


def _below(value: Any, schema: Object, path: Path) -> Iterator[tuple[Path, Any, Object]]:
    """Every value that has a schema, the outermost first."""
    yield path, value, schema
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for i, item in enumerate(value):
            yield from _below(item, schema["items"], path.at(i))
    elif isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            if key in properties:
                yield from _below(item, properties[key], path.child(key))
            elif isinstance(others, dict):
                yield from _below(item, others, path.key(key))


def has_rules(schema: Any) -> bool:
    """Whether there are validation rules (CEL) anywhere in the schema."""
    if not isinstance(schema, dict):
        return False
    if schema.get("x-kubernetes-validations"):
        return True
    parts = [schema.get("items"), schema.get("additionalProperties"), *(schema.get("properties") or {}).values()]
    return any(map(has_rules, parts))
