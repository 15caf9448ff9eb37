"""The JSON shape → protobuf.

Each message gets a writer, made when it is first needed: JSON field name → what writes it. A writer appends the fields that are
there; what JSON leaves out (zero values that Go omits) reads as zero in Go as well.
"""

import struct
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from corral.api.facts import Type
from corral.api.objects import Object
from corral.api.protobuf.messages import MAGIC, SCHEMA, ProtobufError, fields, json_type, message_of, messages
from corral.api.serialize import escaped

#: Appends a value to the bytes of the message that holds it.
_Write = Callable[[Any, bytearray], None]
#: The bytes of a value that is a message on the wire.
_Body = Callable[[Any], bytes | bytearray]

_KEPT_TIMES = 4096
_VARINT, _FIXED64, _BYTES = 0, 1, 2
#: Of runtime.Unknown, after the object: no encoding, no content type.
_PLAIN = b"\x1a\x00\x22\x00"


def encode_object(obj: Object) -> bytes:
    """The whole body of an object, with its apiVersion and kind. Raises ProtobufError for a kind that has no protobuf form."""
    api_version, kind = obj.get("apiVersion", ""), obj.get("kind", "")
    return enveloped(api_version, kind, encode_message(api_version, kind, obj))


def encode_message(api_version: str, kind: str, obj: Object) -> bytes:
    """The object's message only, as lists hold it. Raises ProtobufError."""
    name = message_of(api_version, kind)
    if name is None:
        raise ProtobufError(f'kind "{kind}" of version "{api_version}" has no protobuf form')
    return bytes(_body(name, json_type(name))(obj))


def enveloped(api_version: str, kind: str, message: bytes) -> bytes:
    """A message with the head that says what it is."""
    return b"".join((_head(api_version, kind), varint(len(message)), message, _PLAIN))


def list_item(message: bytes) -> bytes:
    """An object's message as it stands in a list."""
    return b"\x12" + varint(len(message)) + message


def list_parts(api_version: str, kind: str, metadata: Object, items: Sequence[bytes]) -> Iterator[bytes]:
    """The whole body of a list of `list_item`s, in parts."""
    head = bytes(_body("meta.v1.ListMeta", json_type("meta.v1.ListMeta"))(metadata))
    head = b"\x0a" + varint(len(head)) + head
    yield b"".join((_head(api_version, kind), varint(len(head) + sum(map(len, items))), head))
    yield from items
    yield _PLAIN


def watch_frame(type_: str, body: bytes) -> bytes:
    """One event of a watch: its length in four bytes and a WatchEvent that holds the body of an object."""
    name = type_.encode()
    raw = b"\x0a" + varint(len(body))
    size = len(raw) + len(body)
    event = b"".join((b"\x0a", varint(len(name)), name, b"\x12", varint(size), raw))
    return b"".join((struct.pack(">I", len(event) + len(body)), event, body))


@lru_cache(512)
def _head(api_version: str, kind: str) -> bytes:
    version, name = api_version.encode(), kind.encode()
    meta = b"".join((b"\x0a", varint(len(version)), version, b"\x12", varint(len(name)), name))
    return b"".join((MAGIC, b"\x0a", varint(len(meta)), meta, b"\x12"))


def varint(value: int) -> bytes:
    """A number that is not negative, seven bits a byte."""
    if value < 128:
        return _SMALL[value]
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = tuple(bytes((number,)) for number in range(128))


def _tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def _body(message: str, type_: Type | None) -> _Body:
    """What makes the bytes of a message."""
    special = _SPECIAL.get(message)
    if special is not None:
        return special
    known = _kept.get((message, type_.name if type_ is not None else ""))
    return known if known is not None else _object(message, type_)


#: (message, JSON type) → its writer. Filled before a writer's fields are, as messages hold themselves (JSON schemas).
_kept: dict[tuple[str, str], _Body] = {}


def _object(message: str, type_: Type | None) -> _Body:
    writers: dict[str, _Write] = {}
    #: JSON field → the message that Go embeds here and that holds it.
    inner: dict[str, str] = {}
    embedded: dict[str, _Write] = {}

    def write(obj: Any) -> bytearray:
        out = bytearray()
        within: dict[str, Object] | None = None
        for name, value in obj.items():
            if value is None:
                continue
            writer = writers.get(name)
            if writer is not None:
                writer(value, out)
            elif name in inner:
                if within is None:
                    within = {}
                within.setdefault(inner[name], {})[name] = value
        if within is not None:
            for name, part in within.items():
                embedded[name](part, out)
        return out

    _kept[message, type_.name if type_ is not None else ""] = write
    shown = type_.fields if type_ is not None and type_.kind == "object" else None
    for number, field in fields(message).items():
        if shown is not None and field.name not in shown and _is_embedded(field.type, field.repeated or field.is_map):
            embedded[field.name] = _single(number, _body(field.type, type_))
            for name in _names(field.type, type_):
                inner.setdefault(name, field.name)
        else:
            writers[field.name] = _writer(number, field.type, repeated=field.repeated, is_map=field.is_map)
    return write


def _is_embedded(type_: str, many: bool) -> bool:
    return not many and type_ in messages() and type_ not in _SPECIAL


def _names(message: str, type_: Type | None) -> list[str]:
    """The JSON fields that an embedded message holds, directly or in what it embeds itself."""
    shown = type_.fields if type_ is not None else {}
    found = []
    for field in fields(message).values():
        if field.name not in shown and _is_embedded(field.type, field.repeated or field.is_map):
            found += _names(field.type, type_)
        else:
            found.append(field.name)
    return found


def _writer(number: int, type_: str, *, repeated: bool, is_map: bool) -> _Write:
    if is_map:
        return _mapping(number, type_)
    one = _scalar(number, type_) or _later(number, type_)
    if not repeated:
        return one

    def many(value: Any, out: bytearray) -> None:
        for item in value:
            one(item, out)

    return many


def _later(number: int, type_: str) -> _Write:
    """Writes a message whose own writer is looked for when there is one to write."""
    writer: _Write | None = None

    def write(value: Any, out: bytearray) -> None:
        nonlocal writer
        if writer is None:
            writer = _single(number, _body(type_, json_type(type_)))
        writer(value, out)

    return write


def _single(number: int, body: _Body) -> _Write:
    tag = _tag(number, _BYTES)

    def write(value: Any, out: bytearray) -> None:
        inside = body(value)
        out += tag
        out += varint(len(inside))
        out += inside

    return write


def _scalar(number: int, type_: str) -> _Write | None:
    """What writes a text, number, bool or bytes; None for messages."""
    if type_ in ("string", "bytes"):
        return _single(number, str.encode if type_ == "string" else b64decode)
    if type_ in ("int32", "int64", "bool"):
        tag = _tag(number, _VARINT)

        def integer(value: Any, out: bytearray) -> None:
            out += tag
            out += varint(int(value) & 0xFFFFFFFFFFFFFFFF)

        return integer
    if type_ == "double":
        tag = _tag(number, _FIXED64)

        def double(value: Any, out: bytearray) -> None:
            out += tag + struct.pack("<d", value)

        return double
    return None


def _mapping(number: int, type_: str) -> _Write:
    tag = _tag(number, _BYTES)
    key = _single(1, str.encode)
    item = _scalar(2, type_) or _later(2, type_)

    def write(value: Any, out: bytearray) -> None:
        for name, held in value.items():
            entry = bytearray()
            key(name, entry)
            if held is not None:
                item(held, entry)
            out += tag
            out += varint(len(entry))
            out += entry

    return write


# Messages that are no objects in JSON.


@lru_cache(_KEPT_TIMES)
def _time(text: str | None) -> bytes:
    if not text:
        return b""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = int(moment.timestamp() // 1)
    out = bytearray()
    _SECONDS(seconds, out)
    if moment.microsecond:
        _NANOS(moment.microsecond * 1000, out)
    return bytes(out)


def _quantity(value: Any) -> bytes:
    return _one(str(value))


def _int_or_string(value: Any) -> bytes:
    out = bytearray()
    if isinstance(value, str):
        _KIND(1, out)
        _TEXT(value, out)
    else:
        _KIND(0, out)
        _NUMBER(value, out)
    return bytes(out)


def _raw_json(value: Any) -> bytes:
    return b"" if value is None else _one(escaped(orjson.dumps(value)))


def _one(value: str | bytes) -> bytes:
    """A message whose field 1 is a text."""
    text = value.encode() if isinstance(value, str) else value
    return b"".join((b"\x0a", varint(len(text)), text))


def _strings(values: Any) -> bytes:
    return b"".join(map(_one, values))


def _schema(number: int) -> _Write:
    return _later(number, SCHEMA)


def _schema_or(item: _Write) -> _Body:
    """Writes a JSON schema, or a list whose items `item` writes."""

    def body(value: Any) -> bytearray:
        out = bytearray()
        if isinstance(value, list):
            for one in value:
                item(one, out)
        else:
            _SCHEMA_1(value, out)
        return out

    return body


def _schema_or_bool(value: Any) -> bytearray:
    out = bytearray()
    if isinstance(value, bool):
        _KIND(value, out)
    else:
        _KIND(1, out)
        _SCHEMA_2(value, out)
    return out


_SECONDS, _NANOS = _writer(1, "int64", repeated=False, is_map=False), _writer(2, "int32", repeated=False, is_map=False)
_KIND, _NUMBER = _writer(1, "int64", repeated=False, is_map=False), _writer(2, "int32", repeated=False, is_map=False)
_TEXT, _TEXT_2 = _writer(3, "string", repeated=False, is_map=False), _writer(2, "string", repeated=False, is_map=False)
_SCHEMA_1, _SCHEMA_2 = _schema(1), _schema(2)

_SPECIAL: Mapping[str, _Body] = {
    "meta.v1.Time": _time,
    "meta.v1.MicroTime": _time,
    "meta.v1.FieldsV1": _raw_json,
    "meta.v1.Verbs": _strings,
    "runtime.RawExtension": _raw_json,
    "apiextensions.v1.JSON": _raw_json,
    "api.resource.Quantity": _quantity,
    "util.intstr.IntOrString": _int_or_string,
    "authentication.v1.ExtraValue": _strings,
    "authorization.v1.ExtraValue": _strings,
    "certificates.v1.ExtraValue": _strings,
    "apiextensions.v1.JSONSchemaPropsOrArray": _schema_or(_SCHEMA_2),
    "apiextensions.v1.JSONSchemaPropsOrBool": _schema_or_bool,
    "apiextensions.v1.JSONSchemaPropsOrStringArray": _schema_or(_TEXT_2),
}
