"""From a body to an object, or to a 400 that says why not."""

from typing import Any

import orjson
import pytest

from corral.api.decode import decode
from corral.api.errors import ApiError


def config_map(**more: Any) -> bytes:
    return orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **more})


def refused(body: bytes, **options: Any) -> str:
    with pytest.raises(ApiError) as caught:
        decode(body, "", "v1", "ConfigMap", **options)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")
    return caught.value.message


def test_missing_kind_and_version_are_those_of_the_path() -> None:
    obj, warnings = decode(b'{"metadata":{"name":"a"}}', "apps", "v1", "Deployment")
    assert (obj["apiVersion"], obj["kind"], warnings) == ("apps/v1", "Deployment", [])


def test_an_empty_object_is_an_object() -> None:
    assert decode(b"null", "", "v1", "ConfigMap")[0] == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}


def test_yaml_is_read_too() -> None:
    obj, _ = decode(
        b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: |\n    b\n", "", "v1", "ConfigMap", yaml=True
    )
    assert obj["data"] == {"a": "b\n"}


def test_unknown_fields_are_refused_warned_of_or_ignored() -> None:
    body = config_map(bogus=1)
    assert refused(body, validation="Strict") == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "bogus"'
    )
    assert decode(body, "", "v1", "ConfigMap")[1] == ['unknown field "bogus"']
    assert decode(body, "", "v1", "ConfigMap", validation="Ignore")[1] == []


def test_repeated_keys_are_told() -> None:
    body = b'{"metadata":{"name":"a","labels":{"x":"1","x":"2"}},"data":{},"data":{"k":"v"}}'
    obj, warnings = decode(body, "", "v1", "ConfigMap")
    assert warnings == ['duplicate field "data"', 'duplicate field "metadata.labels.x"']
    assert obj["metadata"]["labels"] == {"x": "2"}
    assert 'key "data" already set in map' in refused(b"data: {a: b}\ndata: {a: c}", yaml=True, validation="Strict")


def test_numbers_are_told_as_they_were_written() -> None:
    with pytest.raises(ApiError) as caught:
        decode(b'{"spec":{"replicas":1e2}}', "apps", "v1", "Deployment")
    assert caught.value.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number 1e2'
        " into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b'{"apiVersion":"v1","kind":"Pod"}',
            'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
        ),
        (
            b'{"apiVersion":"v9","kind":"ConfigMap"}',
            'ConfigMap in version "v9" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v9"'
            ' in scheme "pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            b"",
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
            "unexpected end of JSON input (<empty>)",
        ),
        (
            b'{"kind":5}',
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
            'json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})',
        ),
        (
            b'{"apiVersion":"a/b/c","kind":"ConfigMap"}',
            "the object provided is unrecognized (must be of type ConfigMap): unexpected GroupVersion string: a/b/c"
            ' ({"apiVersion":"a/b/c","kind":" ...)',
        ),
    ],
)
def test_bodies_of_another_kind_are_refused(body: bytes, message: str) -> None:
    assert refused(body) == message


def test_what_is_no_object_is_shown_in_hexadecimal_digits() -> None:
    assert refused(b'"x"').endswith("(227822)")


def test_another_version_of_the_same_kind_is_named() -> None:
    with pytest.raises(ApiError) as caught:
        decode(
            b'{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler"}', "autoscaling", "v2", "HorizontalPodAutoscaler"
        )
    assert caught.value.message == (
        "the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)"
    )
