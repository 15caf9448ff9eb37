"""What is known of the node that an agent runs on."""

import asyncio

from tests.server.conftest import until

from corral.node.ownnode import OwnNode
from corral.testing.server import running_server

SELECTIVE = {"spec": {"nodeSelector": {"zone": "a"}}}


def labels(node):
    return (node.get() or {}).get("metadata", {}).get("labels", {})


def test_it_is_kept_up_with_and_asked_for_where_that_would_refuse_a_pod(tmp_path):
    async def run():
        async with asyncio.timeout(20), running_server(tmp_path) as server:
            client = server.client()
            node = OwnNode(client, "n1")
            await node.look(SELECTIVE)  # Nobody has made it yet.
            assert node.get() is None
            following = asyncio.create_task(node.run())
            await node.synced.wait()
            for name in ("n1", "n2"):
                await client.create("nodes", {"metadata": {"name": name}})
            await until(node.get)
            assert node.get()["metadata"]["name"] == "n1"
            await client.patch("nodes", "n1", {"metadata": {"labels": {"zone": "b"}}})
            await until(lambda: labels(node).get("zone") == "b")
            # From here on nothing is heard of it but by asking.
            following.cancel()
            await client.patch("nodes", "n1", {"metadata": {"labels": {"zone": "a"}}})
            await node.look({"spec": {"nodeSelector": {"zone": "b"}}})
            assert labels(node)["zone"] == "b"
            await node.look(SELECTIVE)
            assert labels(node)["zone"] == "a"

    asyncio.run(run())


def test_what_comes_late_does_not_undo_what_is_known(tmp_path):
    async def run():
        async with asyncio.timeout(20), running_server(tmp_path) as server:
            client = server.client()
            first = await client.create("nodes", {"metadata": {"name": "n1"}})
            await client.patch("nodes", "n1", {"metadata": {"labels": {"zone": "a"}}})
            node = OwnNode(client, "n1")
            await node.look(SELECTIVE)
            node._learn(first)
            assert labels(node) == {"zone": "a"}

    asyncio.run(run())


def test_an_api_that_does_not_answer_changes_nothing(tmp_path):
    class Gone:
        async def get(self, *_):
            raise ConnectionError

    node = OwnNode(Gone(), "n1")
    asyncio.run(node.look(SELECTIVE))
    assert node.get() is None
