"""Quotas: what is counted, and that a limit holds on a real server."""

import asyncio

import pytest
from tests.server.admission.webhooks import crontab, definition

from corral.api.errors import ApiError
from corral.api.podresources import amounts
from corral.controllers.actions import Again, Update
from corral.controllers.resourcequota import counted_resources, plan, used_of
from corral.testing.control import running_control
from corral.testing.objects import meta, pod
from corral.testing.server import running_server


def quota(status=None, **hard):
    return {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta("q"), "spec": {"hard": hard}, "status": status or {}}


def test_the_names_of_a_quota_say_what_to_count():
    names = ["cpu", "services.nodeports", "count/deployments.apps", "requests.storage", "configmaps"]
    assert counted_resources(names) == {"pods", "services", "deployments.apps", "persistentvolumeclaims", "configmaps"}


def test_devices_are_counted_by_their_class():
    exactly = [
        {"name": "a", "exactly": {"deviceClassName": "gpu", "count": 2}},
        {"name": "b", "exactly": {"deviceClassName": "gpu"}},
    ]
    either = [{"deviceClassName": "gpu", "count": 4}, {"deviceClassName": "nic", "allocationMode": "All"}]
    claim = {"metadata": meta("c"), "spec": {"devices": {"requests": [*exactly, {"name": "d", "firstAvailable": either}]}}}
    used = used_of(quota(), {"resourceclaims.resource.k8s.io": [claim]})
    assert used["gpu.deviceclass.resource.k8s.io/devices"] == amounts({"x": "7"})["x"]
    assert used["nic.deviceclass.resource.k8s.io/devices"] == amounts({"x": "32"})["x"]
    assert counted_resources(["gpu.deviceclass.resource.k8s.io/devices"]) == {"resourceclaims.resource.k8s.io"}


def test_pods_that_have_ended_are_not_counted():
    ended = {**pod("b"), "status": {"phase": "Failed"}}
    assert used_of(quota(), {"pods": [pod("a"), ended]})["pods"] == amounts({"pods": "1"})["pods"]


def test_scopes_choose_pods():
    busy = pod("busy", spec={"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]})
    scoped = quota()
    scoped["spec"]["scopes"] = ["BestEffort"]
    assert used_of(scoped, {"pods": [pod("idle"), busy]})["pods"] == amounts({"pods": "1"})["pods"]


def test_everything_that_is_limited_shows_up_even_unused():
    first, _ = plan(quota(pods="3", secrets="1"), amounts({"pods": "2"}))
    assert isinstance(first, Update)
    assert first.object["status"] == {"hard": {"pods": "3", "secrets": "1"}, "used": {"pods": "2", "secrets": "0"}}


def test_a_status_that_is_right_is_left_alone():
    status = {"hard": {"pods": "3"}, "used": {"pods": "2"}}
    assert all(isinstance(action, Again) for action in plan(quota(status, pods="3"), amounts({"pods": "2"})))


def test_a_limit_holds_and_room_is_given_back(tmp_path):
    def config_map(name):
        return {"metadata": {"name": name, "namespace": "default"}}

    async def story():
        async with running_server(tmp_path) as server, running_control(server) as control:
            await control.until(lambda: control.objects("configmaps", "default"))  # kube-root-ca.crt
            hard = {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": {"configmaps": "2"}}}
            await control.client.create("resourcequotas", hard)

            def used():
                (found,) = control.objects("resourcequotas", "default") or [{}]
                return found.get("status", {}).get("used", {}).get("configmaps")

            await control.until(lambda: used() == "1")
            await control.client.create("configmaps", config_map("a"))
            with pytest.raises(ApiError, match="exceeded quota: q, requested: configmaps=1, used: configmaps=2"):
                await control.client.create("configmaps", config_map("b"))
            await control.client.delete("configmaps", "a", "default")
            await control.until(lambda: used() == "1")
            await control.client.create("configmaps", config_map("b"))

    asyncio.run(story())


def test_custom_resources_are_counted_and_make_room_when_they_go(tmp_path):
    name, count = "crontabs.stable.example.com", "count/crontabs.stable.example.com"

    async def story():
        async with running_server(tmp_path) as server, running_control(server) as control:
            await control.client.create("customresourcedefinitions.apiextensions.k8s.io", definition())
            hard = {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": {count: "1"}}}
            await control.client.create("resourcequotas", hard)

            def used():
                (found,) = control.objects("resourcequotas", "default") or [{}]
                return found.get("status", {}).get("used", {}).get(count)

            await control.until(lambda: used() == "0")
            await control.client.create(name, crontab("a"))
            with pytest.raises(ApiError, match=f"exceeded quota: q, requested: {count}=1, used: {count}=1, limited: {count}=1"):
                await control.client.create(name, crontab("b"))
            await control.client.delete(name, "a", "default")
            await control.until(lambda: used() == "0")
            await control.client.create(name, crontab("b"))

    asyncio.run(story())
