"""Cluster addresses as objects; ranges that stay while addresses of theirs are in use."""

import asyncio

import pytest

from corral.api.errors import ApiError
from corral.api.kinds.ipaddress import MANAGED_BY, MANAGER
from corral.api.kinds.servicecidr import FINALIZER
from corral.api.objects import Key
from corral.controllers.actions import Create, Delete, Update
from corral.controllers.service_addresses import ADDRESSES, RANGES, plan_addresses, plan_range
from corral.testing.control import running_control
from corral.testing.objects import NOW_S, ago, meta
from corral.testing.server import running_server

KEY = Key("shop", "web")


def address(name, **labels):
    return {
        "metadata": meta(name, labels=labels),
        "spec": {"parentRef": {"resource": "services", "namespace": "shop", "name": "web"}},
    }


def service(*addresses):
    return {"metadata": meta("web"), "spec": {"clusterIPs": list(addresses)}}


def cidr(text, **more):
    return {"metadata": meta("extra", finalizers=[FINALIZER], **more), "spec": {"cidrs": [text]}}


class TestAddresses:
    def test_each_address_of_a_service_becomes_an_object(self):
        (action,) = plan_addresses(KEY, service("10.96.0.7"), [])
        assert isinstance(action, Create)
        assert action.object["spec"] == {"parentRef": {"resource": "services", "namespace": "shop", "name": "web"}}
        assert action.object["metadata"]["labels"] == {"ipaddress.kubernetes.io/ip-family": "IPv4", MANAGED_BY: MANAGER}

    def test_what_is_there_is_left_alone(self):
        assert plan_addresses(KEY, service("10.96.0.7"), [address("10.96.0.7", **{MANAGED_BY: MANAGER})]) == []

    def test_a_headless_service_has_none(self):
        assert plan_addresses(KEY, service("None"), []) == []

    def test_an_address_goes_with_its_service_but_not_that_of_another_allocator(self):
        actions = plan_addresses(KEY, None, [address("10.96.0.7", **{MANAGED_BY: MANAGER}), address("10.96.0.8")])
        assert [(type(a), a.key.name) for a in actions] == [(Delete, "10.96.0.7")]


class TestRanges:
    def test_a_new_one_is_ready(self):
        (action,) = plan_range(cidr("10.0.0.0/24"), [], [], NOW_S)
        assert isinstance(action, Update)
        assert [(c["type"], c["status"]) for c in action.object["status"]["conditions"]] == [("Ready", "True")]

    def test_one_that_is_deleted_waits_for_its_addresses(self):
        (action,) = plan_range(cidr("10.0.0.0/24", deletionTimestamp=ago(1)), [], ["10.0.0.9"], NOW_S)
        assert action.object["status"]["conditions"][0]["reason"] == "Terminating"

    def test_unless_another_range_holds_them_too(self):
        (action,) = plan_range(cidr("10.0.0.0/24", deletionTimestamp=ago(1)), [cidr("10.0.0.0/16")], ["10.0.0.9"], NOW_S)
        assert action.object["metadata"]["finalizers"] == []

    def test_addresses_of_others_do_not_hold_it(self):
        (action,) = plan_range(cidr("10.0.0.0/24", deletionTimestamp=ago(1)), [], ["10.9.0.9", "fd00::1"], NOW_S)
        assert action.object["metadata"]["finalizers"] == []


def test_another_range_gives_addresses_and_goes_when_they_are_free(tmp_path):
    async def story():
        async with running_server(tmp_path) as server, running_control(server) as control:
            client = control.client
            await client.create(RANGES, {"metadata": {"name": "extra"}, "spec": {"cidrs": ["172.30.7.0/28"]}})
            spec = {"clusterIP": "172.30.7.3", "ports": [{"port": 80}]}
            await client.create("services", {"metadata": {"name": "web"}, "spec": spec}, "default")
            await control.until(lambda: "172.30.7.3" in {a["metadata"]["name"] for a in control.objects(ADDRESSES)})
            taken = {"metadata": {"name": "172.30.7.4"}, "spec": {"parentRef": {"resource": "others", "name": "x"}}}
            await client.create(ADDRESSES, taken)
            spec = {"clusterIP": "172.30.7.4", "ports": [{"port": 80}]}
            with pytest.raises(ApiError, match="already allocated"):
                await client.create("services", {"metadata": {"name": "other"}, "spec": spec}, "default")
            await client.delete(RANGES, "extra")
            await client.delete(ADDRESSES, "172.30.7.4")
            await client.delete("services", "web", "default")
            await control.until(lambda: "extra" not in {r["metadata"]["name"] for r in control.objects(RANGES)})

    asyncio.run(story())
