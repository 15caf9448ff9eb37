"""The OpenAPI documents: what kubectl reads out of them, without a server."""

from functools import cache

import orjson
import pytest

from corral.api.resources import Catalog, Resource
from corral.server.openapi import descriptions
from corral.server.openapi.documents import Documents
from corral.server.runtimeconfig import served

APPS = "apis/apps/v1"
POD_SPEC = "io.k8s.api.core.v1.PodSpec"


@cache
def documents():
    return Documents(served())


@cache
def v3(name):
    return orjson.loads(documents().v3(name).body)


@cache
def v2():
    return orjson.loads(documents().v2().body)


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_every_group_version_has_a_document():
    expected = {resource.base_path.removeprefix("/") for resource in served()}
    assert expected <= set(documents().hashes())
    assert {"api", "apis", "apis/apps", "version"} <= set(documents().hashes())


@pytest.mark.parametrize("name", ["api/v1", APPS, "apis/apiextensions.k8s.io/v1", "version"])
def test_every_reference_leads_to_a_schema_of_the_same_document(name):
    document = v3(name)
    schemas = {f"#/components/schemas/{found}" for found in document["components"]["schemas"]}
    assert set(references(document)) <= schemas


def test_every_reference_of_version_2_leads_somewhere():
    document = v2()
    assert set(references(document)) <= {f"#/definitions/{found}" for found in document["definitions"]}


def test_operation_ids_are_unique_and_are_those_that_generated_clients_are_named_by():
    ids = [
        operation["operationId"]
        for item in v2()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids))
    assert {
        "listCoreV1NamespacedPod",
        "listCoreV1PodForAllNamespaces",
        "readAppsV1NamespacedDeploymentScale",
        "connectCoreV1GetNamespacedPodExec",
        "deleteRbacAuthorizationV1CollectionClusterRole",
        "createCoreV1NamespacedServiceAccountToken",
        "watchCoreV1NodeList",
    } <= set(ids)


@pytest.mark.parametrize(
    ("path", "method", "action", "kind"),
    [
        ("/apis/apps/v1/namespaces/{namespace}/deployments", "get", "list", ("apps", "v1", "Deployment")),
        ("/apis/apps/v1/namespaces/{namespace}/deployments", "delete", "deletecollection", ("apps", "v1", "Deployment")),
        ("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "put", "put", ("autoscaling", "v1", "Scale")),
        ("/apis/apps/v1/watch/deployments", "get", "watchlist", ("apps", "v1", "Deployment")),
    ],
)
def test_operations_say_what_they_do_to_which_kind(path, method, action, kind):
    operation = v3(APPS)["paths"][path][method]
    assert operation["x-kubernetes-action"] == action
    assert operation["x-kubernetes-group-version-kind"] == dict(zip(("group", "version", "kind"), kind, strict=True))


def test_kubectl_finds_that_patches_take_field_validation_and_dry_runs():
    patch = v3(APPS)["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert {"dryRun", "fieldValidation", "fieldManager", "force"} <= {p["name"] for p in patch["parameters"]}
    assert "application/apply-patch+yaml" in patch["requestBody"]["content"]


def test_merge_keys_and_list_types_are_told():
    containers = v3(APPS)["components"]["schemas"][POD_SPEC]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-patch-strategy"] == "merge"
    assert containers["x-kubernetes-list-type"] == "map"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    assert v2()["definitions"][POD_SPEC]["properties"]["containers"]["x-kubernetes-patch-merge-key"] == "name"


def test_the_dialects_differ_where_they_must():
    name = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
    new, old = v3("api/v1")["components"]["schemas"][name], v2()["definitions"][name]
    assert new["oneOf"] == [{"type": "integer"}, {"type": "string"}]
    assert (old["type"], old["format"]) == ("string", "int-or-string")
    assert (
        v3("api/v1")["components"]["schemas"]["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"]["default"] == "TCP"
    )
    assert "default" not in v2()["definitions"]["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"]


def test_documents_do_without_prose(monkeypatch):
    monkeypatch.setattr(descriptions, "find_spec", lambda name: None)
    bare = Documents(served())
    assert bare.hashes()[APPS] != documents().hashes()[APPS]
    schema = orjson.loads(bare.v3(APPS).body)["components"]["schemas"][POD_SPEC]
    assert "description" not in schema
    assert schema["properties"]["containers"]["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}


def test_a_new_resource_changes_the_document_of_its_group_version_only():
    catalog = served()
    changing = Documents(catalog)
    before = changing.hashes()
    first = changing.v3("apis/batch/v1")
    assert changing.v3("apis/batch/v1") is first
    catalog.add(Resource("batch", "v1", "cronjobs2", "CronJob", "cronjob2", True, ("get",)))
    after = changing.hashes()
    assert {name for name in after if after[name] != before[name]} == {"apis/batch/v1"}
    assert "/apis/batch/v1/namespaces/{namespace}/cronjobs2/{name}" in orjson.loads(changing.v3("apis/batch/v1").body)["paths"]


def test_resources_whose_types_are_unknown_do_no_harm():
    catalog = Catalog([Resource("example.com", "v1", "gizmos", "Gizmo", "gizmo", True, ("get", "list"))])
    assert Documents(catalog).v3("apis/example.com/v1") is None
    assert orjson.loads(Documents(catalog).v2().body)["swagger"] == "2.0"


def test_schemas_say_what_describes_beside_the_types():
    """Defaults, unions and map types that are no facts of the types."""
    schemas = orjson.loads(Documents(served()).v3("api/v1").body)["components"]["schemas"]
    disk = schemas["io.k8s.api.core.v1.AzureDiskVolumeSource"]["properties"]
    assert (disk["fsType"]["default"], disk["readOnly"]["default"]) == ("ext4", False)
    union = schemas["io.k8s.api.core.v1.SeccompProfile"]["x-kubernetes-unions"]
    assert union == [{"discriminator": "type", "fields-to-discriminateBy": {"localhostProfile": "LocalhostProfile"}}]
    claim = schemas["io.k8s.api.core.v1.PersistentVolumeSpec"]["properties"]["claimRef"]
    assert claim["x-kubernetes-map-type"] == "granular"
