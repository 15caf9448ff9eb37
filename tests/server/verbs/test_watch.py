"""Watches: from now, from a revision, with initial events, through selectors, until they end."""

import asyncio

import aiohttp
import orjson
import pytest

from corral.api.errors import ApiError
from corral.client.transport import Call
from corral.server import cache
from corral.server.request import LOOPBACK, Request
from corral.testing.server import running_server

PATH = "/api/v1/namespaces/default/configmaps"


def config_map(name, namespace="default", **labels):
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace, "labels": labels}}


async def events(server, count, accept="", **query):
    """The first `count` events of a watch, each (type, object)."""
    query = {"watch": "true", "timeoutSeconds": "5", **query}
    response = await server.api.handle(Request("GET", PATH, query, {"Accept": accept}, user=LOOPBACK))
    if response.stream is None:
        raise ApiError.of_status(orjson.loads(response.body))
    found = []
    async for chunk in response.stream:
        for line in chunk.splitlines():
            event = orjson.loads(line)
            found.append((event["type"], event["object"]))
        if len(found) >= count:
            break
    await response.stream.aclose()
    return found


def brief(found):
    return [(type, obj["metadata"].get("name", "")) for type, obj in found]


def test_a_watch_begins_with_what_there_is_and_goes_on(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map("a"))
        watching = asyncio.create_task(events(server, 4))
        await asyncio.sleep(0)
        await client.create("configmaps", config_map("b"))
        await client.create("configmaps", config_map("elsewhere", "kube-public"))
        await client.patch("configmaps", "a", {"data": {"x": "1"}}, "default")
        await client.delete("configmaps", "b", "default")
        found = await watching
        assert brief(found) == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
        revisions = [int(obj["metadata"]["resourceVersion"]) for _, obj in found]
        assert revisions == sorted(set(revisions))

    story(tell)


def test_a_watch_from_a_revision_tells_what_came_after(story):
    async def tell(server):
        client = server.client()
        first = await client.create("configmaps", config_map("a"))
        await client.create("configmaps", config_map("b"))
        revision = first["metadata"]["resourceVersion"]
        assert brief(await events(server, 1, resourceVersion=revision)) == [("ADDED", "b")]

    story(tell)


def test_objects_enter_and_leave_the_selector_of_a_watch(story):
    async def tell(server):
        client = server.client()
        made = await client.create("configmaps", config_map("a", on="no"))
        revision = made["metadata"]["resourceVersion"]
        for on in ("yes", "yes", "no"):
            await client.patch("configmaps", "a", {"metadata": {"labels": {"on": on}}, "data": {"n": on}}, "default")
            await client.patch("configmaps", "a", {"data": {"m": on}}, "default")
        found = await events(server, 3, resourceVersion=revision, labelSelector="on=yes")
        assert [type for type, _ in found] == ["ADDED", "MODIFIED", "DELETED"]
        assert found[2][1]["metadata"]["labels"] == {"on": "yes"}

    story(tell)


def test_streaming_lists_end_with_a_bookmark(story):
    async def tell(server):
        await server.client().create("configmaps", config_map("a"))
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        found = await events(server, 2, **query)
        assert [type for type, _ in found] == ["ADDED", "BOOKMARK"]
        assert found[1][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert int(found[1][1]["metadata"]["resourceVersion"]) >= int(found[0][1]["metadata"]["resourceVersion"])

    story(tell)


def test_a_watch_can_begin_with_nothing_but_what_comes(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map("a"))
        query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
        watching = asyncio.create_task(events(server, 1, **query))
        await asyncio.sleep(0.01)
        await client.create("configmaps", config_map("b"))
        assert brief(await watching) == [("ADDED", "b")]

    story(tell)


def test_a_revision_that_is_too_old_is_an_error_event(story, monkeypatch):
    monkeypatch.setattr(cache, "LOG_EVENTS", 2)

    async def tell(server):
        client = server.client()
        first = await client.create("configmaps", config_map("a"))
        for i in range(8):
            await client.patch("configmaps", "a", {"data": {"i": str(i)}}, "default")
        ((type, status),) = await events(server, 1, resourceVersion=first["metadata"]["resourceVersion"])
        assert (type, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
        with pytest.raises(ApiError) as gone:
            query = {"watch": "true", "resourceVersion": first["metadata"]["resourceVersion"]}
            await anext(server.api.local().watch(Call("GET", PATH, query)))
        assert gone.value.code == 410

    story(tell)


def test_a_watch_ends_when_its_time_is_up(story):
    async def tell(server):
        assert await events(server, 99, timeoutSeconds="1", resourceVersion=str(server.api.core.cache.revision)) == []

    story(tell)


def test_rows_of_a_watch_carry_the_columns_once(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map("a"))
        watching = asyncio.create_task(events(server, 2, "application/json;as=Table;v=v1;g=meta.k8s.io"))
        await asyncio.sleep(0.01)
        await client.create("configmaps", config_map("b"))
        (_, first), (_, second) = await watching
        assert first["columnDefinitions"]
        assert second["columnDefinitions"] is None
        assert [table["rows"][0]["cells"][0] for table in (first, second)] == ["a", "b"]

    story(tell)


def test_options_that_contradict_each_other(story):
    async def tell(server):
        for query in ({"sendInitialEvents": "true"}, {"resourceVersionMatch": "NotOlderThan"}):
            with pytest.raises(ApiError) as refused:
                await events(server, 1, **query)
            assert refused.value.code == 422

    story(tell)


def test_local_watchers_share_the_bytes_of_the_cache(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map("a"))
        event = await anext(client.watch("configmaps", "default"))
        assert event.item.raw is server.api.core.cache.collection("configmaps").get("default", "a").raw

    story(tell)


def test_a_watch_from_before_the_server_was_started_is_told_to_list_again(tmp_path):
    """Otherwise what happened in between would be lost for it."""
    path = "/api/v1/namespaces/default/configmaps"

    async def run():
        async with running_server(tmp_path) as server:
            made = await server.client().create("configmaps", config_map("a"), "default")
            before = int(made["metadata"]["resourceVersion"]) - 1
        async with (
            running_server(tmp_path) as server,
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {server.token}"}, connector=aiohttp.TCPConnector(ssl=server.tls())
            ) as http,
            http.get(server.url + path, params={"watch": "true", "resourceVersion": str(before)}) as answer,
        ):
            event = orjson.loads(await answer.content.readline())
            assert event["type"] == "ERROR" and event["object"]["code"] == 410 and event["object"]["reason"] == "Expired"
            assert await answer.content.readline() == b""

    asyncio.run(asyncio.wait_for(run(), 30))
