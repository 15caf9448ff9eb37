"""OpenAPI 2 as protocol buffers, which every kubectl up to 1.29 asks for.

The messages are those of https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto; only what our document uses is
written. Each function gives the content of one message.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from corral.api.objects import Object
from corral.api.protobuf.encode import varint

_VARINT, _BYTES = 0, 2

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def document(title: str, version: str, paths: Iterable[bytes], definitions: Iterable[bytes]) -> bytes:
    """The whole document, from `path` and `definition` messages."""
    token = _text(1, "apiKey") + _text(2, "authorization") + _text(3, "header") + _text(4, "Bearer Token authentication")
    return b"".join(
        (
            _text(1, "2.0"),
            _part(2, _text(1, title) + _text(2, version)),
            _part(8, b"".join(_part(2, path) for path in paths)),
            _part(9, b"".join(_part(1, definition) for definition in definitions)),
            _part(12, _part(1, _text(1, "BearerToken") + _part(2, b""))),
            _part(13, _part(1, _text(1, "BearerToken") + _part(2, _part(2, token)))),
        )
    )


def definition(name: str, schema: Object) -> bytes:
    """A schema and its name."""
    return _text(1, name) + _part(2, _schema(schema))


def path(name: str, item: Object) -> bytes:
    """A path and its operations."""
    body = b"".join(_part(number, _operation(item[method])) for method, number in _METHODS.items() if method in item)
    return _text(1, name) + _part(2, body + _parts(9, map(_parameter, item.get("parameters", ()))))


def _part(number: int, content: bytes) -> bytes:
    return varint(number << 3 | _BYTES) + varint(len(content)) + content


def _parts(number: int, contents: Iterable[bytes]) -> bytes:
    return b"".join(_part(number, content) for content in contents)


def _text(number: int, text: str) -> bytes:
    return _part(number, text.encode()) if text else b""


def _texts(number: int, texts: Iterable[str]) -> bytes:
    return b"".join(_part(number, text.encode()) for text in texts)


def _flag(number: int, flag: object) -> bytes:
    return varint(number << 3 | _VARINT) + b"\x01" if flag else b""


def _extensions(number: int, holder: Mapping[str, Any]) -> bytes:
    """Vendor extensions: their values are YAML, of which JSON is a part."""
    return b"".join(
        _part(number, _text(1, name) + _part(2, _part(2, orjson.dumps(value) + b"\n")))
        for name, value in holder.items()
        if name.startswith("x-")
    )


def _schema(schema: Mapping[str, Any]) -> bytes:
    parts = [
        _text(1, schema.get("$ref", "")),
        _text(2, schema.get("format", "")),
        _text(4, schema.get("description", "")),
        _texts(19, schema.get("required", ())),
    ]
    if "additionalProperties" in schema:
        parts.append(_part(21, _part(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_part(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_part(23, _part(1, _schema(schema["items"]))))
    if "properties" in schema:
        parts.append(_part(25, _parts(1, (definition(name, field) for name, field in schema["properties"].items()))))
    parts.append(_extensions(31, schema))
    return b"".join(parts)


def _operation(operation: Mapping[str, Any]) -> bytes:
    responses = (
        (_text(1, code) + _part(2, _part(1, _response(found)))) for code, found in operation.get("responses", {}).items()
    )
    return b"".join(
        (
            _texts(1, operation.get("tags", ())),
            _text(3, operation.get("description", "")),
            _text(5, operation.get("operationId", "")),
            _texts(6, operation.get("produces", ())),
            _texts(7, operation.get("consumes", ())),
            _parts(8, map(_parameter, operation.get("parameters", ()))),
            _part(9, _parts(1, responses)),
            _texts(10, operation.get("schemes", ())),
            _extensions(13, operation),
        )
    )


def _response(response: Mapping[str, Any]) -> bytes:
    schema = _part(2, _part(1, _schema(response["schema"]))) if "schema" in response else b""
    return _text(1, response.get("description", "")) + schema


def _parameter(parameter: Mapping[str, Any]) -> bytes:
    """A ParametersItem."""
    if parameter["in"] == "body":
        body = (
            _text(2, "body") + _text(3, "body") + _flag(4, parameter.get("required")) + _part(5, _schema(parameter["schema"]))
        )
        return _part(1, _part(1, body))
    head = _flag(1, parameter.get("required")) + _text(2, parameter["in"]) + _text(3, parameter.get("description", ""))
    head += _text(4, parameter["name"])
    if parameter["in"] == "path":
        other = _part(4, head + _text(5, parameter.get("type", "string")) + _flag(19, True))
    else:
        other = _part(3, head + _text(6, parameter.get("type", "string")) + _flag(20, True))
    return _part(1, _part(2, other))
