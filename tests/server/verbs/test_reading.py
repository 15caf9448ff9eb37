"""GET and LIST: selectors, chunks, revisions, views."""

import orjson
import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.request import LOOPBACK, Request, Response
from corral.testing.server import RunningServer

PATH = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def config_map(name: str, **labels: str) -> Object:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default", "labels": labels}}


async def ask(server: RunningServer, path: str, accept: str = "", **query: str) -> Response:
    return await server.api.handle(Request("GET", path, query, {"Accept": accept}, user=LOOPBACK))


async def get(server: RunningServer, path: str, accept: str = "", **query: str) -> Object:
    answer: Object = orjson.loads((await ask(server, path, accept, **query)).body)
    return answer


def names(answer: Object) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def make(server: RunningServer, *all_names: str) -> None:
    for name in all_names:
        await server.client().create("configmaps", config_map(name, app=name[0]))


def test_items_of_a_list_carry_no_kind(story):
    async def tell(server):
        await make(server, "a")
        answer = await get(server, PATH)
        assert (answer["kind"], answer["apiVersion"]) == ("ConfigMapList", "v1")
        assert next(iter(answer["items"][0])) == "metadata"

    story(tell)


def test_an_empty_list_is_a_list(story):
    async def tell(server):
        assert (await get(server, PATH))["items"] == []

    story(tell)


def test_lists_follow_every_write(story):
    async def tell(server):
        await make(server, "a")
        before = await get(server, PATH)
        await make(server, "b")
        after = await get(server, PATH)
        assert names(after) == ["a", "b"]
        assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])

    story(tell)


def test_selectors(story):
    async def tell(server):
        await make(server, "a1", "a2", "b1")
        assert names(await get(server, PATH, labelSelector="app=a")) == ["a1", "a2"]
        assert names(await get(server, PATH, labelSelector="app notin (a)")) == ["b1"]
        assert names(await get(server, PATH, fieldSelector="metadata.name!=a1")) == ["a2", "b1"]
        assert (await ask(server, PATH, fieldSelector="data.x=1")).status == 400

    story(tell)


def test_chunks_are_of_the_snapshot_of_the_first(story):
    async def tell(server):
        await make(server, "a", "b", "c", "d", "e")
        first = await get(server, PATH, limit="2")
        assert names(first) == ["a", "b"]
        assert first["metadata"]["remainingItemCount"] == 3
        await server.client().delete("configmaps", "d", "default")
        await make(server, "bb")
        second = await get(server, PATH, limit="2", **{"continue": first["metadata"]["continue"]})
        third = await get(server, PATH, limit="2", **{"continue": second["metadata"]["continue"]})
        assert names(second) + names(third) == ["c", "d", "e"]
        assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        assert "continue" not in third["metadata"]

    story(tell)


def test_chunks_of_all_namespaces(story):
    async def tell(server):
        await make(server, "a", "b")
        elsewhere = config_map("c")
        elsewhere["metadata"]["namespace"] = "kube-public"
        await server.client().create("configmaps", elsewhere)
        found, token = [], ""
        while True:
            answer = await get(server, "/api/v1/configmaps", limit="1", **({"continue": token} if token else {}))
            found += names(answer)
            token = answer["metadata"].get("continue", "")
            if not token:
                break
        assert found[:3] == ["a", "b", "c"]
        assert found == names(await get(server, "/api/v1/configmaps"))

    story(tell)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"continue": "nonsense"}, 400),
        ({"limit": "many"}, 400),
        ({"resourceVersion": "x"}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersion": "1", "resourceVersionMatch": "Sometimes"}, 422),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422),
        ({"sendInitialEvents": "true"}, 422),
    ],
)
def test_bad_options_are_refused(story, query, code):
    async def tell(server):
        assert (await ask(server, PATH, **query)).status == code

    story(tell)


def test_an_exact_revision_is_that_of_the_past(story):
    async def tell(server):
        await make(server, "a")
        then = (await get(server, PATH))["metadata"]["resourceVersion"]
        await make(server, "b")
        past = await get(server, PATH, resourceVersion=then, resourceVersionMatch="Exact")
        assert (names(past), past["metadata"]["resourceVersion"]) == (["a"], then)
        assert names(await get(server, PATH, resourceVersion=then, resourceVersionMatch="NotOlderThan")) == ["a", "b"]

    story(tell)


def test_a_revision_from_the_future_is_waited_for_and_then_refused(story, monkeypatch):
    monkeypatch.setattr("corral.server.core.FRESH_TIMEOUT_S", 0.01)

    async def tell(server):
        answer = await ask(server, PATH, resourceVersion="999999")
        assert answer.status == 504
        assert orjson.loads(answer.body)["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert answer.headers["Retry-After"] == "1"

    story(tell)


def test_tables_and_metadata(story):
    async def tell(server):
        await make(server, "a")
        table = await get(server, PATH, TABLE)
        assert table["kind"] == "Table"
        assert table["rows"][0]["cells"][:2] == ["a", 0]
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
        bare = await get(server, PATH + "/a", TABLE, includeObject="None")
        assert bare["rows"][0]["object"] is None
        partial = await get(server, PATH + "/a", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
        assert set(partial) == {"kind", "apiVersion", "metadata"}
        assert (await ask(server, PATH, "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")).status == 406

    story(tell)


def test_yaml_on_request(story):
    async def tell(server):
        await make(server, "a")
        answer = await ask(server, PATH + "/a", "application/yaml")
        assert answer.content_type == "application/yaml"
        assert b"\nkind: ConfigMap\nmetadata:\n" in answer.body
        assert b'resourceVersion: "' in answer.body

    story(tell)


def test_an_object_in_another_version(story):
    async def tell(server):
        hpa = {
            "kind": "HorizontalPodAutoscaler",
            "apiVersion": "autoscaling/v1",
            "metadata": {"name": "h", "namespace": "default"},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
                "maxReplicas": 4,
                "targetCPUUtilizationPercentage": 60,
            },
        }
        path = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
        body = orjson.dumps(hpa)
        request = Request("POST", path.format("v1"), {}, {"Content-Type": "application/json"}, body, LOOPBACK)
        created = await server.api.handle(request)
        assert created.status == 201
        assert orjson.loads(created.body)["spec"]["targetCPUUtilizationPercentage"] == 60
        v2 = await get(server, path.format("v2") + "/h")
        assert v2["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
        listed = await get(server, path.format("v1"))
        assert listed["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 60

    story(tell)


def test_what_is_not_there_is_404(story):
    async def tell(server):
        with pytest.raises(ApiError) as missing:
            await server.client().get("configmaps", "none", "default")
        assert missing.value.message == 'configmaps "none" not found'

    story(tell)


def test_revisions_and_limits_that_are_none(story):
    async def tell(server):
        await make(server, "a", "b")
        for version in ("9" * 20, "9" * 5000, "²", "-1"):
            for watch in ({}, {"watch": "1"}):
                assert (await ask(server, PATH, resourceVersion=version, **watch)).status == 400
        assert names(await get(server, PATH, limit="-1")) == ["a", "b"]

    story(tell)
