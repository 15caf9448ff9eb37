"""OpenAPI 2 as protocol buffers, read back by the wire format alone."""

import orjson

from corral.server.openapi import gnostic

SCHEMA = {
    "description": "A thing.",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "ports": {"type": "array", "items": {"$ref": "#/definitions/Port"}, "x-kubernetes-patch-merge-key": "port"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "x-kubernetes-group-version-kind": [{"group": "g", "version": "v1", "kind": "Thing"}],
}
PATCH = {
    "tags": ["g_v1"],
    "description": "partially update",
    "operationId": "patchThing",
    "produces": ["application/json"],
    "consumes": ["application/merge-patch+json"],
    "schemes": ["https"],
    "parameters": [
        {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Patch"}},
        {"name": "dryRun", "in": "query", "description": "", "type": "string", "uniqueItems": True},
    ],
    "responses": {"200": {"description": "OK", "schema": {"$ref": "#/definitions/Thing"}}},
    "x-kubernetes-action": "patch",
}


def message(data):
    """field number → values: bytes of length-delimited fields, numbers of varints."""
    found, at = {}, 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    while at < len(data):
        tag = varint()
        if tag & 7 == 2:
            length = varint()
            value, at = data[at : at + length], at + length
        else:
            assert tag & 7 == 0
            value = varint()
        found.setdefault(tag >> 3, []).append(value)
    return found


def dig(data, *numbers):
    """The first value at a path of field numbers."""
    for number in numbers:
        data = message(data)[number][0]
    return data


def test_a_definition_keeps_its_fields_and_extensions():
    encoded = gnostic.definition("Thing", SCHEMA)
    assert dig(encoded, 1) == b"Thing"
    schema = message(dig(encoded, 2))
    assert schema[4] == [b"A thing."]
    assert schema[19] == [b"name"]
    assert dig(schema[22][0], 1) == b"object"
    properties = {dig(entry, 1).decode(): message(dig(entry, 2)) for entry in message(schema[25][0])[1]}
    assert dig(properties["ports"][23][0], 1, 1) == b"#/definitions/Port"
    assert dig(properties["labels"][21][0], 1, 22, 1) == b"string"
    extension = message(schema[31][0])
    assert extension[1] == [b"x-kubernetes-group-version-kind"]
    assert orjson.loads(dig(extension[2][0], 2)) == [{"group": "g", "version": "v1", "kind": "Thing"}]


def test_an_operation_keeps_its_parameters():
    encoded = gnostic.path("/things/{name}", {"patch": PATCH, "parameters": [_name()]})
    item = message(dig(encoded, 2))
    operation = message(item[8][0])
    assert operation[5] == [b"patchThing"]
    body, dry_run = (message(dig(parameter, 1)) for parameter in operation[8])
    assert dig(body[1][0], 5, 1) == b"#/definitions/Patch"
    assert message(body[1][0])[4] == [1]
    query = message(dig(dry_run[2][0], 3))
    assert (query[2], query[4], query[6], query[20]) == ([b"query"], [b"dryRun"], [b"string"], [1])
    assert dig(operation[9][0], 1, 2, 1, 2, 1, 1) == b"#/definitions/Thing"
    assert orjson.loads(dig(operation[13][0], 2, 2)) == "patch"
    path = message(dig(item[9][0], 1, 2, 4))
    assert (path[1], path[4]) == ([1], [b"name"])


def test_a_document_holds_paths_and_definitions():
    encoded = gnostic.document("T", "v1", [gnostic.path("/x", {"get": PATCH})], [gnostic.definition("Thing", SCHEMA)])
    assert dig(encoded, 1) == b"2.0"
    assert dig(encoded, 2, 1) == b"T"
    assert dig(encoded, 8, 2, 1) == b"/x"
    assert dig(encoded, 9, 1, 1) == b"Thing"
    assert dig(encoded, 13, 1, 1) == b"BearerToken"


def test_lengths_beyond_one_byte_are_right():
    text = "x" * 300
    assert dig(gnostic.definition("T", {"description": text}), 2, 4) == text.encode()


def _name():
    return {"name": "name", "in": "path", "description": "name of it", "required": True, "type": "string", "uniqueItems": True}
