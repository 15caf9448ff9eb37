"""Create, update, patch, delete: what a write may do, who wins, what is left."""

import asyncio

import orjson
import pytest

from corral.api.errors import ApiError
from corral.server.request import LOOPBACK, Request

PATH = "/api/v1/namespaces/default/configmaps"


def config_map(name="a", **meta):
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default", **meta}}


def deployment():
    labels = {"app": "d"}
    containers = [{"name": "a", "image": "nginx:1"}]
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d", "namespace": "default"}, "spec": spec}


async def send(server, method, path, body=None, content_type="application/json", **query):
    data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    headers = {"Content-Type": content_type} if data else {}
    response = await server.api.handle(Request(method, path, query, headers, data, LOOPBACK))
    return response.status, orjson.loads(response.body)


def test_a_new_object_gets_what_the_system_knows(story):
    async def tell(server):
        made = await server.client().create("configmaps", config_map(uid="mine", creationTimestamp=None, generation=7))
        meta = made["metadata"]
        assert meta["uid"] != "mine"
        assert meta["creationTimestamp"].endswith("Z")
        assert "generation" not in meta
        assert made == await server.client().get("configmaps", "a", "default")

    story(tell)


def test_names_are_generated(story):
    async def tell(server):
        made = await server.client().create("configmaps", {"metadata": {"generateName": "x-"}}, "default")
        assert len(made["metadata"]["name"]) == len("x-") + 5

    story(tell)


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", PATH, {"metadata": {"name": "a", "namespace": "other"}}, 400),
        ("POST", PATH, {"metadata": {}}, 422),
        ("POST", PATH, b"{not json", 400),
        ("POST", PATH, b"[]", 400),
        ("POST", PATH, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}, 400),
        ("POST", "/api/v1/namespaces/none/configmaps", {"metadata": {"name": "a"}}, 404),
        ("PUT", PATH + "/a", {"metadata": {"name": "b"}}, 400),
        ("PUT", PATH + "/a", {"metadata": {"name": "a"}}, 404),
        ("DELETE", PATH + "/a", None, 404),
        ("PATCH", PATH + "/a", {}, 415),
    ],
)
def test_bad_writes_are_refused_and_change_nothing(story, method, path, body, code):
    async def tell(server):
        before = server.api.core.cache.revision
        assert (await send(server, method, path, body))[0] == code
        assert server.api.core.cache.revision == before

    story(tell)


def test_the_second_of_two_creates_loses(story):
    async def tell(server):
        client = server.client()
        results = await asyncio.gather(*(client.create("configmaps", config_map()) for _ in range(2)), return_exceptions=True)
        errors = [result for result in results if isinstance(result, ApiError)]
        assert [error.reason for error in errors] == ["AlreadyExists"]

    story(tell)


def test_a_write_that_names_an_old_revision_loses(story):
    async def tell(server):
        client = server.client()
        first = await client.create("configmaps", config_map())
        await client.patch("configmaps", "a", {"data": {"x": "1"}}, "default")
        with pytest.raises(ApiError) as lost:
            await client.update("configmaps", first)
        assert lost.value.reason == "Conflict"

    story(tell)


def test_unconditional_patches_are_tried_again_until_none_is_lost(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map())
        patches = [client.patch("configmaps", "a", {"data": {f"k{i}": "1"}}, "default") for i in range(20)]
        await asyncio.gather(*patches)
        assert len((await client.get("configmaps", "a", "default"))["data"]) == 20

    story(tell)


def test_a_write_that_changes_nothing_is_no_write(story):
    async def tell(server):
        client = server.client()
        made = await client.create("configmaps", config_map())
        same = await client.patch("configmaps", "a", {}, "default")
        assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    story(tell)


def test_generation_counts_changes_of_the_spec_only(story):
    async def tell(server):
        client = server.client()
        made = await client.create("deployments.apps", deployment())
        assert made["metadata"]["generation"] == 1
        labelled = await client.patch("deployments.apps", "d", {"metadata": {"labels": {"x": "y"}}}, "default")
        assert labelled["metadata"]["generation"] == 1
        scaled = await client.patch("deployments.apps", "d", {"spec": {"replicas": 3}}, "default")
        assert scaled["metadata"]["generation"] == 2

    story(tell)


def test_spec_and_status_are_written_apart(story):
    async def tell(server):
        client = server.client()
        await client.create("deployments.apps", deployment())
        change = {"spec": {"replicas": 5}, "status": {"replicas": 9}}
        main = await client.patch("deployments.apps", "d", change, "default")
        assert (main["spec"]["replicas"], main["status"].get("replicas")) == (5, None)
        change["spec"]["replicas"] = 7
        status = await client.patch("deployments.apps", "d", change, "default", subresource="status")
        assert (status["spec"]["replicas"], status["status"]["replicas"]) == (5, 9)

    story(tell)


def test_owners_of_fields(story):
    async def tell(server):
        client = server.client("creator")
        await client.create("configmaps", {**config_map(), "data": {"x": "1"}})
        await server.client("other").patch("configmaps", "a", {"data": {"y": "2"}}, "default")
        entries = (await client.get("configmaps", "a", "default"))["metadata"]["managedFields"]
        assert {e["manager"]: list(e["fieldsV1"]["f:data"]) for e in entries} == {"creator": [".", "f:x"], "other": ["f:y"]}

    story(tell)


def test_server_side_apply_creates_merges_and_conflicts(story):
    async def tell(server):
        async def apply(manager, data, **query):
            body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": data}
            return await send(server, "PATCH", PATH + "/a", body, "application/apply-patch+yaml", fieldManager=manager, **query)

        assert (await apply("one", {"x": "1"}))[0] == 201
        assert (await apply("two", {"y": "1"}))[1]["data"] == {"x": "1", "y": "1"}
        code, status = await apply("two", {"x": "2", "y": "1"})
        assert (code, status["details"]["causes"][0]["field"]) == (409, ".data.x")
        assert (await apply("two", {"x": "2", "y": "1"}, force="true"))[1]["data"]["x"] == "2"

    story(tell)


def test_a_dry_run_answers_and_writes_nothing(story):
    async def tell(server):
        code, made = await send(server, "POST", PATH, config_map(), dryRun="All")
        assert (code, "resourceVersion" in made["metadata"]) == (201, False)
        assert (await send(server, "GET", PATH + "/a"))[0] == 404
        assert (await send(server, "POST", PATH, config_map(), dryRun="Some"))[0] == 422

    story(tell)


def test_deletion_answers_with_a_status(story):
    async def tell(server):
        made = await server.client().create("configmaps", config_map())
        code, status = await send(server, "DELETE", PATH + "/a")
        assert (code, status["status"], status["details"]["uid"]) == (200, "Success", made["metadata"]["uid"])

    story(tell)


def test_finalizers_hold_an_object_until_the_last_is_gone(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map(finalizers=["example.com/a", "example.com/b"]))
        held = await client.delete("configmaps", "a", "default")
        assert held["metadata"]["deletionTimestamp"]
        await client.patch("configmaps", "a", {"metadata": {"finalizers": ["example.com/b"]}}, "default")
        assert (await client.get("configmaps", "a", "default"))["metadata"]["finalizers"] == ["example.com/b"]
        await client.patch("configmaps", "a", {"metadata": {"finalizers": None}}, "default")
        assert (await send(server, "GET", PATH + "/a"))[0] == 404

    story(tell)


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
def test_propagation_policies_leave_a_finalizer(story, policy, finalizer):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map())
        held = await client.delete("configmaps", "a", "default", propagation=policy)
        assert held["metadata"]["finalizers"] == [finalizer]

    story(tell)


def test_preconditions_of_a_deletion(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", config_map())
        with pytest.raises(ApiError) as refused:
            await client.delete("configmaps", "a", "default", uid="another")
        assert refused.value.code == 409
        assert "does not match the UID in record" in refused.value.message

    story(tell)


def test_pods_end_gracefully_once_they_have_a_node(story):
    async def tell(server):
        client = server.client()
        await client.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
        await client.create("pods", pod, "default")
        await client.create("pods", {"target": {"name": "n"}}, "default", name="p", subresource="binding")
        going = await client.delete("pods", "p", "default")
        assert going["metadata"]["deletionGracePeriodSeconds"] == 30
        shorter = await client.delete("pods", "p", "default", grace_period_s=5)
        assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
        longer = await client.delete("pods", "p", "default", grace_period_s=60)
        assert longer["metadata"]["deletionGracePeriodSeconds"] == 5
        await client.delete("pods", "p", "default", grace_period_s=0)
        with pytest.raises(ApiError):
            await client.get("pods", "p", "default")

    story(tell)


def test_a_pod_that_gets_a_node_is_of_the_same_generation(story):
    async def tell(server):
        client = server.client()
        await client.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
        await client.create("pods", pod, "default")
        await client.create("pods", {"target": {"name": "n"}}, "default", name="p", subresource="binding")
        bound = await client.get("pods", "p", "default")
        assert (bound["spec"]["nodeName"], bound["metadata"]["generation"]) == ("n", 1)
        going = await client.delete("pods", "p", "default")
        assert going["metadata"]["generation"] == 2

    story(tell)


def test_a_collection_is_deleted_by_selector(story):
    async def tell(server):
        client = server.client()
        for name in ("a", "b", "c"):
            await client.create("configmaps", config_map(name, labels={"keep": str(name == "b")}))
        code, answer = await send(server, "DELETE", PATH, labelSelector="keep=False")
        assert code == 200
        assert [item["metadata"]["name"] for item in answer["items"]] == ["a", "c"]
        left = (await send(server, "GET", PATH))[1]["items"]
        assert [item["metadata"]["name"] for item in left] == ["b"]

    story(tell)


def test_an_unexpected_fault_is_a_500_without_traceback(story, monkeypatch):
    async def tell(server):
        async def broken(*_arguments):
            raise ZeroDivisionError("oops")

        monkeypatch.setattr(server.api.core.writes, "create", broken)
        code, status = await send(server, "POST", PATH, config_map())
        assert (code, status["reason"]) == (500, "InternalError")
        assert "Traceback" not in status["message"]

    story(tell)
