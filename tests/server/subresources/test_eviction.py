"""Evictions: the pod says why it goes, and only the one that is meant goes."""

import asyncio

import pytest

from corral.api.errors import ApiError
from corral.testing.server import running_server

POD = {"metadata": {"name": "p", "namespace": "default", "finalizers": ["example.com/keep"]}}
CONTAINERS = {"containers": [{"name": "c", "image": "i"}]}


def test_the_pod_says_why_it_goes(tmp_path) -> None:
    async def story() -> None:
        async with asyncio.timeout(30), running_server(tmp_path) as server:
            client = server.client()
            await client.create("serviceaccounts", {"metadata": {"name": "default", "namespace": "default"}})
            made = await client.create("pods", {**POD, "spec": CONTAINERS})

            async def evict(**options):
                body = {"metadata": {"name": "p"}, "deleteOptions": options}
                await client.create("pods", body, "default", name="p", subresource="eviction")
                return await client.get("pods", "p", "default")

            for wrong in ({"uid": "another"}, {"resourceVersion": "1"}):
                with pytest.raises(ApiError) as caught:
                    await evict(preconditions=wrong)
                assert caught.value.code == 409
            dry = await evict(dryRun=["All"])
            assert dry["metadata"] == made["metadata"] and "conditions" not in dry["status"]
            gone = await evict(preconditions={"resourceVersion": made["metadata"]["resourceVersion"]})
            assert gone["metadata"]["deletionTimestamp"]
            (told,) = gone["status"]["conditions"]
            assert (told["type"], told["status"], told["reason"], told["message"]) == (
                "DisruptionTarget",
                "True",
                "EvictionByEvictionAPI",
                "Eviction API: evicting",
            )
            again = await evict()
            assert again["status"]["conditions"] == [told]

    asyncio.run(story())
