"""The OpenAPI v2 document as gnostic's protobuf (`openapi.v2.Document`), which kubectl before 1.27 insists on.

Field numbers are those of gnostic's OpenAPIv2.proto. Values without a type of their own (extensions) travel as YAML text.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from corral.api.objects import Object

METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encode(document: Object) -> bytes:
    """The bytes of a v2 document."""
    return b"".join(
        (
            _text(1, document["swagger"]),
            _message(2, _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])),
            _message(8, _named(2, document["paths"], _path)),
            _message(9, _named(1, document["definitions"], _schema)),
        )
    )


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode()) if text else b""


def _texts(number: int, texts: Iterable[str]) -> bytes:
    return b"".join([_message(number, text.encode()) for text in texts])


def _flag(number: int, value: Any) -> bytes:
    return _varint(number << 3) + b"\1" if value else b""


def _named(number: int, values: Mapping[str, Object], encode: Callable[[Object], bytes]) -> bytes:
    return b"".join([_message(number, _text(1, name) + _message(2, encode(value))) for name, value in values.items()])


def _any(value: Any) -> bytes:
    return _message(2, orjson.dumps(value) + b"\n")


def _extensions(number: int, schema: Object) -> bytes:
    found = [(name, value) for name, value in schema.items() if name.startswith("x-")]
    return b"".join([_message(number, _text(1, name) + _message(2, _any(value))) for name, value in found])


def _schema(schema: Object) -> bytes:
    parts = [
        _text(1, schema.get("$ref", "")),
        _text(2, schema.get("format", "")),
        _text(4, schema.get("description", "")),
        _texts(19, schema.get("required", ())),
    ]
    if "additionalProperties" in schema:
        parts.append(_message(21, _message(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_message(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_message(23, _message(1, _schema(schema["items"]))))
    if "properties" in schema:
        parts.append(_message(25, _named(1, schema["properties"], _schema)))
    parts.append(_extensions(31, schema))
    return b"".join(parts)


def _path(item: Object) -> bytes:
    parts = [_message(number, _operation(item[method])) for method, number in METHODS.items() if method in item]
    return b"".join(parts) + _parameters(9, item.get("parameters", ()))


def _operation(operation: Object) -> bytes:
    return b"".join(
        (
            _texts(1, operation["tags"]),
            _text(3, operation["description"]),
            _text(5, operation["operationId"]),
            _texts(6, operation["produces"]),
            _texts(7, operation.get("consumes", ())),
            _parameters(8, operation["parameters"]),
            _message(9, _named(1, operation["responses"], _response)),
            _texts(10, operation["schemes"]),
            _extensions(13, operation),
        )
    )


def _response(response: Object) -> bytes:
    data = _text(1, response["description"])
    if "schema" in response:
        data += _message(2, _message(1, _schema(response["schema"])))
    return _message(1, data)


def _parameters(number: int, parameters: Iterable[Object]) -> bytes:
    return b"".join([_message(number, _message(1, _parameter(parameter))) for parameter in parameters])


def _parameter(parameter: Object) -> bytes:
    name, where = parameter["name"], parameter["in"]
    if where == "body":
        body = _text(2, name) + _text(3, where) + _flag(4, parameter.get("required"))
        return _message(1, body + _message(5, _schema(parameter["schema"])))
    data = _flag(1, parameter.get("required")) + _text(2, where) + _text(4, name)
    if where == "query":
        return _message(2, _message(3, data + _text(6, parameter["type"]) + _flag(20, parameter.get("uniqueItems"))))
    return _message(2, _message(4, data + _text(5, parameter["type"]) + _flag(19, parameter.get("uniqueItems"))))
