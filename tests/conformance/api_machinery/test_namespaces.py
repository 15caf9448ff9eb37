"""Namespaces and what their deletion does: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/."""

from collections.abc import Iterator

import pytest
from tests.conformance.objects import config_map, pod, service
from tests.conformance.operations import replace
from tests.conformance.rest import JSON_PATCH, Api
from tests.waiting import eventually


@pytest.fixture
def space(api: Api) -> Iterator[str]:
    """The path of a namespace that the test may delete."""
    path = f"/api/v1/namespaces/{api.namespace}-x"
    api.create("/api/v1/namespaces", {"metadata": {"name": f"{api.namespace}-x"}})
    yield path
    if api.find(path):
        api.delete(path)


def test_patch(api: Api, space: str) -> None:
    """[sig-api-machinery] Namespaces [Serial] should patch a Namespace [Conformance]"""
    api.patch(space, {"metadata": {"labels": {"testLabel": "testValue"}}})
    assert api.get(space)["metadata"]["labels"]["testLabel"] == "testValue"


def test_update(api: Api, space: str) -> None:
    """[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace [Conformance]"""
    found = api.get(space)
    found["metadata"]["labels"]["updated"] = "yes"
    assert replace(api, space, found)["metadata"]["labels"]["updated"] == "yes"


def test_status(api: Api, space: str) -> None:
    """[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status [Conformance]"""
    assert api.get(space)["status"]["phase"] == "Active"
    condition = {"type": "StatusPatch", "status": "True", "reason": "E2E", "message": "Patched by an e2e test"}
    patched = api.patch(f"{space}/status", {"status": {"conditions": [condition]}})
    assert patched["status"]["conditions"][0]["type"] == "StatusPatch"
    found = api.get(f"{space}/status")
    found["status"]["conditions"].append({**condition, "type": "StatusUpdate"})
    updated = replace(api, f"{space}/status", found)
    assert [c["type"] for c in updated["status"]["conditions"]] == ["StatusPatch", "StatusUpdate"]
    assert updated["status"]["phase"] == "Active"


def test_finalizers_of_the_spec_are_changed_by_finalize(api: Api, space: str) -> None:
    """[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace [Conformance]"""
    found = api.get(space)
    found["spec"]["finalizers"].append("e2e.example.com/fakeFinalizer")
    found = replace(api, f"{space}/finalize", found)
    assert "e2e.example.com/fakeFinalizer" in api.get(space)["spec"]["finalizers"]
    found["spec"]["finalizers"].remove("e2e.example.com/fakeFinalizer")
    replace(api, f"{space}/finalize", found)
    assert api.get(space)["spec"]["finalizers"] == ["kubernetes"]


def test_deletion_removes_pods(api: Api, space: str) -> None:
    """[sig-api-machinery] Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted [Conformance]"""
    eventually(lambda: api.find(f"{space}/serviceaccounts/default"))
    api.create(f"{space}/pods", pod("p"))
    api.delete(space)
    api.until_gone(space)
    api.create("/api/v1/namespaces", {"metadata": {"name": space.rsplit("/", 1)[1]}})
    assert api.names(f"{space}/pods") == []


def test_deletion_removes_services(api: Api, space: str) -> None:
    """[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted [Conformance]"""
    api.create(f"{space}/services", service("s"))
    api.delete(space)
    api.until_gone(space)
    assert api.names(f"{space}/services") == []


def test_pods_go_first(api: Api, space: str) -> None:
    """[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first [Conformance]"""
    eventually(lambda: api.find(f"{space}/serviceaccounts/default"))
    api.create(f"{space}/pods", {**pod("p"), "metadata": {"name": "p", "finalizers": ["example.com/hold"]}})
    api.create(f"{space}/configmaps", {**config_map("c"), "metadata": {"name": "c", "finalizers": ["example.com/hold"]}})
    api.delete(space)
    api.until(f"{space}/pods/p", lambda found: found["metadata"].get("deletionTimestamp"))

    def told(found: dict) -> bool:
        conditions = {c["type"]: c for c in found["status"].get("conditions") or []}
        return conditions.get("NamespaceContentRemaining", {}).get("status") == "True"

    api.until(space, told)
    # What a pod may still need is there as long as the pod is.
    assert "deletionTimestamp" not in api.get(f"{space}/configmaps/c")["metadata"]
    refused = api.refused("POST", f"{space}/configmaps", config_map("late"))
    assert refused.reason == "Forbidden" and "because it is being terminated" in refused.message
    drop = [{"op": "remove", "path": "/metadata/finalizers"}]
    api.patch(f"{space}/pods/p", drop, JSON_PATCH)
    api.until(f"{space}/configmaps/c", lambda found: found["metadata"].get("deletionTimestamp"))
    api.patch(f"{space}/configmaps/c", drop, JSON_PATCH)
    api.until_gone(space)
