"""The life of an APIService, as a sample server behind the aggregator goes through it."""

import asyncio

import orjson
from tests.server.aggregation.extension import GROUP, VERSION, available, register, running_extension

from corral.testing.server import running_server

API_SERVICES = "apiservices.apiregistration.k8s.io"
NAME = f"{VERSION}.{GROUP}"


def test_it_is_read_patched_and_deleted_and_its_status_too(tmp_path):
    """[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [LinuxOnly] [Conformance]"""

    async def story():
        async with asyncio.timeout(30), running_server(tmp_path) as server, running_extension(server, tmp_path) as extension:
            await register(server, extension)
            client = server.client()
            read = await client.get(API_SERVICES, NAME, subresource="status")
            assert read["status"]["conditions"][0]["reason"] == "Passed"
            patched = await client.patch(API_SERVICES, NAME, {"metadata": {"labels": {"e2e": "patched"}}})
            assert patched["metadata"]["labels"] == {"e2e": "patched"}
            priority = await client.patch(API_SERVICES, NAME, {"spec": {"versionPriority": 400}})
            assert priority["spec"]["versionPriority"] == 400
            told = {"type": "StatusUpdated", "status": "True", "reason": "E2E", "message": "Set from e2e test"}
            live = await client.get(API_SERVICES, NAME)
            live["status"]["conditions"].append(told)
            updated = await client.update(API_SERVICES, live, subresource="status")
            assert [one["type"] for one in updated["status"]["conditions"]] == ["Available", "StatusUpdated"]
            assert available(server)["status"] == "True"
            path = f"/apis/{GROUP}/{VERSION}/namespaces/apps/flunders"
            assert orjson.loads(await client.raw("GET", path))["items"] == []
            collection = client.resource(API_SERVICES).path()
            await client.raw("DELETE", collection, {"labelSelector": "e2e=patched"})
            names = [item.key.name for item in (await client.list(API_SERVICES)).items]
            assert NAME not in names
            assert "v1." in names
            groups = orjson.loads(await client.raw("GET", "/apis"))["groups"]
            assert GROUP not in [group["name"] for group in groups]

    asyncio.run(story())
