"""Events: one for each thing that happens, counted when it happens again."""

import asyncio

from tests.server.conftest import until

from corral.client import events
from corral.client.events import Recorder
from corral.testing.clock import VirtualClock
from corral.testing.server import running_server


def recorded(tmp_path, record):
    """The events in the store after `record(recorder, about, clock)`."""

    async def scenario():
        async with running_server(tmp_path) as server:
            client, clock = server.client(), VirtualClock()
            recorder = Recorder(client, "tester", clock)
            task = asyncio.create_task(recorder.run())
            about = await client.create(
                "configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "default"}}
            )
            await record(recorder, about, clock)
            await recorder.flush()
            task.cancel()
            return about, [item.object for item in (await client.list("events", "default")).items]

    return asyncio.run(scenario())


def test_repeated_events_are_counted(tmp_path):
    async def record(recorder, about, clock):
        for message in ("once", "again", "again", "again"):
            recorder.record(about, "Warning", "Tested", message)
            await clock.advance(1)

    about, events = recorded(tmp_path, record)
    found = {event["message"]: event for event in events}
    assert {message: event["count"] for message, event in found.items()} == {"once": 1, "again": 3}
    event = found["again"]
    assert event["involvedObject"]["uid"] == about["metadata"]["uid"]
    assert (event["type"], event["source"]["component"]) == ("Warning", "tester")
    assert event["firstTimestamp"] < event["lastTimestamp"]


def test_many_alike_are_combined(tmp_path):
    async def record(recorder, about, clock):
        for i in range(14):
            recorder.record(about, "Normal", "Tested", f"number {i}")

    _, events = recorded(tmp_path, record)
    assert len(events) == 11
    (combined,) = [event for event in events if event["message"].startswith("(combined from similar events): ")]
    assert (combined["count"], combined["message"]) == (4, "(combined from similar events): number 13")


def test_a_flood_about_one_object_is_cut_off_and_let_in_again_slowly(tmp_path):
    async def record(recorder, about, clock):
        for _ in range(40):
            recorder.record(about, "Normal", "Tested", "again")
        await recorder.flush()
        await clock.advance(301)
        recorder.record(about, "Normal", "Tested", "again")
        recorder.record(about, "Normal", "Tested", "again")

    _, (event,) = recorded(tmp_path, record)
    assert event["count"] == 26


def test_events_are_written_together_a_while_after_they_happened(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "COLLECT_S", 3600)

    async def scenario():
        async with asyncio.timeout(30), running_server(tmp_path) as server:
            client = server.client()
            recorder = Recorder(client, "tester", VirtualClock())
            task = asyncio.create_task(recorder.run())
            about = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "default"}}
            for reason in ("Pulled", "Created", "Started"):
                recorder.record(about, "Normal", reason, "")
                await asyncio.sleep(0.01)
            assert not (await client.list("events", "default")).items
            recorder.hurry()
            await recorder.flush()
            await until(lambda: not recorder._hurried.is_set())
            recorder.record(about, "Normal", "Killing", "")
            await asyncio.sleep(0.01)
            assert len((await client.list("events", "default")).items) == 3
            task.cancel()
            return [item.object["reason"] for item in (await client.list("events", "default")).items]

    assert sorted(asyncio.run(scenario())) == ["Created", "Pulled", "Started"]
