"""Bodies in protobuf."""

import random
import struct

import orjson
import pytest

from corral.api.protobuf import ProtobufError, decode_object


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields: tuple[int, object]) -> bytes:
    """Fields on the wire: texts and messages are length-delimited, integers varints, floats doubles."""
    parts = []
    for number, given in fields:
        value = given.encode() if isinstance(given, str) else given
        if isinstance(value, bytes):
            parts.append(varint(number << 3 | 2) + varint(len(value)) + value)
        elif isinstance(value, float):
            parts.append(varint(number << 3 | 1) + struct.pack("<d", value))
        else:
            parts.append(varint(number << 3) + varint(int(value) % (1 << 64)))
    return b"".join(parts)


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\0" + message((1, message((1, api_version), (2, kind))), (2, raw))


def test_a_config_map():
    meta = message((1, "a"), (2, ""), (8, b""), (11, message((1, "app"), (2, "x"))))
    raw = message((1, meta), (2, message((1, "k"), (2, "v"))), (3, message((1, "b"), (2, b"\x00\x01"))))
    assert decode_object(body("v1", "ConfigMap", raw)) == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "a", "labels": {"app": "x"}},
        "data": {"k": "v"},
        "binaryData": {"b": "AAE="},
    }


def test_embedded_messages_pointers_and_unions():
    secret = message((6, message((1, "s"))))
    volume = message((1, "v"), (2, secret))
    probe = message((1, message((2, message((1, "/"), (2, message((1, 1), (3, "http"))))))), (3, -5))
    security = message((2, 0), (3, 0))
    resources = message((1, message((1, "cpu"), (2, message((1, "100m"))))))
    container = message((1, "c"), (8, resources), (10, probe), (15, message((4, 0))))
    spec = message((1, volume), (2, container), (4, 0), (14, security))
    found = decode_object(body("v1", "Pod", message((2, spec))))["spec"]
    assert found["volumes"] == [{"name": "v", "secret": {"secretName": "s"}}]
    assert found["terminationGracePeriodSeconds"] == 0
    assert found["securityContext"]["runAsUser"] == 0
    assert found["containers"][0]["resources"]["limits"] == {"cpu": "100m"}
    assert found["containers"][0]["livenessProbe"] == {"httpGet": {"path": "/", "port": "http"}, "timeoutSeconds": -5}
    assert found["containers"][0]["securityContext"]["runAsUser"] == 0


def test_times():
    owner = message((8, message((1, 1_700_000_000))), (1, "e"))
    event = message((1, owner), (10, message((1, 1_700_000_000), (2, 123_456_000))))
    found = decode_object(body("v1", "Event", event))
    assert found["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert found["eventTime"] == "2023-11-14T22:13:20.123456Z"


@pytest.mark.parametrize(
    "bad",
    [b"", b"k8s\0\xff", b"json", body("v1", "Pod", b"\x0a\xff\xff"), body("v1", "Nonsense", b""), body("v1", "Pod", b"\x0f")],
)
def test_what_is_no_such_body(bad):
    with pytest.raises(ProtobufError):
        decode_object(bad)


def mutated(good: bytes, dice: random.Random) -> bytes:
    """The body with some bytes changed, lost or added."""
    data = bytearray(good)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(4, len(data))
        match dice.randrange(3):
            case 0:
                data[at] = dice.randrange(256)
            case 1:
                del data[at : min(at + dice.randint(1, 9), len(data) - 1)]
            case _:
                data[at:at] = dice.randbytes(dice.randint(1, 9))
        if len(data) < 8:
            break
    return bytes(data)


def test_what_was_damaged_is_an_object_or_refused():
    """Bytes that are not what their field should be are told so; nothing else goes wrong, and what is read can be written."""
    dice = random.Random(7)
    container = message((1, "c"), (8, message((1, message((1, "cpu"), (2, message((1, "1"))))))), (6, message((1, 80))))
    meta = message(
        (1, "p"), (8, message((1, 1_700_000_000))), (11, message((1, "a"), (2, "b"))), (17, message((7, message((1, "{}")))))
    )
    pod = body("v1", "Pod", message((1, meta), (2, message((2, container), (4, 30), (11, 1)))))
    schema = message(
        (5, "object"), (29, message((1, "x"), (2, message((24, message((1, message((5, "string"))))), (30, message((1, 1)))))))
    )
    version = message((1, "v1"), (2, 1), (4, message((1, schema))))
    names = message((1, "as"), (4, "A"))
    definition = body(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", message((2, message((1, "g"), (3, names), (7, version))))
    )
    outcomes = {True: 0, False: 0}
    for _ in range(4000):
        try:
            orjson.dumps(decode_object(mutated(dice.choice((pod, definition)), dice)))
        except ProtobufError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
    assert all(outcomes.values())
