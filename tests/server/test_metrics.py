"""What `/metrics` says, under the names of the reference."""

import asyncio

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import until

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.loop.controller import Controller
from corral.testing.server import RunningServer


async def samples(server: RunningServer) -> dict[str, list[tuple[Object, float]]]:
    """name → (labels, value)."""
    found: dict[str, list[tuple[Object, float]]] = {}
    for family in text_string_to_metric_families(server.api.metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(found: list[tuple[Object, float]], **labels: str) -> float:
    return sum(value for has, value in found if labels.items() <= has.items())


def session(server: RunningServer) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {server.token}"}
    return aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=server.tls()), headers=headers)


def test_requests_are_counted_by_verb_scope_and_code(story):
    async def told(server):
        async with session(server) as http:
            for path in ("/api/v1/namespaces/default/pods", "/api/v1/pods", "/api/v1/namespaces/default/pods/none"):
                async with http.get(path):
                    pass
            body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}}
            async with http.post("/api/v1/namespaces/default/configmaps", json=body):
                pass
        found = (await samples(server))["apiserver_request_total"]
        assert value(found, resource="pods", verb="LIST", scope="namespace", code="200") == 1
        assert value(found, resource="pods", verb="LIST", scope="cluster", code="200") == 1
        assert value(found, resource="pods", verb="GET", scope="resource", code="404") == 1
        assert value(found, resource="configmaps", verb="POST", scope="namespace", code="201", version="v1") == 1
        counts = (await samples(server))["apiserver_request_duration_seconds_count"]
        assert value(counts, resource="pods") == 3

    story(told)


def test_a_watch_is_long_running_until_it_ends(story):
    async def told(server):
        async with session(server) as http:
            async with http.get("/api/v1/pods?watch=true") as watch:
                running = (await samples(server))["apiserver_longrunning_requests"]
                assert value(running, resource="pods", verb="WATCH") == 1
                assert value((await samples(server))["apiserver_current_inflight_requests"]) == 0
                watch.close()
            await asyncio.sleep(0)
        await until(lambda: b"apiserver_longrunning_requests{" not in server.api.metrics.text())

    story(told)


def test_queues_of_controllers_and_levels_are_told_of(story):
    async def told(server):
        done = asyncio.Event()

        async def reconcile(key):
            done.set()

        controller = Controller("mine", reconcile)
        server.api.controllers.append(controller)
        controller.queue.add(("", "a"))
        found = await samples(server)
        assert value(found["workqueue_depth"], name="mine") == 1
        task = asyncio.create_task(controller.run())
        await done.wait()
        await until(controller.queue.idle)
        task.cancel()
        found = await samples(server)
        assert value(found["workqueue_depth"], name="mine") == 0
        assert value(found["workqueue_adds_total"], name="mine") == 1
        assert value(found["workqueue_work_duration_seconds_count"], name="mine") == 1
        assert value(found["apiserver_flowcontrol_nominal_limit_seats"], priority_level="workload-low") > 0
        assert value(found["apiserver_storage_objects"], resource="namespaces") >= 4

    story(told)


def test_paths_without_number_do_not_make_metrics_without_number(story):
    async def told(server):
        from corral.server import metrics
        from corral.server.request import Request

        for i in range(metrics.KEPT_SERIES + 100):
            request = Request("GET", "/", {}, {}, verb=f"v{i}")
            server.api.metrics.observe(request, 200, 0.1)
        assert len(server.api.metrics._series) <= metrics.KEPT_SERIES + 1

    story(told)


def test_what_is_shown_alike_is_counted_together(story):
    async def told(server):
        from corral.server.request import Request

        pods = server.api.core.catalog.at("", "v1", "pods")
        about = (pods.group, pods.version, pods.plural, pods.kind, pods.singular, pods.namespaced, pods.verbs)
        changed = Resource(*about, categories=("other",), subresources=pods.subresources)
        for resource, verb in ((pods, "get"), (pods, "create"), (changed, "get")):
            request = Request("GET", "/", {}, {}, resource=resource, verb=verb, subresource="exec", name="a")
            server.api.metrics.observe(request, 200, 0.1)
        found = (await samples(server))["apiserver_request_total"]
        assert [count for has, count in found if has["verb"] == "CONNECT"] == [3]

    story(told)


def test_what_a_client_makes_up_is_no_label(story):
    async def told(server):
        async with session(server) as http:
            for path in ("/api/v1/namespaces/default/pods/a/made-up", "/api/v1/namespaces/default/pods/a?dryRun=odd"):
                async with http.get(path) as answer:
                    assert answer.status == 404
        text = server.api.metrics.text()
        assert b"made-up" not in text and b"odd" not in text

    story(told)


def test_who_turned_a_request_away_is_counted(story):
    async def told(server):
        server.api.limiter.counts.rejected("catch-all", "mine", "queue-full")
        server.api.limiter.counts.waited("catch-all", "mine", 0.3, executed=False)
        found = await samples(server)
        rejected = found["apiserver_flowcontrol_rejected_requests_total"]
        assert value(rejected, priority_level="catch-all", reason="queue-full") == 1
        buckets = found["apiserver_flowcontrol_request_wait_duration_seconds_bucket"]
        assert value(buckets, flow_schema="mine", le="0.2") == 0
        assert value(buckets, flow_schema="mine", le="0.5", execute="false") == 1

    story(told)
