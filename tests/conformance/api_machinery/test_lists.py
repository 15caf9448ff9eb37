"""Lists in chunks, and lists in other forms."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
from tests.conformance.objects import config_map
from tests.conformance.rest import Api

from corral.testing.server import running_server


def _template(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}


def test_chunks_are_of_one_moment(api: Api) -> None:
    """[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls [Conformance]"""
    names = [f"template-{i:04}" for i in range(400)]
    for name in names:
        api.create("podtemplates", _template(name))
    found: list[str] = []
    token, revision = "", ""
    while True:
        page = api.get("podtemplates", limit=17, **({"continue": token} if token else {}))
        meta = page["metadata"]
        revision = revision or meta["resourceVersion"]
        assert meta["resourceVersion"] == revision and len(page["items"]) <= 17
        found += [item["metadata"]["name"] for item in page["items"]]
        token = meta.get("continue", "")
        assert meta.get("remainingItemCount", 0) == len(names) - len(found)
        if not token:
            break
        if len(found) < 40:
            # What happens meanwhile is not in this list.
            api.create("podtemplates", _template(f"z-{len(found)}"))
            api.delete(f"podtemplates/{names[300 + len(found)]}")
    assert found == names
    assert len(api.names("podtemplates", limit=500)) == 400


def test_a_token_that_is_too_old_can_go_on_inconsistently(tmp_path: Path) -> None:
    """[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow] [Conformance]"""

    async def story() -> None:
        async with running_server(tmp_path) as server:
            client = server.client()
            for name in "abcd":
                await client.create("configmaps", {**config_map(name), "metadata": {"name": name, "namespace": "default"}})
            path = "/api/v1/namespaces/default/configmaps"
            headers = {"Authorization": f"Bearer {server.token}"}
            async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=server.tls())) as http:

                async def page(token: str) -> tuple[int, Any]:
                    query = {"limit": "2", **({"continue": token} if token else {})}
                    async with http.get(server.url + path, params=query) as answer:
                        return answer.status, await answer.json()

                _, first = await page("")
                await client.create("configmaps", {**config_map("c2"), "metadata": {"name": "c2", "namespace": "default"}})
                store, cache = server.api.core.store, server.api.core.cache
                newest = await store.revision()
                await store.compact(newest)
                cache.forget(newest)
                code, expired = await page(first["metadata"]["continue"])
                assert code == 410 and expired["reason"] == "Expired"
                code, rest = await page(expired["metadata"]["continue"])
                assert code == 200 and [item["metadata"]["name"] for item in rest["items"]] == ["c", "c2"]
                code, last = await page(rest["metadata"]["continue"])
                assert [item["metadata"]["name"] for item in last["items"]] == ["d"]

    asyncio.run(story())


def test_a_table_of_what_has_none_is_not_acceptable(api: Api) -> None:
    """[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata [Conformance]"""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"}},
    }
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    refused = api.refused("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, accept=accept)
    assert refused.code == 406


def test_tables(api: Api) -> None:
    """Rows and columns, as `kubectl get` asks for them."""
    api.create("configmaps", config_map("t", {"a": "b"}))
    table = api.get("configmaps", accept="application/json;as=Table;v=v1;g=meta.k8s.io", fieldSelector="metadata.name=t")
    assert table["kind"] == "Table" and [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["t", 1] and table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
