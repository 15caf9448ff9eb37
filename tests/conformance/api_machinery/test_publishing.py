"""The published schemas of custom resources: OpenAPI v2 and v3, and what kubectl makes of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests import kubectl as client
from tests.conformance.conftest import Kubectl
from tests.conformance.objects import definition
from tests.conformance.rest import JSON_PATCH, Api
from tests.waiting import eventually

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

SCHEMA: dict[str, Any] = {
    "description": "A gizmo for testing",
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "description": "What the gizmo is",
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "description": "How large"},
                "bars": {
                    "type": "array",
                    "description": "List of Bars and their specs.",
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string", "description": "Name of Bar."}, "age": {"type": "string"}},
                    },
                },
            },
        },
    },
}


@pytest.fixture
def group(api: Api) -> Iterator[str]:
    """A group; its definitions are deleted in the end."""
    group = f"pub.{api.namespace}.example.com"
    yield group
    for found in api.get(DEFINITIONS)["items"]:
        if found["spec"]["group"].endswith(group):
            api.delete(f"{DEFINITIONS}/{found['metadata']['name']}")


def _schemas(api: Api, group: str, version: str = "v1") -> dict[str, Any]:
    """The kinds of a group in OpenAPI v2."""
    reversed_group = ".".join(reversed(group.split(".")))
    prefix = f"{reversed_group}.{version}."
    definitions = api.get("/openapi/v2")["definitions"]
    return {name.removeprefix(prefix): schema for name, schema in definitions.items() if name.startswith(prefix)}


def _gizmo(group: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "g"}, **more}


def _explained(kubectl: Kubectl, group: str, field: str = "", *, code: int = 0) -> str:
    """What `kubectl explain` says of the group's gizmos, or of a `.field` of theirs."""
    if client.minor_version() < client.EXPLAINS_BY_GROUP:
        return kubectl("explain", f"gizmos{field}", "--api-version", f"{group}/v1", code=code)
    return kubectl("explain", f"gizmos.{group}{field}", code=code)


def test_a_validation_schema(api: Api, kubectl: Kubectl, group: str) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema [Conformance]"""
    api.create(DEFINITIONS, definition(group, schema=SCHEMA))
    published = eventually(lambda: _schemas(api, group).get("Gizmo"))
    assert published["properties"]["spec"]["required"] == ["size"] and "metadata" in published["properties"]
    assert published["x-kubernetes-group-version-kind"] == [{"group": group, "kind": "Gizmo", "version": "v1"}]
    good = _gizmo(group, spec={"size": 1, "bars": [{"name": "a", "age": "10"}]})
    kubectl("create", "-f", "-", input=good)
    kubectl("apply", "-f", "-", input=good)
    kubectl("delete", f"gizmos.{group}", "g")
    unknown, missing = 'unknown field "spec.foo"', "spec.size: Required value"
    if client.minor_version() < client.ASKS_THE_SERVER_TO_VALIDATE:  # It validates by the published schema itself.
        unknown, missing = 'ValidationError(Gizmo.spec): unknown field "foo"', 'missing required field "size"'
    for command in ("create", "apply"):
        assert unknown in kubectl(command, "-f", "-", code=1, input=_gizmo(group, spec={"size": 1, "foo": True}))
        assert missing in kubectl(command, "-f", "-", code=1, input=_gizmo(group, spec={"bars": []}))
    whole = r"(?s)DESCRIPTION:.*A gizmo for testing.*FIELDS:.*apiVersion.*<string>.*APIVersion defines.*spec.*<Object>.*What the gizmo is"
    assert re.search(whole, _explained(kubectl, group))
    assert re.search(
        r"(?s)DESCRIPTION:.*Standard object's metadata.*FIELDS:.*creationTimestamp.*<string>",
        _explained(kubectl, group, ".metadata"),
    )
    assert "What the gizmo is" in _explained(kubectl, group, ".spec")
    bars = _explained(kubectl, group, ".spec.bars")
    assert "List of Bars" in bars and "Name of Bar." in bars
    assert "does not exist" in _explained(kubectl, group, ".spec.bars2", code=1)


@pytest.mark.parametrize(
    ("schema", "spec"),
    [
        pytest.param({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"any": [1]}, id="root"),
        pytest.param(
            {
                "type": "object",
                "description": "Free",
                "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            },
            {"any": [1]},
            id="object",
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {
                    "spec": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                        "x-kubernetes-embedded-resource": True,
                    }
                },
            },
            {"apiVersion": "v1", "kind": "Any", "metadata": {"name": "x"}, "other": 1},
            id="embedded",
        ),
    ],
)
def test_unknown_fields_are_kept(api: Api, kubectl: Kubectl, group: str, schema: dict[str, Any], spec: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation schema [Conformance]
    [sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields at the schema root [Conformance]
    [sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields in an embedded object [Conformance]
    """
    api.create(DEFINITIONS, definition(group, schema=schema))
    published = eventually(lambda: _schemas(api, group).get("Gizmo"))
    kubectl("create", "-f", "-", input=_gizmo(group, spec=spec))
    kubectl("apply", "-f", "-", input=_gizmo(group, spec={**spec, "more": {"x": 1}}))
    assert json.loads(kubectl("get", f"gizmos.{group}", "g", "-o", "json"))["spec"]["more"] == {"x": 1}
    assert "Gizmo" in _explained(kubectl, group)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        assert published.keys() == {"type", "x-kubernetes-group-version-kind"}
        assert re.search(r"(?s)DESCRIPTION:.*<empty>", _explained(kubectl, group))
    if "properties" in schema:
        assert published["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] is True


def test_groups_versions_and_kinds(api: Api, group: str) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different groups [Conformance]
    [sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group but different versions [Conformance]
    [sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group and version but different kinds [Conformance]
    """
    first, other, third = definition(group), definition(f"other.{group}"), definition(group, "widgets", "Widget")
    first["spec"]["versions"].append({**first["spec"]["versions"][0], "name": "v2", "storage": False})
    for body in (first, other, third):
        api.create(DEFINITIONS, body)
    eventually(lambda: {"Gizmo", "Widget"} <= _schemas(api, group).keys())
    eventually(lambda: "Gizmo" in _schemas(api, group, "v2") and "Gizmo" in _schemas(api, f"other.{group}"))
    root = eventually(lambda: (paths := api.get("/openapi/v3")["paths"]) and f"apis/{group}/v2" in paths and paths)
    document = api.get(root[f"apis/{group}/v1"]["serverRelativeURL"].split("?")[0])
    assert f"/apis/{group}/v1/namespaces/{{namespace}}/gizmos" in document["paths"]


def test_a_version_is_renamed(api: Api, group: str) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one version gets renamed [Conformance]"""
    body = definition(group, schema=SCHEMA)
    body["spec"]["versions"].append({**body["spec"]["versions"][0], "name": "v3", "storage": False})
    api.create(DEFINITIONS, body)
    eventually(lambda: _schemas(api, group, "v3"))
    api.patch(
        f"{DEFINITIONS}/gizmos.{group}",
        [
            {"op": "test", "path": "/spec/versions/1/name", "value": "v3"},
            {"op": "replace", "path": "/spec/versions/1/name", "value": "v4"},
        ],
        JSON_PATCH,
    )
    eventually(lambda: _schemas(api, group, "v4") and not _schemas(api, group, "v3"))
    assert _schemas(api, group, "v1")["Gizmo"] and api.raw("GET", f"/apis/{group}/v3")[0] == 404


def test_a_version_is_not_served_any_more(api: Api, group: str) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one version gets changed to not be served [Conformance]"""
    body = definition(group, schema=SCHEMA)
    body["spec"]["versions"].append({**body["spec"]["versions"][0], "name": "v6alpha1", "storage": False})
    api.create(DEFINITIONS, body)
    eventually(lambda: _schemas(api, group, "v6alpha1"))
    api.patch(
        f"{DEFINITIONS}/gizmos.{group}",
        [{"op": "replace", "path": "/spec/versions/1/served", "value": False}],
        JSON_PATCH,
    )
    eventually(lambda: not _schemas(api, group, "v6alpha1"))
    assert "Gizmo" in _schemas(api, group, "v1")
