"""Bodies in protobuf → the JSON shape, straight from the wire."""

import struct
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from corral.api.facts import Type
from corral.api.objects import Object
from corral.api.protobuf.messages import MAGIC, SCHEMA, ProtobufError, fields, json_type, message_of, messages

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Go leaves these out of JSON where they are zero, unless a pointer says that they were given.
_SCALARS = frozenset(("string", "bytes", "bool", "int32", "int64", "double"))
_VARINTS = frozenset(("bool", "int32", "int64"))
_ZEROS: tuple[Any, ...] = ("", 0, False, 0.0)


def decode_object(body: bytes) -> Object:
    """The object in `body`, with its apiVersion and kind. Raises ProtobufError."""
    if body[:4] != MAGIC:
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        unknown = _message(memoryview(body)[4:], "runtime.Unknown", None)
        head = unknown.get("typeMeta") or {}
        api_version, kind = head.get("apiVersion", ""), head.get("kind", "")
        name = message_of(api_version, kind)
        if name is None:
            raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
        raw = unknown.get("raw_bytes", b"")
        obj: Object = _message(memoryview(raw), name, json_type(name))
    except (IndexError, struct.error, UnicodeDecodeError, OverflowError) as error:
        raise ProtobufError(f"proto: {error}") from None
    return {"kind": kind, "apiVersion": api_version, **obj}


def _wire(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """The fields on the wire: number, wire type, value."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, wire, value
        elif wire == 2:
            size, at = _varint(data, at)
            if at + size > end:
                raise ProtobufError("unexpected EOF")
            yield number, wire, data[at : at + size]
            at += size
        elif wire == 1:
            yield number, wire, data[at : at + 8]
            at += 8
        elif wire == 5:
            yield number, wire, data[at : at + 4]
            at += 4
        else:
            raise ProtobufError(f"illegal wireType {wire}")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ProtobufError("integer overflow")


def _message(data: memoryview, message: str, type_: Type | None) -> Any:
    """The JSON value of a message."""
    special = _SPECIAL.get(message)
    if special is not None:
        return special(data)
    made: Object = {}
    shown = type_.fields if type_ is not None and type_.kind == "object" else None
    known = fields(message)
    for number, wire, value in _wire(data):
        field = known.get(number)
        if field is None:
            continue
        if message == "runtime.Unknown" and field.name == "raw":
            made["raw_bytes"] = bytes(_bytes(value))
            continue
        about = shown.get(field.name) if shown is not None else None
        if field.is_map:
            key, item = _entry(_bytes(value), field.type)
            made.setdefault(field.name, {})[key] = item
        elif field.repeated:
            made.setdefault(field.name, []).extend(_items(value, wire, field.type))
        elif shown is not None and about is None and field.type in messages():
            made.update(_message(_bytes(value), field.type, type_))
        else:
            item = _value(value, field.type)
            if item is None or (field.type in _SCALARS and item in _ZEROS and not (about and about.pointer)):
                continue
            made[field.name] = item
    return made


def _items(value: Any, wire: int, type_: str) -> list[Any]:
    if wire == 2 and type_ in ("int32", "int64", "bool"):
        found, at = [], 0
        while at < len(value):
            number, at = _varint(value, at)
            found.append(_value(number, type_))
        return found
    return [_value(value, type_)]


def _entry(data: memoryview, type_: str) -> tuple[str, Any]:
    key = ""
    item: Any = None
    for number, _, value in _wire(data):
        if number == 1:
            key = _value(value, "string")
        elif number == 2:
            item = _value(value, type_)
    if item is None:
        item = {"string": "", "bytes": "", "int64": 0, "int32": 0}.get(type_, {})
    return key, item


def _bytes(value: int | memoryview) -> memoryview:
    """A value that must not be a number. Raises ProtobufError."""
    if isinstance(value, int):
        raise ProtobufError("proto: wrong wireType = 0")
    return value


def _value(value: Any, type_: str) -> Any:
    if isinstance(value, int) is not (type_ in _VARINTS):
        raise ProtobufError(f"proto: wrong wireType for a field of type {type_}")
    match type_:
        case "string":
            return str(value, "utf-8")
        case "bool":
            return bool(value)
        case "int32" | "int64":
            return value - (1 << 64) if value >= 1 << 63 else value
        case "double":
            return struct.unpack("<d", value)[0]
        case "bytes":
            return b64encode(value).decode()
    return _message(value, type_, json_type(type_))


def _plain(data: memoryview) -> dict[int, Any]:
    return {number: value for number, _, value in _wire(data)}


def _time(data: memoryview) -> str | None:
    return _moment(data, "seconds")


def _micro_time(data: memoryview) -> str | None:
    return _moment(data, "microseconds")


def _moment(data: memoryview, precision: str) -> str | None:
    fields = _plain(data)
    seconds, nanos = _value(fields.get(1, 0), "int64"), _value(fields.get(2, 0), "int32")
    if not len(data) or seconds == -62135596800:
        return None
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _quantity(data: memoryview) -> str:
    text: str = _value(_plain(data).get(1, b""), "string")
    return text


def _int_or_string(data: memoryview) -> int | str:
    fields = _plain(data)
    if _value(fields.get(1, 0), "int64"):
        text: str = _value(fields.get(3, b""), "string")
        return text
    number: int = _value(fields.get(2, 0), "int32")
    return number


def _raw_json(data: memoryview) -> Any:
    raw = bytes(_bytes(_plain(data).get(1, b"")))
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProtobufError(str(error)) from None


def _strings(data: memoryview) -> list[str]:
    return [_value(value, "string") for number, _, value in _wire(data) if number == 1]


def _schema_or(other: Callable[[list[Any]], Any]) -> Callable[[memoryview], Any]:
    """A union of a JSON schema (field 2, or 1) with something else, as apiextensions has three of."""

    def read(data: memoryview) -> Any:
        return other(list(_wire(data)))

    return read


def _schema_or_array(fields: list[Any]) -> Any:
    many = [_value(value, SCHEMA) for number, _, value in fields if number == 2]
    one = [_value(value, SCHEMA) for number, _, value in fields if number == 1]
    return many or (one[0] if one else None)


def _schema_or_bool(fields: list[Any]) -> Any:
    for number, _, value in fields:
        if number == 2:
            return _value(value, SCHEMA)
    return any(_value(value, "bool") for number, _, value in fields if number == 1)


def _schema_or_strings(fields: list[Any]) -> Any:
    texts = [_value(value, "string") for number, _, value in fields if number == 2]
    one = [_value(value, SCHEMA) for number, _, value in fields if number == 1]
    return texts or (one[0] if one else [])


_SPECIAL: Mapping[str, Callable[[memoryview], Any]] = {
    "meta.v1.Time": _time,
    "meta.v1.MicroTime": _micro_time,
    "meta.v1.FieldsV1": _raw_json,
    "runtime.RawExtension": _raw_json,
    "apiextensions.v1.JSON": _raw_json,
    "api.resource.Quantity": _quantity,
    "util.intstr.IntOrString": _int_or_string,
    "meta.v1.Verbs": _strings,
    "authentication.v1.ExtraValue": _strings,
    "authorization.v1.ExtraValue": _strings,
    "certificates.v1.ExtraValue": _strings,
    "apiextensions.v1.JSONSchemaPropsOrArray": _schema_or(_schema_or_array),
    "apiextensions.v1.JSONSchemaPropsOrBool": _schema_or(_schema_or_bool),
    "apiextensions.v1.JSONSchemaPropsOrStringArray": _schema_or(_schema_or_strings),
}
