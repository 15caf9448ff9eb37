"""Custom resources: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.conformance.objects import definition
from tests.conformance.operations import in_discovery, replace, status_verbs
from tests.conformance.rest import JSON_PATCH, Api
from tests.waiting import eventually

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
Define = Callable[..., str]


@pytest.fixture
def define(api: Api) -> Iterator[Define]:
    """Create a definition, wait until it is served; the path of its objects."""
    made: list[str] = []

    def call(body: dict[str, Any], version: str = "v1") -> str:
        name = body["metadata"]["name"]
        api.create(DEFINITIONS, body)
        made.append(name)
        api.until(f"{DEFINITIONS}/{name}", established)
        path = f"/apis/{body['spec']['group']}/{version}/namespaces/{api.namespace}/{body['spec']['names']['plural']}"
        eventually(lambda: api.raw("GET", path)[0] == 200)
        return path

    yield call
    for name in made:
        if api.find(f"{DEFINITIONS}/{name}"):
            api.delete(f"{DEFINITIONS}/{name}")


def established(found: dict[str, Any]) -> bool:
    return any(c["type"] == "Established" and c["status"] == "True" for c in found.get("status", {}).get("conditions", []))


def test_create_and_delete(api: Api, define: Define) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works [Conformance]"""
    group = f"a.{api.namespace}.example.com"
    path = define(definition(group))
    api.create(path, {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "g"}})
    api.delete(f"{DEFINITIONS}/gizmos.{group}")
    api.until_gone(f"{DEFINITIONS}/gizmos.{group}")
    eventually(lambda: api.raw("GET", path)[0] == 404)


def test_list_and_delete_a_collection(api: Api) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource definition objects works [Conformance]"""
    group, label = f"b.{api.namespace}.example.com", f"test={api.namespace}"
    for i in range(10):
        body = definition(group, f"things{i}", f"Thing{i}")
        body["metadata"]["labels"] = {"test": api.namespace}
        api.create(DEFINITIONS, body)
    assert len(api.names(DEFINITIONS, labelSelector=label)) == 10
    others = set(api.names(DEFINITIONS)) - set(api.names(DEFINITIONS, labelSelector=label))
    api.delete(DEFINITIONS, labelSelector=label)
    eventually(lambda: not api.names(DEFINITIONS, labelSelector=label))
    assert others <= set(api.names(DEFINITIONS)) | others


def test_status(api: Api, define: Define) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works [Conformance]"""
    group = f"c.{api.namespace}.example.com"
    define(definition(group))
    path = f"{DEFINITIONS}/gizmos.{group}"
    found = api.get(f"{path}/status")
    found["status"]["conditions"].append({"type": "Seen", "status": "True", "reason": "Test", "message": "x"})
    updated = replace(api, f"{path}/status", found)
    assert "Seen" in [c["type"] for c in updated["status"]["conditions"]]
    add = {
        "op": "add",
        "path": "/status/conditions/-",
        "value": {"type": "Patched", "status": "True", "reason": "T", "message": ""},
    }
    patched = api.patch(f"{path}/status", [add], JSON_PATCH)
    assert "Patched" in [c["type"] for c in patched["status"]["conditions"]]


def test_in_discovery(api: Api) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents [Conformance]"""
    in_discovery(api, "apiextensions.k8s.io", "v1", "customresourcedefinitions", "customresourcedefinitions/status")


def test_defaults_come_with_requests_and_with_what_is_stored(api: Api, define: Define) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works [Conformance]"""
    group = f"d.{api.namespace}.example.com"
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    path = define(definition(group, schema=schema))
    head = {"apiVersion": f"{group}/v1", "kind": "Gizmo"}
    made = api.create(path, {**head, "metadata": {"name": "one"}})
    assert "a" not in made
    where = "/spec/versions/0/schema/openAPIV3Schema/properties"
    crd = f"{DEFINITIONS}/gizmos.{group}"
    api.patch(crd, [{"op": "add", "path": f"{where}/a/default", "value": "A"}], JSON_PATCH)
    api.until(f"{path}/one", lambda found: found.get("a") == "A")
    assert api.create(path, {**head, "metadata": {"name": "two"}})["a"] == "A"
    remove, add = {"op": "remove", "path": f"{where}/a/default"}, {"op": "add", "path": f"{where}/b/default", "value": "B"}
    api.patch(crd, [remove, add], JSON_PATCH)
    api.until(f"{path}/two", lambda found: found.get("b") == "B")
    # What was defaulted when it was written is there; what was only shown is not.
    assert api.get(f"{path}/two")["a"] == "A" and "a" not in api.get(f"{path}/one")


def test_watch(api: Api, define: Define) -> None:
    """[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects [Conformance]"""
    group = f"e.{api.namespace}.example.com"
    body = definition(group)
    body["spec"]["scope"] = "Cluster"
    body["metadata"]["name"] = f"gizmos.{group}"
    api.create(DEFINITIONS, body)
    path = f"/apis/{group}/v1/gizmos"
    eventually(lambda: api.raw("GET", path)[0] == 200)
    a = api.watch(path, fieldSelector="metadata.name=a")
    b = api.watch(path, fieldSelector="metadata.name=b")
    for name in "ab":
        api.create(path, {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": name}})
    for name in "ab":
        api.patch(f"{path}/{name}", {"spec": {"dummy": name}})
    for name in "ab":
        api.delete(f"{path}/{name}")
    for name, watch in (("a", a), ("b", b)):
        seen = [watch.next() for _ in range(3)]
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in seen] == [
            (t, name) for t in ("ADDED", "MODIFIED", "DELETED")
        ]
        watch.close()
    api.delete(f"{DEFINITIONS}/gizmos.{group}")


def test_status_of_an_object_is_apart(api: Api, define: Define) -> None:
    """The status subresource of custom resources: generation counts the spec only."""
    group = f"f.{api.namespace}.example.com"
    path = define(definition(group))
    api.create(
        path, {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "g"}, "spec": {"a": 1}, "status": {"x": 1}}
    )
    assert "status" not in api.get(f"{path}/g")
    status_verbs(api, f"{path}/g")
    assert api.get(f"{path}/g")["metadata"]["generation"] == 1
    assert api.patch(f"{path}/g", {"spec": {"a": 2}, "status": {"conditions": []}})["metadata"]["generation"] == 2
    assert api.get(f"{path}/g")["status"]["conditions"]


def test_selectable_fields(api: Api, define: Define) -> None:
    """Field selectors of custom resources (KEP-4358), without a conversion."""
    group = f"g.{api.namespace}.example.com"
    schema = {
        "type": "object",
        "properties": {"hostPort": {"type": "string"}, "spec": {"type": "object", "properties": {"color": {"type": "string"}}}},
    }
    path = define(definition(group, schema=schema, selectableFields=[{"jsonPath": ".spec.color"}, {"jsonPath": ".hostPort"}]))
    watch = api.watch(path, fieldSelector="spec.color=blue")
    for name, color in (("one", "blue"), ("two", "red")):
        body = {
            "apiVersion": f"{group}/v1",
            "kind": "Gizmo",
            "metadata": {"name": name},
            "spec": {"color": color},
            "hostPort": "a:80",
        }
        api.create(path, body)
    assert api.names(path, fieldSelector="spec.color=blue") == ["one"]
    assert api.names(path, fieldSelector="spec.color!=blue,hostPort=a:80") == ["two"]
    assert api.refused("GET", path, fieldSelector="spec.shape=round").code == 400
    api.patch(f"{path}/two", {"spec": {"color": "blue"}})
    api.patch(f"{path}/one", {"spec": {"color": "red"}})
    api.delete(path, fieldSelector="spec.color=red")
    seen = [watch.next() for _ in range(3)]
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in seen] == [
        ("ADDED", "one"),
        ("ADDED", "two"),
        ("DELETED", "one"),
    ]
    watch.close()
    assert api.names(path) == ["two"]
