"""Discovery: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api."""

import re

from tests.conformance.objects import definition
from tests.conformance.operations import in_discovery
from tests.conformance.rest import Api

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BUILT_IN = {"": "pods", "apps": "deployments", "batch": "jobs", "rbac.authorization.k8s.io": "roles"}


def _resources(document: dict) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in document["items"]:
        for version in group["versions"]:
            names = {resource["resource"] for resource in version["resources"]}
            found.setdefault(group["metadata"].get("name", ""), set()).update(names)
    return found


def test_every_group_has_resources(api: Api) -> None:
    """[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup [Conformance]"""
    for group in api.get("/apis")["groups"]:
        for version in group["versions"]:
            document = api.get(f"/apis/{version['groupVersion']}")
            assert document["groupVersion"] == version["groupVersion"] and document["resources"]
            for resource in document["resources"]:
                assert resource["kind"] and resource["verbs"] and isinstance(resource["namespaced"], bool)


def test_every_group_prefers_a_version(api: Api) -> None:
    """[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup [Conformance]"""
    for listed in api.get("/apis")["groups"]:
        group = api.get(f"/apis/{listed['name']}")
        assert group["preferredVersion"] in group["versions"] and group["preferredVersion"] == listed["preferredVersion"]


def test_aggregated(api: Api) -> None:
    """[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface [Conformance]
    [sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers [Conformance]
    """
    found: dict[str, set[str]] = {}
    for root in ("/api", "/apis"):
        code, document, headers = api.raw("GET", root, accept=AGGREGATED)
        assert code == 200 and document["kind"] == "APIGroupDiscoveryList"
        assert headers["Content-Type"] == AGGREGATED and headers["Etag"]
        found |= _resources(document)
        again = api.with_headers(If_None_Match=headers["Etag"])
        assert again.raw("GET", root, accept=AGGREGATED)[0] == 304
        again.close()
    assert all(resource in found[group] for group, resource in BUILT_IN.items())
    # Who names a version that there is not, gets the first that he takes besides.
    _, document, _ = api.raw("GET", "/apis", accept=f"{AGGREGATED.replace('v2', 'v9')},application/json")
    assert document["kind"] == "APIGroupList"


def test_aggregated_has_custom_resources(api: Api) -> None:
    """[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs [Conformance]
    [sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs [Conformance]
    """
    group = f"disc.{api.namespace}.example.com"
    api.create(DEFINITIONS, definition(group))
    api.until(f"/apis/{group}/v1", lambda found: [r for r in found["resources"] if r["name"] == "gizmos"])
    document = api.get("/apis", accept=AGGREGATED)
    (mine,) = [g for g in document["items"] if g["metadata"]["name"] == group]
    (resource,) = mine["versions"][0]["resources"]
    assert (
        resource["resource"] == "gizmos" and resource["responseKind"]["kind"] == "Gizmo" and resource["scope"] == "Namespaced"
    )
    assert [s["subresource"] for s in resource["subresources"]] == ["status"]
    api.delete(f"{DEFINITIONS}/gizmos.{group}")


def test_the_version(api: Api) -> None:
    """[sig-api-machinery] server version should find the server version [Conformance]"""
    version = api.get("/version")
    assert re.fullmatch(r"[1-9]", version["major"]) and re.fullmatch(r"\d+\+?", version["minor"])


def test_webhooks(api: Api) -> None:
    """[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents [Conformance]"""
    names = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    in_discovery(api, "admissionregistration.k8s.io", "v1", *names)
