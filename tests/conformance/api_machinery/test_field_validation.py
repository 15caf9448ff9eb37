"""Field validation: https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conformance.objects import definition
from tests.conformance.rest import APPLY, MERGE, Api
from tests.waiting import eventually

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _deployment(meta: str = "", spec: str = "", container: str = "") -> str:
    """A Deployment as text, with more text in the metadata, the spec and a container."""
    template = f'{{"metadata":{{"labels":{{"app":"web"}}}},"spec":{{"containers":[{{"name":"c","image":"i"{container}}}]}}}}'
    whole = f'{{{spec}"replicas":0,"selector":{{"matchLabels":{{"app":"web"}}}},"template":{template}}}'
    return f'{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web","labels":{{"app":"web"}}{meta}}},"spec":{whole}}}'


def test_typed_objects(api: Api) -> None:
    """[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object [Conformance]"""
    body = _deployment(
        spec='"paused":true,"unknown1":"v","paused":true,',
        container=',"unknownNested":"v","imagePullPolicy":"Always","imagePullPolicy":"Never"',
    )
    refused = api.refused("POST", "deployments.apps", body, fieldValidation="Strict")
    assert refused.code == 400
    for fault in (
        'unknown field "spec.unknown1"',
        'duplicate field "spec.paused"',
        'unknown field "spec.template.spec.containers[0].unknownNested"',
        'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
    ):
        assert fault in refused.message, refused.message
    api.call("POST", "deployments.apps", body, fieldValidation="Warn")
    assert len(api.warnings) == 4 and all(w.startswith("299 - ") for w in api.warnings)
    api.call("PUT", "deployments.apps/web", body, fieldValidation="Ignore")
    assert api.warnings == []
    patch = '{"spec":{"unknown":"a","replicas":0,"replicas":0}}'
    assert (
        'duplicate field "spec.replicas"'
        in api.refused("PATCH", "deployments.apps/web", patch, type=MERGE, fieldValidation="Strict").message
    )


def test_typed_metadata(api: Api) -> None:
    """[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object [Conformance]"""
    body = _deployment(meta=',"unknownMeta":"v"')
    refused = api.refused("POST", "deployments.apps", body, fieldValidation="Strict")
    assert 'unknown field "metadata.unknownMeta"' in refused.message
    applied = api.refused("PATCH", "deployments.apps/web", body, type=APPLY, fieldManager="m", fieldValidation="Strict")
    assert "metadata.unknownMeta" in applied.message


@pytest.fixture
def group(api: Api) -> Iterator[str]:
    """The group of the test's custom resources."""
    group = f"fv.{api.namespace}.example.com"
    yield group
    if api.find(f"{DEFINITIONS}/gizmos.{group}"):
        api.delete(f"{DEFINITIONS}/gizmos.{group}")


def _define(api: Api, group: str, schema: dict[str, Any] | None = None) -> str:
    api.create(DEFINITIONS, definition(group, schema=schema))
    path = f"/apis/{group}/v1/namespaces/{api.namespace}/gizmos"
    eventually(lambda: api.raw("GET", path)[0] == 200)
    return path


SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "foo": {"type": "string"},
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
                    "x-kubernetes-list-type": "map",
                    "items": {
                        "type": "object",
                        "required": ["containerPort", "protocol"],
                        "properties": {
                            "containerPort": {"type": "integer"},
                            "hostPort": {"type": "integer"},
                            "protocol": {"type": "string"},
                        },
                    },
                },
                "template": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "x-kubernetes-preserve-unknown-fields": True,
                },
            },
        }
    },
}


def _gizmo(group: str, spec: Any, **meta: Any) -> dict[str, Any]:
    return {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "g", **meta}, "spec": spec}


PORTS = [{"containerPort": 8080, "hostPort": 8081, "protocol": "TCP"}]


def test_a_valid_custom_resource(api: Api, group: str) -> None:
    """[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema [Conformance]"""
    path = _define(api, group, SCHEMA)
    made = api.apply(f"{path}/g", _gizmo(group, {"foo": "a", "ports": PORTS}), fieldValidation="Strict")
    assert made["spec"]["ports"] == PORTS


def test_unknown_fields_of_a_custom_resource(api: Api, group: str) -> None:
    """[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema [Conformance]"""
    path = _define(api, group, SCHEMA)
    spec = {"unknown": "x", "foo": "a", "ports": [{**PORTS[0], "extra": 1}]}
    refused = api.refused("POST", path, _gizmo(group, spec), fieldValidation="Strict")
    assert 'unknown field "spec.unknown"' in refused.message and 'unknown field "spec.ports[0].extra"' in refused.message
    refused = api.refused(
        "PATCH", f"{path}/g", _gizmo(group, {"unknown": "x"}), type=APPLY, fieldManager="m", fieldValidation="Strict"
    )
    assert refused.code in (400, 500) and ".spec.unknown: field not declared in schema" in refused.message


def test_no_schema_knows_all_fields(api: Api, group: str) -> None:
    """[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema [Conformance]"""
    path = _define(api, group)
    assert api.apply(f"{path}/g", _gizmo(group, {"any": {"thing": 1}}), fieldValidation="Strict")["spec"] == {
        "any": {"thing": 1}
    }


def test_duplicates_where_unknown_fields_are_kept(api: Api, group: str) -> None:
    """[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields [Conformance]"""
    path = _define(api, group)
    body = json.dumps(_gizmo(group, {"unknown": "a", "foo": "b"})).replace('"foo": "b"', '"foo": "b", "foo": "c"')
    assert 'duplicate field "spec.foo"' in api.refused("POST", path, body, fieldValidation="Strict").message
    yaml = f"apiVersion: {group}/v1\nkind: Gizmo\nmetadata: {{name: g}}\nspec:\n  foo: a\n  foo: b\n"
    refused = api.refused("PATCH", f"{path}/g", yaml, type=APPLY, fieldManager="m", fieldValidation="Strict")
    assert refused.code == 400 and "foo" in refused.message and "already set in map" in refused.message


def test_unknown_metadata_of_a_custom_resource(api: Api, group: str) -> None:
    """[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR [Conformance]"""
    path = _define(api, group, SCHEMA)
    template = {"apiVersion": "foo/v1", "kind": "Sub", "metadata": {"name": "sub", "unknownSubMeta": "x"}}
    refused = api.refused("POST", path, _gizmo(group, {"template": template}, unknownMeta="y"), fieldValidation="Strict")
    assert 'unknown field "metadata.unknownMeta"' in refused.message
    assert 'unknown field "spec.template.metadata.unknownSubMeta"' in refused.message
