"""APIServices of custom resources come and go with their definitions."""

from tests.server.conftest import until

from corral.server.aggregation.autoregister import MANAGED, wanted
from corral.testing.server import RunningServer

DEFINITIONS, API_SERVICES = "customresourcedefinitions.apiextensions.k8s.io", "apiservices.apiregistration.k8s.io"


def definition(plural: str, *versions: str) -> dict:
    schema = {"openAPIV3Schema": {"type": "object"}}
    names = {"plural": plural, "singular": plural[:-1], "kind": plural[:-1].title(), "listKind": f"{plural[:-1].title()}List"}
    served = [{"name": name, "served": True, "storage": name == versions[0], "schema": schema} for name in versions]
    about = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": served}
    return {**about, "metadata": {"name": f"{plural}.example.com"}, "spec": spec}


def test_only_versions_that_are_served_have_one():
    one = definition("boats", "v1", "v2")
    one["spec"]["versions"][1]["served"] = False
    assert wanted("v1.example.com", [one]) is not None
    assert wanted("v2.example.com", [one]) is None
    assert wanted("v1.example.org", [one]) is None


def test_they_come_with_the_first_definition_and_go_with_the_last(story):
    async def told(server: RunningServer) -> None:
        client = server.client()
        found = server.api.core.cache.collection(API_SERVICES)
        await client.create(DEFINITIONS, definition("boats", "v1", "v2"))
        await client.create(DEFINITIONS, definition("ships", "v1"))
        await until(lambda: found.get("", "v1.example.com") and found.get("", "v2.example.com"))
        made = found.get("", "v1.example.com").object
        assert made["metadata"]["labels"] == {MANAGED: "true"}
        assert (made["spec"]["groupPriorityMinimum"], made["spec"]["versionPriority"]) == (1000, 100)
        assert made["status"]["conditions"][0]["reason"] == "Local"
        await client.delete(DEFINITIONS, "boats.example.com")
        await until(lambda: not found.get("", "v2.example.com"))
        assert found.get("", "v1.example.com")
        await client.delete(DEFINITIONS, "ships.example.com")
        await until(lambda: not found.get("", "v1.example.com"))

    story(told)


def test_one_that_is_deleted_while_it_is_needed_comes_back(story):
    async def told(server: RunningServer) -> None:
        client = server.client()
        found = server.api.core.cache.collection(API_SERVICES)
        await client.create(DEFINITIONS, definition("boats", "v1"))
        await until(lambda: found.get("", "v1.example.com"))
        uid = found.get("", "v1.example.com").object["metadata"]["uid"]
        await client.delete(API_SERVICES, "v1.example.com")
        await until(lambda: (item := found.get("", "v1.example.com")) and item.object["metadata"]["uid"] != uid)

    story(told)
