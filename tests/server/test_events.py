"""Events of both groups through the API, as instrumentation uses them.

Conformance, [sig-instrumentation]: "Events API should ensure that an event can be fetched, patched, deleted, and listed",
"Events API should delete a collection of events", "Events should manage the lifecycle of an event", "Events should delete a
collection of events".
"""

import orjson

from corral.api.objects import Object
from corral.testing.server import RunningServer

NEW, CORE = "events.events.k8s.io", "events"
AT = "2026-01-02T03:04:05.000000Z"


def new_event(name: str, **labels: str) -> Object:
    return {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
        "reportingController": "test-controller",
        "reportingInstance": "test-node",
        "type": "Normal",
        "reason": "Test",
        "action": "Do",
        "note": "This is a test event",
        "eventTime": AT,
    }


def core_event(name: str, **labels: str) -> Object:
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "message": "This is a test event",
        "reason": "Test",
        "type": "Normal",
        "count": 1,
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
    }


async def names(server: RunningServer, resource: str, namespace: str = "", **selectors: str) -> list[str]:
    listing = await server.client().list(resource, namespace, **selectors)
    return [item.key.name for item in listing.items]


def test_an_event_is_fetched_patched_updated_deleted_and_listed(story):
    async def told(server):
        client = server.client()
        made = await client.create(NEW, new_event("e", kind="test"))
        assert (await client.get(NEW, "e", "default"))["note"] == made["note"]
        for namespace in ("", "default"):
            selector = "reportingController=test-controller"
            assert await names(server, NEW, namespace, field_selector=selector) == ["e"]
            assert await names(server, NEW, namespace, field_selector="reportingController=other") == []
            assert await names(server, NEW, namespace, field_selector="regarding.name=p") == ["e"]
        patched = await client.patch(NEW, "e", {"series": {"count": 2, "lastObservedTime": AT}}, "default", type="strategic")
        assert patched["series"]["count"] == 2
        series = {"count": 100, "lastObservedTime": AT}
        updated = await client.update(NEW, {**patched, "series": series})
        assert updated["series"] == series
        assert (await client.get(CORE, "e", "default"))["series"] == series
        await client.delete(NEW, "e", "default")
        assert await names(server, NEW) == []

    story(told)


def test_a_collection_of_events_is_deleted(story):
    async def told(server):
        client = server.client()
        for name in ("a", "b", "c"):
            await client.create(NEW, new_event(name, testevent="true"))
        await client.create(NEW, new_event("other"))
        path = client.resource(NEW).path("default")
        await client.raw("DELETE", path, {"labelSelector": "testevent=true"})
        assert await names(server, NEW, "default") == ["other"]

    story(told)


def test_a_core_event_is_listed_by_label_patched_updated_and_deleted(story):
    async def told(server):
        client = server.client()
        await client.create(CORE, core_event("e", testevent="yes"))
        assert await names(server, CORE, label_selector="testevent=yes") == ["e"]
        patched = await client.patch(CORE, "e", {"message": "changed"}, "default", type="strategic")
        assert patched["message"] == "changed"
        series = {"count": 2, "lastObservedTime": AT}
        await client.update(CORE, {**patched, "series": series})
        assert (await client.get(CORE, "e", "default"))["series"] == series
        await client.delete(CORE, "e", "default")
        assert await names(server, CORE, label_selector="testevent=yes") == []

    story(told)


def test_a_set_of_core_events_is_deleted_by_its_label(story):
    async def told(server):
        client = server.client()
        for name in ("test-event-1", "test-event-2", "test-event-3"):
            await client.create(CORE, core_event(name, testevent="true"))
        selector = {"labelSelector": "testevent=true"}
        assert len(await names(server, CORE, label_selector="testevent=true")) == 3
        answer = await client.raw("DELETE", client.resource(CORE).path("default"), selector)
        assert orjson.loads(answer)["kind"] in ("EventList", "Status")
        assert await names(server, CORE, label_selector="testevent=true") == []

    story(told)


def test_what_one_group_writes_the_other_reads(story):
    async def told(server):
        client = server.client()
        await client.create(NEW, new_event("e"))
        core = await client.get(CORE, "e", "default")
        assert core["involvedObject"]["name"] == "p"
        assert core["message"] == "This is a test event"
        assert core["reportingComponent"] == "test-controller"

    story(told)
