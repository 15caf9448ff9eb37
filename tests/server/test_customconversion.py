"""Conversion webhooks: the behaviours of [sig-api-machinery] CustomResourceConversionWebhook, over HTTPS."""

import asyncio

import orjson
import pytest
from tests.server.admission.webhooks import (
    DEFINITIONS,
    VALIDATING,
    configuration,
    crontab,
    definition,
    hook_of,
    rule,
    server_and_webhook,
    version,
)
from tests.server.conftest import until

from corral.api.errors import ApiError
from corral.client.transport import Call
from corral.server.request import LOOPBACK, Request
from corral.testing.webhooks import allow, converted

NAME = "crontabs.stable.example.com"
TEXT = {"type": "string"}
V1 = {"hostPort": TEXT, "replicas": {"type": "integer"}}
V2 = {"host": TEXT, "port": TEXT, "replicas": {"type": "integer"}}


def path(api_version: str, name: str = "") -> str:
    whole = f"/apis/stable.example.com/{api_version}/namespaces/default/crontabs"
    return f"{whole}/{name}" if name else whole


def convert(obj, api_version):
    """v1 has `hostPort`, v2 `host` and `port`: the example of the documentation."""
    made = {**obj, "apiVersion": api_version}
    if api_version.endswith("v2") and "hostPort" in made:
        made["host"], made["port"] = made.pop("hostPort").split(":")
    elif api_version.endswith("v1") and "host" in made:
        made["hostPort"] = f"{made.pop('host')}:{made.pop('port')}"
    return made


def answer(url_path, review):
    if review["kind"] == "AdmissionReview":
        return allow(review)
    return converted(review, convert)


def told(tmp_path, story, answer=answer):
    async def run() -> None:
        async with asyncio.timeout(30), server_and_webhook(tmp_path, answer) as (server, hook):
            conversion = {
                "strategy": "Webhook",
                "webhook": {"clientConfig": hook.client_config("/convert"), "conversionReviewVersions": ["v1"]},
            }
            versions = (version("v1", storage=True, properties=V1), version("v2", properties=V2))
            await server.client().create(DEFINITIONS, definition(*versions, conversion=conversion))
            await story(server, hook)

    asyncio.run(run())


async def call(server, method, where, body=None, **query):
    raw = await server.api.local().call(Call(method, where, query, None if body is None else orjson.dumps(body)))
    return orjson.loads(raw)


async def store_v2(server) -> None:
    versions = [version("v1", properties=V1), version("v2", storage=True, properties=V2)]
    await server.client().patch(DEFINITIONS, NAME, {"spec": {"versions": versions}})


def spec_of(obj):
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}


def test_read_in_another_version(tmp_path) -> None:
    """v1 is written, v2 is read.

    [sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert from CR v1 to CR v2 [Conformance]
    """

    async def story(server, hook) -> None:
        made = await call(server, "POST", path("v1"), crontab("a", hostPort="localhost:8080"))
        assert hook.reviews == []
        found = await call(server, "GET", path("v2", "a"))
        assert (found["apiVersion"], spec_of(found)) == ("stable.example.com/v2", {"host": "localhost", "port": "8080"})
        assert found["metadata"] == {**made["metadata"], "managedFields": found["metadata"]["managedFields"]}
        request = hook.reviews[0][1]["request"]
        assert request["desiredAPIVersion"] == "stable.example.com/v2"
        assert [obj["hostPort"] for obj in request["objects"]] == ["localhost:8080"]
        await call(server, "GET", path("v2", "a"))
        await call(server, "GET", path("v1", "a"))
        assert len(hook.reviews) == 1

    told(tmp_path, story)


def test_mixed_list(tmp_path) -> None:
    """One review for all of them.

    [sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert a non homogeneous list of CRs [Conformance]
    """

    async def story(server, hook) -> None:
        for name in ("a", "b"):
            await call(server, "POST", path("v1"), crontab(name, hostPort=f"{name}:1"))
        await store_v2(server)
        await call(server, "POST", path("v2"), crontab("c", "v2", host="c", port="1"))
        assert hook.reviews == []
        listed = await call(server, "GET", path("v2"))
        assert [spec_of(obj) for obj in listed["items"]] == [{"host": name, "port": "1"} for name in "abc"]
        assert [len(review["request"]["objects"]) for _, review in hook.reviews] == [2]
        listed = await call(server, "GET", path("v1"))
        assert [spec_of(obj) for obj in listed["items"]] == [{"hostPort": f"{name}:1"} for name in "abc"]

    told(tmp_path, story)


def test_a_list_that_changes_while_it_is_converted(tmp_path) -> None:
    """What is kept of it is not taken for what the collection is by then."""
    late = []

    async def slow(url_path, review):
        for write in late:
            late.clear()
            await write()
        return answer(url_path, review)

    async def story(server, hook) -> None:
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        late.append(lambda: call(server, "POST", path("v1"), crontab("b", hostPort="b:1")))
        before = await call(server, "GET", path("v2"))
        assert [obj["metadata"]["name"] for obj in before["items"]] == ["a"]
        after = await call(server, "GET", path("v2"))
        assert [obj["metadata"]["name"] for obj in after["items"]] == ["a", "b"]
        assert int(before["metadata"]["resourceVersion"]) < int(after["metadata"]["resourceVersion"])

    told(tmp_path, story, slow)


def test_writes_in_a_version_that_is_not_stored(tmp_path) -> None:
    """What is written in v2 is stored as v1; patches see v2; nothing is asked again for what was just written."""

    async def story(server, hook) -> None:
        made = await call(server, "POST", path("v2"), crontab("a", "v2", host="h", port="1"))
        assert spec_of(made) == {"host": "h", "port": "1"}
        stored = server.api.core.cache.collection(NAME).get("default", "a").object
        assert (stored["apiVersion"], stored["hostPort"]) == ("stable.example.com/v1", "h:1")
        client = server.client()
        changed = await client.transport.call(
            Call("PATCH", path("v2", "a"), {}, b'{"port":"2"}', content_type="application/merge-patch+json")
        )
        assert spec_of(orjson.loads(changed)) == {"host": "h", "port": "2"}
        assert spec_of(await call(server, "GET", path("v1", "a"))) == {"hostPort": "h:2"}
        before = len(hook.reviews)
        assert spec_of(await call(server, "GET", path("v2", "a"))) == {"host": "h", "port": "2"}
        assert len(hook.reviews) == before

    told(tmp_path, story)


def test_watches_see_their_version(tmp_path) -> None:
    """Objects that are there, that come, that change and that go; two watchers of one version ask once."""

    async def story(server, hook) -> None:
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        seen: list[list[tuple[str, dict]]] = [[], []]
        begun, done = ([asyncio.Event(), asyncio.Event()] for _ in range(2))

        async def watch(i: int) -> None:
            async for event in server.api.local().watch(Call("GET", path("v2"), {"watch": "true"})):
                if event.type == "BOOKMARK":
                    continue
                obj = orjson.loads(event.item.raw)
                seen[i].append((event.type, obj["metadata"]["name"], spec_of(obj)))
                begun[i].set()
                if event.type == "DELETED":
                    done[i].set()
                    return

        watchers = [asyncio.create_task(watch(i)) for i in range(2)]
        await asyncio.gather(*(event.wait() for event in begun))
        await call(server, "POST", path("v1"), crontab("b", hostPort="b:1"))
        await call(server, "DELETE", path("v1", "b"))
        await asyncio.gather(*(event.wait() for event in done), *watchers)
        expected = [
            (kind, name, {"host": name, "port": "1"}) for kind, name in (("ADDED", "a"), ("ADDED", "b"), ("DELETED", "b"))
        ]
        assert seen == [expected, expected]
        objects = [obj["metadata"]["name"] for _, review in hook.reviews for obj in review["request"]["objects"]]
        assert objects == ["a", "b"]

    told(tmp_path, story)


def test_field_selectors_of_each_version(tmp_path) -> None:
    """Lists and watches select by the fields of the version that is asked for; who fits no more is DELETED for a watcher.

    [sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector [Conformance]
    """

    async def story(server, hook) -> None:
        client = server.client()
        v1 = version("v1", storage=True, properties=V1, selectableFields=[{"jsonPath": ".hostPort"}])
        v2 = version("v2", properties=V2, selectableFields=[{"jsonPath": ".host"}, {"jsonPath": ".port"}])
        await client.patch(DEFINITIONS, NAME, {"spec": {"versions": [v1, v2]}})
        where = {"host": ("v2", "host=host1"), "both": ("v2", "host=host1,port=80"), "old": ("v1", "hostPort=host1:80")}
        seen: dict[str, list[tuple[str, str]]] = {name: [] for name in where}

        async def watch(name: str) -> None:
            api_version, fields = where[name]
            query = {"watch": "true", "fieldSelector": fields}
            async for event in server.api.local().watch(Call("GET", path(api_version), query)):
                seen[name].append((event.type, orjson.loads(event.item.raw)["metadata"]["name"]))

        async def names(name: str) -> list[str]:
            listed = await call(server, "GET", path(where[name][0]), fieldSelector=where[name][1])
            return [item["metadata"]["name"] for item in listed["items"]]

        watchers = [asyncio.create_task(watch(name)) for name in where]
        for name, fields in {"a": {"host": "host1", "port": "80"}, "b": {"host": "host1", "port": "8080"}, "c": {}}.items():
            await call(server, "POST", path("v2"), crontab(name, "v2", **(fields or {"host": "host2", "port": ""})))
        assert (await names("host"), await names("both"), await names("old")) == (["a", "b"], ["a"], ["a"])
        added = {"host": [("ADDED", "a"), ("ADDED", "b")], "both": [("ADDED", "a")], "old": [("ADDED", "a")]}
        await until(lambda: seen == added)
        await call(server, "DELETE", path("v2"), fieldSelector=where["both"][1])
        moved = await call(server, "GET", path("v2", "b"))
        await call(server, "PUT", path("v2", "b"), {**moved, "host": "host2"})
        assert (await names("host"), await names("both"), await names("old")) == ([], [], [])
        gone = {name: [*events, *(("DELETED", one) for _, one in events)] for name, events in added.items()}
        await until(lambda: seen == gone)
        for watcher in watchers:
            watcher.cancel()

    told(tmp_path, story)


def labelled(url_path, review):
    """The webhook labels what it converts with the version."""

    def one(obj, version):
        labels = {**(obj["metadata"].get("labels") or {}), "version": version.rpartition("/")[2]}
        return {**convert(obj, version), "metadata": {**obj["metadata"], "labels": labels}}

    return converted(review, one)


def test_labels_and_views_of_each_version(tmp_path) -> None:
    """Label selectors, metadata-only views and tables go by what the webhook makes of an object, in lists and watches."""
    meta = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    rows = "application/json;as=Table;g=meta.k8s.io;v=v1"

    async def story(server, hook) -> None:
        async def get(where, accept, **query):
            answer = await server.api.handle(Request("GET", where, query, {"Accept": accept}, user=LOOPBACK))
            assert answer.status == 200, answer.body
            return orjson.loads(answer.body)

        v2 = version("v2", properties=V2, additionalPrinterColumns=[{"name": "Host", "type": "string", "jsonPath": ".host"}])
        await server.client().patch(DEFINITIONS, NAME, {"spec": {"versions": [version("v1", storage=True, properties=V1), v2]}})
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        selected = {"labelSelector": "version=v2"}
        assert len((await call(server, "GET", path("v2"), **selected))["items"]) == 1
        assert (await call(server, "GET", path("v1"), **selected))["items"] == []
        for found in ((await get(path("v2"), meta))["items"][0], await get(path("v2", "a"), one)):
            assert (found["kind"], found["metadata"]["labels"]) == ("PartialObjectMetadata", {"version": "v2"})
        table = await get(path("v2"), rows, **selected)
        assert [row["cells"] for row in table["rows"]] == [["a", "a"]]
        assert table["rows"][0]["object"]["metadata"]["labels"] == {"version": "v2"}
        query = {"watch": "true", "timeoutSeconds": "1", **selected}
        answer = await server.api.handle(Request("GET", path("v2"), query, {"Accept": one}, user=LOOPBACK))
        stream = answer.stream
        event = orjson.loads(await anext(stream))
        assert (event["type"], event["object"]["metadata"]["labels"]) == ("ADDED", {"version": "v2"})
        await call(server, "POST", path("v1"), crontab("b", hostPort="b:1"))
        event = orjson.loads(await anext(stream))
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "b")
        assert event["object"]["metadata"]["labels"] == {"version": "v2"}
        await stream.aclose()
        await call(server, "DELETE", path("v1"), **selected)
        await call(server, "DELETE", path("v2"), labelSelector="version=v1")
        assert len((await call(server, "GET", path("v1")))["items"]) == 2
        await call(server, "DELETE", path("v2"), **selected)
        assert (await call(server, "GET", path("v1")))["items"] == []

    told(tmp_path, story, labelled)


def owners(obj):
    found = {}
    for entry in obj["metadata"].get("managedFields") or ():
        fields = {name for name in entry["fieldsV1"] if name != "f:metadata"}
        found[entry["manager"], entry["apiVersion"].rpartition("/")[2]] = fields
    return found


def test_owners_across_versions(tmp_path) -> None:
    """Who wrote in v1 keeps and loses what a write in v2 leaves of it and takes; appliers conflict across versions."""

    async def story(server, hook) -> None:
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1", replicas=1), fieldManager="old")
        found = await call(server, "GET", path("v2", "a"))
        made = await call(server, "PUT", path("v2", "a"), {**found, "replicas": 2}, fieldManager="new")
        assert owners(made) == {("old", "v1"): {"f:hostPort"}, ("new", "v2"): {"f:replicas"}}
        made = await call(server, "PUT", path("v2", "a"), {**made, "port": "2"}, fieldManager="new")
        assert owners(made) == {("new", "v2"): {"f:replicas", "f:port"}}

        async def apply(api_version, manager, **fields):
            body = orjson.dumps(crontab("b", api_version, **fields))
            sent = Call("PATCH", path(api_version, "b"), {"fieldManager": manager}, body, "application/apply-patch+yaml")
            return orjson.loads(await server.api.local().call(sent))

        await apply("v1", "old", hostPort="b:1", replicas=1)
        with pytest.raises(ApiError) as caught:
            await apply("v2", "new", host="b", port="2")
        assert caught.value.code == 409 and '"old"' in caught.value.message
        made = await apply("v2", "new", host="b", port="1")
        assert owners(made) == {("old", "v1"): {"f:hostPort", "f:replicas"}, ("new", "v2"): {"f:host", "f:port"}}

    told(tmp_path, story, lambda where, review: converted(review, convert))


def test_a_write_without_conversion_of_owners(tmp_path) -> None:
    """Where the webhook cannot say who owns what in the other version, a write goes on and nobody owns anything."""

    async def story(server, hook) -> None:
        await call(server, "POST", path("v2"), crontab("a", "v2", host="a", port="1"), fieldManager="old")
        found = await call(server, "GET", path("v1", "a"))
        absent = {"url": "https://127.0.0.1:1/convert"}
        await server.client().patch(DEFINITIONS, NAME, {"spec": {"conversion": {"webhook": {"clientConfig": absent}}}})
        made = await call(server, "PUT", path("v1", "a"), {**found, "hostPort": "a:2"}, fieldManager="new")
        assert (made["hostPort"], owners(made)) == ("a:2", {})

    told(tmp_path, story)


def test_dry_runs_come_back_through_the_webhook(tmp_path) -> None:
    """What a dry run answers is what the write would: converted to the stored version, and back."""

    async def story(server, hook) -> None:
        made = await call(server, "POST", path("v2"), crontab("a", "v2", host="a", port="1"), dryRun="All")
        assert made["metadata"]["labels"] == {"version": "v2"}
        assert spec_of(made) == {"host": "a", "port": "1"} and "resourceVersion" not in made["metadata"]
        kept = await call(server, "POST", path("v2"), crontab("a", "v2", host="a", port="1"))
        assert kept["metadata"]["labels"] == {"version": "v2"}
        made = await call(server, "PUT", path("v2", "a"), {**kept, "port": "2"}, dryRun="All")
        assert (made["port"], made["metadata"]["labels"]) == ("2", {"version": "v2"})
        assert spec_of(await call(server, "GET", path("v1", "a"))) == {"hostPort": "a:1"}

    told(tmp_path, story, labelled)


def changed(**fields):
    def make(url_path, review):
        return converted(review, lambda obj, version: {**convert(obj, version), **fields})

    return make


def with_metadata(**fields):
    def make(url_path, review):
        def one(obj, version):
            return {**convert(obj, version), "metadata": {**obj["metadata"], **fields}}

        return converted(review, one)

    return make


INTRO = "conversion webhook for stable.example.com/v1, Kind=CronTab"


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (
            lambda _, review: {**converted(review, convert), "response": {"uid": review["request"]["uid"], "result": {}}},
            f"{INTRO} failed: response.result.status was '', not 'Success'",
        ),
        (
            lambda _, review: {
                **converted(review, convert),
                "response": {"uid": review["request"]["uid"], "result": {"status": "Failure", "message": "cannot"}},
            },
            f"{INTRO} failed: cannot",
        ),
        (
            lambda _, review: {
                **converted(review, convert),
                "response": {"uid": review["request"]["uid"], "result": {"status": "Success"}},
            },
            f"{INTRO} returned 0 objects, expected 1",
        ),
        (lambda _, review: {**converted(review, convert), "response": None}, f"{INTRO} failed: no response provided"),
        (
            changed(apiVersion="stable.example.com/v3"),
            f"{INTRO} returned invalid converted object at index 0: invalid groupVersion "
            "(expected stable.example.com/v2, received stable.example.com/v3)",
        ),
        (
            changed(kind="Other"),
            f"{INTRO} returned invalid converted object at index 0: invalid kind (expected CronTab, received Other)",
        ),
        (
            with_metadata(name="other"),
            f"{INTRO} returned invalid converted object at index 0: must have the same name: a != other",
        ),
        (
            with_metadata(uid="other"),
            f"{INTRO} returned invalid converted object at index 0: must have the same UID: ",
        ),
    ],
)
def test_faulty_answers(tmp_path, faulty, message) -> None:
    """Reads fail with 500 and say what is wrong with the answer; the object itself is unharmed."""

    async def story(server, hook) -> None:
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        for where in (path("v2", "a"), path("v2")):
            with pytest.raises(ApiError) as caught:
                await call(server, "GET", where)
            assert (caught.value.code, caught.value.message[: len(message)]) == (500, message)
        assert spec_of(await call(server, "GET", path("v1", "a"))) == {"hostPort": "a:1"}

    told(tmp_path, story, faulty)


def test_metadata_is_the_object_s_own(tmp_path) -> None:
    """A conversion may change labels and annotations, and nothing else of the metadata."""
    meant = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["x.example.com/y"], "generation": 99}

    async def story(server, hook) -> None:
        made = await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        found = (await call(server, "GET", path("v2", "a")))["metadata"]
        assert (found["labels"], found["annotations"]) == ({"a": "b"}, {"c": "d"})
        assert "finalizers" not in found and found["generation"] == made["metadata"]["generation"]

    told(tmp_path, story, with_metadata(**meant))


def test_a_webhook_that_does_not_answer(tmp_path) -> None:
    """Reads and writes in the stored version go on; deletion needs no conversion; the message says how it was called."""

    async def story(server, hook) -> None:
        client = server.client()
        absent = {"url": "https://127.0.0.1:1/convert"}
        await client.patch(DEFINITIONS, NAME, {"spec": {"conversion": {"webhook": {"clientConfig": absent}}}})
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        with pytest.raises(ApiError) as caught:
            await call(server, "POST", path("v2"), crontab("b", "v2", host="b", port="1"))
        assert caught.value.message == (
            "conversion webhook for stable.example.com/v2, Kind=CronTab failed: "
            'Post "https://127.0.0.1:1/convert?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused'
        )
        assert server.api.core.cache.collection(NAME).get("default", "b") is None
        assert spec_of(await call(server, "GET", path("v1", "a"))) == {"hostPort": "a:1"}
        await call(server, "DELETE", path("v2", "a"))

    told(tmp_path, story)


def test_admission_in_another_version(tmp_path) -> None:
    """An admission webhook for v2 sees a write of v1 as v2."""

    async def story(server, hook) -> None:
        rules = rule("crontabs", group="stable.example.com", version="v2", operations="CREATE,DELETE")
        one = hook_of("a.example.com", hook.client_config("/admit"), rules)
        await server.client().create(VALIDATING, configuration("Validating", "c", one))
        await call(server, "POST", path("v1"), crontab("a", hostPort="a:1"))
        await call(server, "DELETE", path("v1", "a"))
        create, delete = (review["request"] for where, review in hook.reviews if where == "/admit")
        assert spec_of(create["object"]) == spec_of(delete["oldObject"]) == {"host": "a", "port": "1"}
        assert create["requestKind"]["version"] == "v1"

    told(tmp_path, story)


def test_authorities_nobody_can_be(tmp_path) -> None:
    """A definition whose caBundle holds no certificate is not served until it does; one that is served keeps a good one."""

    async def story(server, hook) -> None:
        client = server.client()
        good = hook.client_config("/convert")
        bad = {**good, "caBundle": "bm90aGluZw=="}
        patch = {"spec": {"conversion": {"webhook": {"clientConfig": bad}}}}
        with pytest.raises(ApiError) as caught:
            await client.patch(DEFINITIONS, NAME, patch)
        assert caught.value.message.endswith(
            'spec.conversion.webhookClientConfig.caBundle: Invalid value: "bm90aGluZw==": '
            "unable to load root certificates: unable to parse bytes as PEM block"
        )
        conversion = {"strategy": "Webhook", "webhook": {"clientConfig": bad, "conversionReviewVersions": ["v1"]}}
        versions = (version("v1", storage=True, properties=V1), version("v2", properties=V2))
        other = definition(*versions, conversion=conversion, names={"plural": "others", "kind": "Other"})
        other["metadata"]["name"] = "others.stable.example.com"
        await client.create(DEFINITIONS, other)
        catalog = server.api.core.catalog
        assert catalog.at("stable.example.com", "v1", "others") is None
        patch = {"spec": {"conversion": {"webhook": {"clientConfig": good}}}}
        await client.patch(DEFINITIONS, other["metadata"]["name"], patch)
        await server.api.core.custom.settled(other["metadata"]["name"])
        assert catalog.at("stable.example.com", "v1", "others") is not None

    told(tmp_path, story)
