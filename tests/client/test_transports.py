"""Both ways to the API, in process and HTTPS, behave alike: the same verbs, errors, lists and watches."""

import asyncio
import contextlib

import pytest

from corral.api.errors import ApiError
from corral.testing.server import running_server


def config_map(name, **data):
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default"}, "data": data}


@pytest.fixture(params=["local", "https"])
def played(request, tmp_path):
    def play(scenario):
        async def run():
            async with running_server(tmp_path) as server:
                client = server.client() if request.param == "local" else server.https()
                try:
                    await scenario(client)
                finally:
                    await client.close()

        asyncio.run(run())

    return play


def test_verbs(played):
    async def scenario(client):
        made = await client.create("configmaps", config_map("a", x="1"))
        assert made["metadata"]["uid"]
        assert (await client.get("configmaps", "a", "default"))["data"] == {"x": "1"}
        updated = await client.update("configmaps", {**made, "data": {"x": "2"}})
        assert updated["data"] == {"x": "2"}
        with pytest.raises(ApiError) as refused:
            await client.update("configmaps", {**made, "data": {"x": "3"}})
        assert (refused.value.code, refused.value.reason) == (409, "Conflict")
        patched = await client.patch("configmaps", "a", {"data": {"y": "1"}}, "default")
        assert patched["data"] == {"x": "2", "y": "1"}
        with pytest.raises(ApiError) as refused:
            await client.delete("configmaps", "a", "default", uid="another")
        assert refused.value.code == 409
        await client.delete("configmaps", "a", "default", uid=made["metadata"]["uid"])
        with pytest.raises(ApiError) as refused:
            await client.get("configmaps", "a", "default")
        assert (refused.value.code, refused.value.message) == (404, 'configmaps "a" not found')

    played(scenario)


def test_a_list_has_whole_objects_of_one_revision(played):
    async def scenario(client):
        for name in "ab":
            await client.create("configmaps", {**config_map(name)})
        await client.patch("configmaps", "b", {"metadata": {"labels": {"app": "x"}}}, "default")
        listing = await client.list("configmaps", "default", label_selector="app=x")
        assert [item.key.name for item in listing.items] == ["b"]
        found = listing.items[0].object
        assert (found["kind"], found["apiVersion"]) == ("ConfigMap", "v1")
        assert int(found["metadata"]["resourceVersion"]) == listing.items[0].revision <= int(listing.revision)
        await client.delete_collection("configmaps", "default")
        assert not (await client.list("configmaps", "default")).items

    played(scenario)


def test_a_watch_tells_every_change_from_a_revision_in_order(played):
    async def scenario(client):
        revision = (await client.list("configmaps")).revision
        await client.create("configmaps", config_map("a", x="1"))
        await client.patch("configmaps", "a", {"data": {"x": "2" * 100_000}}, "default")
        await client.delete("configmaps", "a", "default")
        seen = []
        async with asyncio.timeout(5):
            async with contextlib.aclosing(client.watch("configmaps", "default", revision=revision)) as events:
                async for event in events:
                    if event.type != "BOOKMARK":
                        seen.append((event.type, event.item.key.name, event.item.revision))
                    if event.type == "DELETED":
                        break
        assert [(type, name) for type, name, _ in seen] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        assert [revision for *_, revision in seen] == sorted(revision for *_, revision in seen)

    played(scenario)


def test_refusals_are_api_errors(played):
    async def scenario(client):
        with pytest.raises(ApiError) as refused:
            await client.create("configmaps", config_map("Not A Name"))
        assert (refused.value.code, refused.value.reason) == (422, "Invalid")
        with pytest.raises(ApiError) as refused:
            await client.get("configmaps", "a", "nowhere")
        assert refused.value.code == 404

    played(scenario)


def test_a_server_that_is_not_there_is_an_os_error(tmp_path):
    async def scenario():
        async with running_server(tmp_path) as server:
            client = server.https()
        with pytest.raises(OSError):
            await client.get("configmaps", "a", "default")
        with pytest.raises(OSError):
            async for _ in client.watch("configmaps"):
                pass
        await client.close()

    asyncio.run(scenario())
