"""Discovery, health, metrics: the pages."""

import orjson
import pytest

from corral.api.resources import Catalog
from corral.server import discovery
from corral.server.request import ANONYMOUS, LOOPBACK, Request
from corral.server.runtimeconfig import served

CATALOG = served()
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def page(server, path, accept="", user=LOOPBACK, **query):
    return await server.api.handle(Request("GET", path, query, {"Accept": accept}, user=user))


def test_beta_versions_are_not_served():
    assert {resource.version for resource in CATALOG} == {"v1", "v2"}


def test_resources_with_their_subresources():
    found = {entry["name"]: entry for entry in discovery.resource_list(CATALOG, "", "v1")["resources"]}
    assert found["pods"]["shortNames"] == ["po"]
    assert found["pods"]["storageVersionHash"] == "xPOwRZ+Yhw8="
    assert found["pods/eviction"]["group"] == "policy"
    assert found["pods/exec"]["verbs"] == ["create", "get"]
    assert list(found) == sorted(found)


def test_the_first_version_of_a_group_is_preferred():
    assert discovery.group(CATALOG, "autoscaling")["preferredVersion"]["version"] == "v2"


def test_groups_that_are_not_there():
    assert discovery.group(CATALOG, "example.com") is None
    assert discovery.resource_list(CATALOG, "apps", "v9") is None
    assert discovery.group_list(Catalog())["groups"] == []


def test_pages_and_their_types(story):
    async def tell(server):
        for path, kind in [
            ("/api", "APIVersions"),
            ("/apis", "APIGroupList"),
            ("/apis/apps", "APIGroup"),
            ("/api/v1", "APIResourceList"),
        ]:
            assert orjson.loads((await page(server, path)).body)["kind"] == kind
        for path in ("/api", "/apis"):
            answer = await page(server, path, AGGREGATED)
            assert answer.content_type == "application/json" + discovery.AGGREGATED
            assert orjson.loads(answer.body)["kind"] == "APIGroupDiscoveryList"
        missing = await page(server, "/nope")
        assert (missing.status, missing.body) == (404, b"404 page not found\n")

    story(tell)


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version"])
def test_health_and_version_are_for_everybody(story, path):
    async def tell(server):
        assert (await page(server, path, user=ANONYMOUS)).status == 200
        assert (await page(server, "/metrics", user=ANONYMOUS)).status == 403

    story(tell)


def test_health_in_detail(story):
    async def tell(server):
        answer = await page(server, "/readyz", verbose="", exclude="etcd")
        assert b"[+]ping ok\n" in answer.body
        assert b"[+]etcd excluded: ok\n" in answer.body
        assert answer.body.endswith(b"readyz check passed\n")

    story(tell)


def test_metrics_count_requests(story):
    async def tell(server):
        await page(server, "/api/v1/pods")
        text = (await page(server, "/metrics")).body.decode()
        line = next(
            line for line in text.splitlines() if line.startswith("apiserver_request_total{") and 'resource="pods"' in line
        )
        assert 'verb="LIST"' in line

    story(tell)
