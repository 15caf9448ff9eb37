"""What priority and fairness cannot do without comes back; and schemas say whether their level is there."""

import asyncio

from tests.server.conftest import until

from corral.server.flowcontrol.limiter import LEVELS, SCHEMAS
from corral.server.flowcontrol.upkeep import with_dangling
from corral.testing.server import RunningServer


def shares(server: RunningServer, name: str) -> int:
    spec = server.api.core.cache.collection(LEVELS).get("", name).object["spec"]
    return spec["limited"]["nominalConcurrencyShares"]


def test_mandatory_objects_come_back_as_they_were(story):
    async def told(server: RunningServer) -> None:
        client, cache = server.client(), server.api.core.cache
        before = (await client.get(SCHEMAS, "catch-all"))["spec"]
        await client.delete(SCHEMAS, "catch-all")
        await until(lambda: cache.collection(SCHEMAS).get("", "catch-all"))
        assert cache.collection(SCHEMAS).get("", "catch-all").object["spec"] == before
        await client.patch(LEVELS, "catch-all", {"spec": {"limited": {"nominalConcurrencyShares": 77}}})
        await until(lambda: shares(server, "catch-all") == 5)
        await client.patch(LEVELS, "exempt", {"spec": {"exempt": {"lendablePercent": 50}}})
        await asyncio.sleep(0.05)
        assert cache.collection(LEVELS).get("", "exempt").object["spec"]["exempt"]["lendablePercent"] == 50

    story(told)


def test_suggested_objects_are_their_owners_once_they_say_so(story):
    async def told(server: RunningServer) -> None:
        client = server.client()
        seven = {"spec": {"limited": {"nominalConcurrencyShares": 7}}}
        await client.patch(LEVELS, "system", seven)
        await until(lambda: shares(server, "system") == 30)
        annotations = {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}
        await client.patch(LEVELS, "system", {"metadata": annotations, **seven})
        await asyncio.sleep(0.05)
        assert shares(server, "system") == 7

    story(told)


def test_a_schema_without_its_level_dangles_until_it_is_there(story):
    async def told(server: RunningServer) -> None:
        client, cache = server.client(), server.api.core.cache
        about = {"kind": "FlowSchema", "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": "mine"}}
        await client.create(SCHEMAS, {**about, "spec": {"priorityLevelConfiguration": {"name": "later"}}})

        def condition() -> dict:
            status = cache.collection(SCHEMAS).get("", "mine").object.get("status") or {}
            return (status.get("conditions") or [{}])[0]

        await until(lambda: condition().get("status") == "True")
        assert condition()["message"] == (
            'This FlowSchema references the PriorityLevelConfiguration object named "later" but there is no such object'
        )
        spec = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
        level = {"kind": "PriorityLevelConfiguration", "apiVersion": "flowcontrol.apiserver.k8s.io/v1"}
        await client.create(LEVELS, {**level, "metadata": {"name": "later"}, "spec": spec})
        await until(lambda: condition().get("status") == "False")
        assert condition()["reason"] == "Found"

    story(told)


def test_a_condition_that_says_so_already_is_not_written_again():
    schema = {"metadata": {"name": "s"}, "spec": {"priorityLevelConfiguration": {"name": "l"}}}
    once = with_dangling(schema, found=True, now_s=0)
    assert with_dangling(once, found=True, now_s=60) is once
