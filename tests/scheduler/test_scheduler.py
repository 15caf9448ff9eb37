"""The scheduler on a real API server: it binds, tells why not, and tries again when something changes."""

import asyncio
from contextlib import asynccontextmanager
from random import Random

from corral.base.clock import SystemClock
from corral.client.informer import Informers
from corral.scheduler.scheduler import Scheduler
from corral.testing.control import Control, HollowNodes
from corral.testing.server import running_server


@asynccontextmanager
async def scheduling(tmp_path):
    async with running_server(tmp_path) as server:
        client = server.client("kube-scheduler")
        informers, clock = Informers(client), SystemClock()
        account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default", "namespace": "default"}}
        await client.create("serviceaccounts", account)
        scheduler = Scheduler(client, informers, clock, Random(0))
        control = Control(client, informers, HollowNodes(client, informers, clock))
        control.nodes.runs = lambda pod: False
        informers.get("events")
        tasks = [asyncio.create_task(scheduler.run()), asyncio.create_task(informers.run())]
        try:
            await informers.wait_synced()
            yield control
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def pod(name, cpu="100m", **spec):
    container = {"name": "c", "image": "app", "resources": {"requests": {"cpu": cpu}}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [container], **spec},
    }


def node_of(control, name):
    found = control.informers.get("pods").get("default", name)
    return found["spec"].get("nodeName", "") if found else ""


def scheduled(control, name):
    found = control.informers.get("pods").get("default", name) or {}
    return next((c for c in found.get("status", {}).get("conditions", ()) if c["type"] == "PodScheduled"), {})


def reasons(control, name):
    return [e["reason"] for e in control.objects("events") if e["involvedObject"]["name"] == name]


def played(tmp_path, scenario):
    async def play():
        async with scheduling(tmp_path) as control:
            await scenario(control)

    asyncio.run(play())


def test_a_pod_is_bound_and_that_is_told(tmp_path):
    async def scenario(control):
        await control.nodes.add("n1")
        await control.client.create("pods", pod("a"))
        await control.until(lambda: node_of(control, "a") == "n1" and scheduled(control, "a").get("status") == "True")
        await control.until(lambda: "Scheduled" in reasons(control, "a"))

    played(tmp_path, scenario)


def test_a_pod_without_place_says_why_and_goes_when_there_is_room(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1", cpu="1")
        await client.create("pods", pod("first", "900m"))
        await control.until(lambda: node_of(control, "first"))
        await client.create("pods", pod("second", "900m"))
        await control.until(lambda: scheduled(control, "second").get("reason") == "Unschedulable")
        assert scheduled(control, "second")["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
        await control.until(lambda: "FailedScheduling" in reasons(control, "second"))
        await client.delete("pods", "first", "default", grace_period_s=0)
        await control.until(lambda: node_of(control, "second") == "n1")
        await client.create("pods", pod("third", "900m"))
        await control.until(lambda: scheduled(control, "third").get("reason") == "Unschedulable")
        await control.nodes.add("n2", cpu="1")
        await control.until(lambda: node_of(control, "third") == "n2")

    played(tmp_path, scenario)


def test_gated_pods_and_those_of_other_schedulers_are_left_alone(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        await client.create("pods", pod("gated", schedulingGates=[{"name": "example.com/wait"}]))
        await client.create("pods", pod("foreign", schedulerName="other"))
        await client.create("pods", pod("mine"))
        await control.until(lambda: node_of(control, "mine"))
        assert node_of(control, "gated") == node_of(control, "foreign") == ""
        await client.patch("pods", "gated", {"spec": {"schedulingGates": None}}, "default")
        await control.until(lambda: node_of(control, "gated") == "n1")

    played(tmp_path, scenario)


def test_an_affinity_is_met_by_a_pod_that_comes_later(tmp_path):
    async def scenario(control):
        await control.nodes.add("n1")
        term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
        affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        await control.client.create("pods", pod("follower", affinity=affinity))
        await control.until(lambda: scheduled(control, "follower").get("reason") == "Unschedulable")
        leader = pod("leader")
        leader["metadata"]["labels"] = {"app": "db"}
        await control.client.create("pods", leader)
        await control.until(lambda: node_of(control, "follower") == "n1")

    played(tmp_path, scenario)


def test_many_pods_are_bound_without_overbooking(tmp_path):
    async def scenario(control):
        for i in range(5):
            await control.nodes.add(f"n{i}", cpu="2")
        await asyncio.gather(*(control.client.create("pods", pod(f"p{i}", "100m")) for i in range(110)))
        bound = [0]

        def count():
            bound[0] = sum(bool(p["spec"].get("nodeName")) for p in control.objects("pods"))
            return bound[0] >= 100

        await control.until(count)
        by_node = {}
        for p in control.objects("pods"):
            if p["spec"].get("nodeName"):
                by_node[p["spec"]["nodeName"]] = by_node.get(p["spec"]["nodeName"], 0) + 1
        assert set(by_node.values()) == {20}

    played(tmp_path, scenario)


def test_a_more_important_pod_takes_the_place_of_a_lesser_one(tmp_path):
    async def scenario(control):
        client = control.client
        for name, value in (("low", 1), ("high", 1000)):
            kind = {"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": name}, "value": value}
            await client.create("priorityclasses.scheduling.k8s.io", kind)
        control.nodes.runs = lambda pod: True
        await control.nodes.add("n1", cpu="1")
        await client.create("pods", pod("lesser", "600m", priorityClassName="low"))
        await client.create("pods", pod("other", "300m", priorityClassName="low"))
        await control.until(lambda: len(control.ready_pods("default")) == 2)
        await client.create("pods", pod("greater", "600m", priorityClassName="high"))
        await control.until(lambda: node_of(control, "greater") == "n1")
        assert control.informers.get("pods").get("default", "lesser") is None
        assert node_of(control, "other") == "n1", "only as many go as have to"
        await control.until(lambda: "Preempted" in reasons(control, "lesser"))

    played(tmp_path, scenario)
