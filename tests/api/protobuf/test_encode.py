"""Objects in protobuf: what is written reads the same again, for every kind.

https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding.
"""

import random
import string
import struct
from base64 import b64encode

import pytest

from corral.api import facts
from corral.api.facts import Type
from corral.api.golang import filled, read
from corral.api.protobuf import (
    ProtobufError,
    decode_object,
    encode_message,
    encode_object,
    enveloped,
    list_item,
    list_parts,
    watch_frame,
)

DEPTH = 9
OWN_KINDS = frozenset(facts.kinds().values())


class Maker:
    """Makes objects of a type at random: many of the fields, few items, every sort of scalar."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def value(self, type_: Type, depth: int) -> object:
        dice = self.dice
        match type_.kind:
            case "object":
                left = () if depth <= 0 else type_.fields.values()
                # The kind of an object within an object does not travel.
                absent = ("kind", "apiVersion") if type_.name in OWN_KINDS else ()
                left = [field for field in left if field.name not in absent]
                return {field.name: self.value(field.type, depth - 1) for field in left if dice.random() < 0.6}
            case "list":
                return [self.value(type_.item, depth - 1) for _ in range(dice.randint(1, 2))] if depth > 0 else []
            case "map":
                return {self.text(): self.value(type_.item, depth - 1) for _ in range(dice.randint(1, 2))} if depth > 0 else {}
        return self.scalar(type_.kind, depth)

    def text(self) -> str:
        return "".join(self.dice.choices(string.ascii_letters + "äß€𝄞/. ", k=self.dice.randint(1, 200)))

    def scalar(self, kind: str, depth: int) -> object:
        dice = self.dice
        schema = facts.named("apiextensions.v1.JSONSchemaProps")
        match kind:
            case "string":
                return self.text()
            case "bool":
                return dice.random() < 0.5
            case "int32":
                return dice.choice((0, 1, -1, 127, 128, 2**31 - 1, -(2**31)))
            case "int64":
                return dice.choice((0, 1, -1, 300, 2**63 - 1, -(2**63)))
            case "float64":
                return dice.choice((0.5, -1.25, 3.0, 1e300))
            case "bytes":
                return b64encode(dice.randbytes(dice.randint(1, 300))).decode()
            case "quantity":
                return dice.choice(("100m", "1Gi", "0", "5", "-3", "1500m"))
            case "int-or-string":
                return dice.choice((0, -5, 80, "http", "25%"))
            case "time":
                return dice.choice(("2023-11-14T22:13:20Z", "1969-07-20T20:17:40Z", "0005-01-01T00:00:00Z"))
            case "micro-time":
                return dice.choice(("2023-11-14T22:13:20.123456Z", "2023-11-14T22:13:20.000000Z"))
            case "schema-or-array":
                return dice.choice((self.value(schema, depth - 4), [self.value(schema, depth - 4)]))
            case "schema-or-bool":
                return dice.choice((True, False, self.value(schema, depth - 4)))
            case "schema-or-strings":
                return dice.choice((["a", "b"], self.value(schema, depth - 4)))
        return {"f:a": {"k": [1, 2.5, None, "x", {"y": True}]}}


#: WatchEvents travel without the head of an object.
KINDS = sorted(kind for kind in facts.kinds() if kind[2] != "WatchEvent")


@pytest.mark.parametrize("kind", KINDS, ids="/".join)
def test_every_kind_reads_the_same_again(kind):
    group, version, name = kind
    type_ = facts.schema(*kind)
    for seed in range(6):
        given = Maker(seed).value(type_, DEPTH)
        given |= {"kind": name, "apiVersion": f"{group}/{version}" if group else version}
        obj = filled(read(given, type_)[0], type_)
        again = decode_object(encode_object(obj))
        assert filled(read(again, type_)[0], type_) == obj


def test_the_bytes_of_an_object():
    """The head, then the message; numbers and texts as the wire has them."""
    obj = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": "v"}}
    message = b"\x0a\x03\x0a\x01a" + b"\x12\x06\x0a\x01k\x12\x01v"
    assert encode_message("v1", "ConfigMap", obj) == message
    head = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap"
    assert encode_object(obj) == head + b"\x12" + bytes([len(message)]) + message + b"\x1a\x00\x22\x00"


def test_a_pointer_to_zero_is_there():
    obj = {"spec": {"replicas": 0, "selector": {}, "template": {}}}
    assert (
        decode_object(enveloped("apps/v1", "Deployment", encode_message("apps/v1", "Deployment", obj)))["spec"]["replicas"] == 0
    )


def test_lists_join_their_items():
    items = [list_item(encode_message("v1", "ConfigMap", {"metadata": {"name": name}})) for name in ("a", "b" * 200)]
    metadata = {"resourceVersion": "7", "continue": "token", "remainingItemCount": 3}
    found = decode_object(b"".join(list_parts("v1", "ConfigMapList", metadata, items)))
    assert found["metadata"] == metadata
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "b" * 200]


def test_a_status():
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "no",
        "reason": "NotFound",
        "details": {
            "name": "a",
            "kind": "pods",
            "causes": [{"reason": "R", "message": "m", "field": "f"}],
            "retryAfterSeconds": 1,
        },
        "code": 404,
    }
    assert decode_object(encode_object(status)) == status


def test_a_watch_frame_holds_a_whole_body():
    body = encode_object({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a" * 300}})
    frame = watch_frame("ADDED", body)
    assert struct.unpack(">I", frame[:4])[0] == len(frame) - 4
    assert frame[4:11] == b"\x0a\x05ADDED"
    assert frame.endswith(body)
    assert frame.index(body) == 4 + 7 + 1 + 2 + 1 + 2


def test_what_has_no_protobuf_form():
    with pytest.raises(ProtobufError, match="has no protobuf form"):
        encode_object({"kind": "Gizmo", "apiVersion": "example.com/v1", "metadata": {}})
