"""Lists by resourceVersion, resourceVersionMatch, limit and continue: the table of the API concepts page, cell by cell.

https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list; of the conformance suite:
"[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls" and "... should
support continue listing from the last key if the original version has been compacted away, though the list is inconsistent".
"""

import orjson
import pytest

from corral.server.request import LOOPBACK, Request

PATH = "/api/v1/namespaces/default/configmaps"


class World:
    """Three config maps, of which "b" was changed and "d" came after `then`."""

    def __init__(self, server) -> None:
        self.server = server
        self.then = ""

    async def make(self) -> "World":
        client = self.server.client()
        for name in ("a", "b", "c"):
            await client.create(
                "configmaps", {"metadata": {"name": name, "labels": {"n": name}}, "data": {"v": "1"}}, "default"
            )
        self.then = str(self.server.api.core.cache.revision)
        await client.patch("configmaps", "b", {"data": {"v": "2"}}, "default")
        await client.create("configmaps", {"metadata": {"name": "d"}}, "default")
        return self

    @property
    def now(self) -> str:
        return str(self.server.api.core.cache.revision)

    async def list(self, **query: str):
        query = {name.rstrip("_"): value for name, value in query.items()}
        response = await self.server.api.handle(Request("GET", PATH, query, {}, user=LOOPBACK))
        return orjson.loads(response.body)


def shown(answer) -> tuple[str, str]:
    """The names, and what "b" was."""
    by_name = {item["metadata"]["name"]: item.get("data", {}).get("v", "") for item in answer["items"]}
    return "".join(by_name), by_name.get("b", "")


THEN, NOW = ("abc", "1"), ("abcd", "2")

#: (resourceVersion, resourceVersionMatch, limited) → what is seen.
CELLS = [
    ("", "", False, NOW),
    ("", "", True, NOW),
    ("0", "", False, NOW),
    ("0", "", True, NOW),
    ("0", "NotOlderThan", False, NOW),
    ("0", "NotOlderThan", True, NOW),
    ("then", "", False, NOW),
    ("then", "", True, THEN),
    ("then", "Exact", False, THEN),
    ("then", "Exact", True, THEN),
    ("then", "NotOlderThan", False, NOW),
    ("then", "NotOlderThan", True, NOW),
]


@pytest.mark.parametrize(("version", "match", "limited", "expected"), CELLS)
def test_which_state_is_seen(story, version, match, limited, expected):
    async def tell(server):
        world = await World(server).make()
        query = {"resourceVersion": world.then if version == "then" else version, "resourceVersionMatch": match}
        query = {name: value for name, value in query.items() if value}
        if not limited:
            answer = await world.list(**query)
        else:
            answer = await world.list(**query, limit="3")
            if "continue" in answer["metadata"]:
                assert len(answer["items"]) == 3 and answer["metadata"]["remainingItemCount"] == 1
                rest = await world.list(limit="3", continue_=answer["metadata"]["continue"])
                assert rest["metadata"] == {"resourceVersion": answer["metadata"]["resourceVersion"]}
                answer["items"] += rest["items"]
        assert shown(answer) == expected
        revision = world.then if expected == THEN else world.now
        assert answer["metadata"]["resourceVersion"] == revision

    story(tell)


def test_a_limit_is_not_kept_where_any_state_will_do(story):
    async def tell(server):
        world = await World(server).make()
        answer = await world.list(resourceVersion="0", limit="1")
        assert shown(answer) == NOW and "continue" not in answer["metadata"]

    story(tell)


def test_an_expired_token_tells_how_to_go_on(story):
    async def tell(server):
        world = await World(server).make()
        first = await world.list(limit="2")
        token = first["metadata"]["continue"]
        await server.client().delete("configmaps", "c", "default")
        await server.client().create("configmaps", {"metadata": {"name": "e"}}, "default")
        await server.api.core.store.compact(server.api.core.cache.revision)
        server.api.core.cache.forget(server.api.core.cache.revision)
        gone = await world.list(limit="2", continue_=token)
        assert (gone["code"], gone["reason"]) == (410, "Expired")
        assert "use the continue token in this response to retrieve the remainder" in gone["message"]
        second = await world.list(limit="1", continue_=gone["metadata"]["continue"])
        assert shown(second)[0] == "d"
        assert second["metadata"]["remainingItemCount"] == 1
        assert second["metadata"]["resourceVersion"] == world.now
        third = await world.list(limit="1", continue_=second["metadata"]["continue"])
        assert shown(third)[0] == "e" and "continue" not in third["metadata"]

    story(tell)


def test_an_exact_revision_that_is_compacted_is_gone(story):
    async def tell(server):
        world = await World(server).make()
        await server.api.core.store.compact(server.api.core.cache.revision)
        server.api.core.cache.forget(server.api.core.cache.revision)
        gone = await world.list(resourceVersion=world.then, resourceVersionMatch="Exact")
        assert (gone["code"], gone["reason"]) == (410, "Expired")
        assert gone["message"] == "The resourceVersion for the provided list is too old."

    story(tell)


def test_what_is_left_is_not_counted_through_selectors(story):
    async def tell(server):
        world = await World(server).make()
        answer = await world.list(labelSelector="n in (a,b,c)", limit="2")
        assert shown(answer)[0] == "ab" and "remainingItemCount" not in answer["metadata"]
        answer = await world.list(labelSelector="n in (a,b,c)", limit="2", continue_=answer["metadata"]["continue"])
        assert shown(answer)[0] == "c" and "continue" not in answer["metadata"]

    story(tell)


def test_a_name_is_found_without_looking_at_the_others(story):
    async def tell(server):
        world = await World(server).make()
        assert shown(await world.list(fieldSelector="metadata.name=b"))[0] == "b"
        assert shown(await world.list(fieldSelector="metadata.name=b,metadata.namespace=elsewhere"))[0] == ""
        assert shown(await world.list(fieldSelector="metadata.name=b", labelSelector="n=a"))[0] == ""
        assert shown(await world.list(fieldSelector="metadata.name=nothing"))[0] == ""

    story(tell)


def test_fields_of_pods_select_as_the_reference_selects(story):
    """Values that stand in the object, and zero values that do not."""

    async def tell(server):
        client = server.client()
        container = {"name": "c", "image": "i"}
        for name, node in (("bound", "n1"), ("waiting", "")):
            spec = {"containers": [container], **({"nodeName": node} if node else {})}
            await client.create("serviceaccounts", {"metadata": {"name": "default"}}, "default") if name == "bound" else None
            await client.create("pods", {"metadata": {"name": name}, "spec": spec}, "default")

        async def select(selector: str) -> str:
            path = "/api/v1/namespaces/default/pods"
            response = await server.api.handle(Request("GET", path, {"fieldSelector": selector}, {}, user=LOOPBACK))
            return " ".join(item["metadata"]["name"] for item in orjson.loads(response.body)["items"])

        assert await select("spec.nodeName=n1") == "bound"
        assert await select("spec.nodeName=") == "waiting"
        assert await select("spec.nodeName!=n1") == "waiting"
        assert await select("status.phase=Pending,spec.nodeName=n1") == "bound"
        assert await select("status.phase=Running") == ""
        assert await select("spec.hostNetwork=false") == "bound waiting"
        assert await select("spec.hostNetwork=true") == ""

    story(tell)
