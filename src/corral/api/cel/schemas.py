"""Types and values of CEL from structural schemas: what `self` is, and how a custom resource's JSON becomes it.

A schema is the JSON of apiextensions.v1.JSONSchemaProps.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from corral.api import gotime
from corral.api.cel import times
from corral.api.cel import types as t
from corral.api.cel.errors import EvaluationError
from corral.api.cel.types import DYN, ObjectType, Type
from corral.api.cel.values import SECOND_NS, Duration, MapList, SetList, Timestamp
from corral.api.objects import Object
from corral.api.stringformats import day_of, duration_ns

Convert = Callable[[Any], Any]

_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"),
        *("let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
_IDENTIFIER = re.compile("[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_NAMEABLE = re.compile(r"[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*", re.ASCII)
_ESCAPED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_STRINGS = {"date-time": t.TIMESTAMP, "date": t.TIMESTAMP, "duration": t.DURATION, "byte": t.BYTES}
_SCALARS = {"string": t.STRING, "boolean": t.BOOL, "integer": t.INT, "number": t.DOUBLE}
#: The root of an object and of an embedded one have these besides.
HEAD: Object = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}},
}


def escaped(name: str) -> str:
    """A property's name as an expression writes it; "" if it has no such form."""
    if name in _RESERVED:
        return f"__{name}__"
    if not _NAMEABLE.fullmatch(name):
        return ""
    return re.sub(r"__|[.\-/]", lambda match: _ESCAPED[match[0]], name)


def type_of(schema: Object, name: str, *, is_root: bool = False) -> Type | None:
    """The type of the values of a schema; None where expressions can not speak of them. `name`: what objects are named by."""
    if schema.get("x-kubernetes-int-or-string"):
        return DYN
    kind = schema.get("type", "")
    if kind == "array":
        items = schema.get("items")
        item = type_of(items, f"{name}.@idx") if isinstance(items, dict) else None
        return t.list_of(item) if item is not None else None
    if kind == "object":
        return _object(schema, name, is_root=is_root)
    if kind == "string":
        return _STRINGS.get(schema.get("format", ""), t.STRING)
    return _SCALARS.get(kind)


def _object(schema: Object, name: str, *, is_root: bool) -> Type | None:
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        value = type_of(others, f"{name}.@elem")
        return t.map_of(t.STRING, value) if value is not None else None
    fields, names = {}, {}
    for key, inner in properties_of(schema, is_root=is_root).items():
        written = escaped(key)
        field = type_of(inner, f"{name}.{key}") if written else None
        if field is not None:
            fields[written], names[written] = field, key
    return ObjectType(name, fields, names, null_is_absent=True)


def properties_of(schema: Object, *, is_root: bool = False) -> Mapping[str, Object]:
    """The properties of an object, with those that every object has."""
    given: Mapping[str, Object] = schema.get("properties") or {}
    if not is_root and not schema.get("x-kubernetes-embedded-resource"):
        return given
    return {**given, **HEAD, "metadata": _metadata(given.get("metadata"))}


def _metadata(given: Object | None) -> Object:
    properties = {**(HEAD["metadata"]["properties"]), **((given or {}).get("properties") or {})}
    return {"type": "object", "properties": properties}


def converter(schema: Object) -> Convert | None:
    """What makes a value of CEL from one of JSON; None where they are the same, which is most often."""
    kind = schema.get("type", "")
    if schema.get("x-kubernetes-int-or-string"):
        return None
    if kind == "number":
        return _double
    if kind == "string":
        return _TEXTS.get(schema.get("format", ""))
    if kind == "array":
        return _list_converter(schema)
    return _object_converter(schema) if kind == "object" else None


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _list_converter(schema: Object) -> Convert | None:
    items = schema.get("items")
    inner = converter(items) if isinstance(items, dict) else None
    list_type, keys = schema.get("x-kubernetes-list-type"), tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if inner is None and list_type not in ("set", "map"):
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        made = value if inner is None else [None if item is None else inner(item) for item in value]
        if list_type == "set":
            return SetList(made)
        return MapList(made, keys) if list_type == "map" else made

    return convert


def _object_converter(schema: Object) -> Convert | None:
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        each = converter(others)
        if each is None:
            return None
        return lambda value: (
            {key: None if item is None else each(item) for key, item in value.items()} if isinstance(value, dict) else value
        )
    found = {key: converter(inner) for key, inner in (schema.get("properties") or {}).items()}
    changed = {key: convert for key, convert in found.items() if convert is not None}
    if not changed:
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = dict(value)
        for key, change in changed.items():
            if made.get(key) is not None:
                made[key] = change(made[key])
        return made

    return convert


def _date_time(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return times.parse_timestamp(text)
    except EvaluationError:
        pass
    try:
        return times.parse_timestamp(gotime.normal(text))
    except (ValueError, EvaluationError):
        return text


def _date(text: Any) -> Any:
    try:
        return Timestamp((day_of(text) - date(1970, 1, 1)).days * 86_400 * SECOND_NS)
    except (TypeError, ValueError, EvaluationError):
        return text


def _duration(text: Any) -> Any:
    try:
        return Duration(duration_ns(text))
    except (TypeError, AttributeError, ValueError, EvaluationError):
        return text


def _bytes(text: Any) -> Any:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        return text


#: Strings whose format makes them something else. What does not have its format stays a string, for which expressions then
#: have no overload; the schema's own check tells of it.
_TEXTS: dict[str, Convert] = {"date-time": _date_time, "date": _date, "duration": _duration, "byte": _bytes}
