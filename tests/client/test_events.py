"""Events: one for each thing that happens, counted when it happens again."""

import asyncio

from corral.client.events import Recorder
from corral.testing.clock import VirtualClock
from corral.testing.server import running_server


def test_repeated_events_are_counted(tmp_path):
    async def scenario():
        async with running_server(tmp_path) as server:
            client, clock = server.client(), VirtualClock()
            recorder = Recorder(client, "tester", clock)
            task = asyncio.create_task(recorder.run())
            about = await client.create(
                "configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "default"}}
            )
            for message in ("once", "again", "again", "again"):
                recorder.record(about, "Warning", "Tested", message)
                await clock.advance(1)
            await recorder.flush()
            task.cancel()
            events = [item.object for item in (await client.list("events", "default")).items]
            found = {event["message"]: event for event in events if event["reason"] == "Tested"}
            assert {message: event["count"] for message, event in found.items()} == {"once": 1, "again": 3}
            event = found["again"]
            assert event["involvedObject"]["uid"] == about["metadata"]["uid"]
            assert (event["type"], event["source"]["component"]) == ("Warning", "tester")
            assert event["firstTimestamp"] < event["lastTimestamp"]

    asyncio.run(scenario())
