"""The API in protobuf, as Go's clients ask for it: objects, lists, watches, refusals, discovery.

https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding; the conformance suite's [sig-api-machinery]
"Servers with support for Table transformation" and "Discovery" have the JSON side of it.
"""

import asyncio
import struct

import orjson

from corral.api.protobuf import decode_object, encode_object
from corral.server.binary import Binary
from corral.server.request import LOOPBACK, Request

PROTOBUF = "application/vnd.kubernetes.protobuf"
MAPS = "/api/v1/namespaces/default/configmaps"
PARTIAL = f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


def config_map(name, **data):
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


async def ask(server, method, path, obj=None, *, accept=PROTOBUF, query=None, media=PROTOBUF):
    """The answer: status, media type, object."""
    body = b"" if obj is None else encode_object(obj) if media == PROTOBUF else orjson.dumps(obj)
    request = Request(method, path, query or {}, {"Accept": accept, "Content-Type": media}, body, LOOPBACK)
    response = await server.api.handle(request)
    read = decode_object if response.content_type == PROTOBUF else orjson.loads
    return response.status, response.content_type, read(response.body)


def test_every_verb_answers_in_protobuf(story):
    async def tell(server):
        status, media, made = await ask(server, "POST", MAPS, config_map("a", k="v"))
        assert (status, media, made["data"]) == (201, PROTOBUF, {"k": "v"})
        status, _, shown = await ask(server, "GET", f"{MAPS}/a")
        assert (status, shown) == (200, made)
        made["data"]["k"] = "w"
        status, _, changed = await ask(server, "PUT", f"{MAPS}/a", made)
        assert (status, changed["data"]) == (200, {"k": "w"})
        patch = "application/merge-patch+json"
        status, _, patched = await ask(server, "PATCH", f"{MAPS}/a", {"data": {"x": "y"}}, media=patch)
        assert (status, patched["data"]) == (200, {"k": "w", "x": "y"})
        as_json = orjson.loads(orjson.dumps((await ask(server, "GET", f"{MAPS}/a", accept="application/json"))[2]))
        assert as_json == patched
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}}
        status, _, refused = await ask(server, "DELETE", f"{MAPS}/a", options)
        assert (status, refused["kind"], refused["reason"]) == (409, "Status", "Conflict")
        status, _, gone = await ask(server, "DELETE", f"{MAPS}/a")
        assert (status, gone["status"], gone["details"]["name"]) == (200, "Success", "a")

    story(tell)


def test_lists_whole_in_chunks_and_as_metadata(story):
    async def tell(server):
        for name in ("a", "b", "c"):
            await ask(server, "POST", MAPS, config_map(name, k=name))
        status, media, found = await ask(server, "GET", MAPS)
        assert (status, media, found["kind"]) == (200, PROTOBUF, "ConfigMapList")
        assert [item["data"]["k"] for item in found["items"] if "data" in item and "k" in item["data"]] == ["a", "b", "c"]
        _, _, first = await ask(server, "GET", MAPS, query={"limit": "2"})
        assert len(first["items"]) == 2 and first["metadata"]["remainingItemCount"] >= 1
        accept = PARTIAL.replace("Metadata;", "MetadataList;")
        _, media, shown = await ask(server, "GET", MAPS, accept=accept)
        assert (media, shown["kind"]) == (PROTOBUF, "PartialObjectMetadataList")
        assert {"a", "b", "c"} <= {item["metadata"]["name"] for item in shown["items"]}
        assert all(set(item) == {"metadata"} for item in shown["items"])

    story(tell)


async def frames(server, count, accept=f"{PROTOBUF};stream=watch", **query):
    """The first `count` events of a watch: (type, object)."""
    response = await server.api.handle(Request("GET", MAPS, {"watch": "1", **query}, {"Accept": accept}, user=LOOPBACK))
    assert response.content_type == f"{PROTOBUF};stream=watch"
    data, found = b"", []
    async for chunk in response.stream:
        data += chunk
        while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack(">I", data[:4])[0]):
            event, data = data[4 : 4 + size], data[4 + size :]
            assert event[0] == 0x0A
            found.append((event[2 : 2 + event[1]].decode(), decode_object(event[event.index(b"k8s\0") :])))
        if len(found) >= count:
            break
    await response.stream.aclose()
    return found


def test_a_watch_is_frames_that_hold_whole_objects(story):
    async def tell(server):
        revision = str(server.api.core.cache.revision)
        watching = asyncio.create_task(frames(server, 3, resourceVersion=revision))
        as_metadata = asyncio.create_task(frames(server, 3, accept=PARTIAL, resourceVersion=revision))
        await ask(server, "POST", MAPS, config_map("a", k="v"))
        await ask(server, "PATCH", f"{MAPS}/a", {"data": {"k": "w"}}, media="application/merge-patch+json")
        await ask(server, "DELETE", f"{MAPS}/a")
        found = await watching
        assert [type for type, _ in found] == ["ADDED", "MODIFIED", "DELETED"]
        assert [obj["data"]["k"] for _, obj in found] == ["v", "w", "w"]
        found = await as_metadata
        assert [(obj["kind"], obj["metadata"]["name"]) for _, obj in found] == [("PartialObjectMetadata", "a")] * 3
        await ask(server, "POST", MAPS, config_map("b"))
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        *_, (type, last) = await frames(server, 2, **query)
        assert type == "BOOKMARK" and last["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        server.api.core.cache.forget(server.api.core.cache.revision)
        [(type, status)] = await frames(server, 1, resourceVersion="1")
        assert (type, status["kind"], status["code"]) == ("ERROR", "Status", 410)

    story(tell)


def test_refusals_and_reviews_answer_in_protobuf_too(story):
    async def tell(server):
        status, media, refused = await ask(server, "GET", f"{MAPS}/nothing")
        assert (status, media, refused["kind"], refused["code"]) == (404, PROTOBUF, "Status", 404)
        assert refused["details"] == {"name": "nothing", "kind": "configmaps"}
        review = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
        review["spec"] = {"resourceAttributes": {"verb": "get", "resource": "pods"}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        status, media, answer = await ask(server, "POST", path, {**review, "metadata": {}})
        assert (status, media, answer["status"]["allowed"]) == (201, PROTOBUF, True)
        deployment = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}}
        deployment["template"] = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        path = "/apis/apps/v1/namespaces/default/deployments"
        made = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d"}, "spec": deployment}
        assert (await ask(server, "POST", path, made))[0] == 201
        status, _, scale = await ask(server, "GET", f"{path}/d/scale")
        assert (status, scale["kind"], scale["spec"]) == (200, "Scale", {"replicas": 3})
        scale["spec"]["replicas"] = 5
        status, _, scale = await ask(server, "PUT", f"{path}/d/scale", scale)
        assert (status, scale["spec"]) == (200, {"replicas": 5})

    story(tell)


def test_tables_and_other_forms_stay_what_they_are(story):
    async def tell(server):
        table = f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io"
        _, media, shown = await ask(server, "GET", MAPS, accept=table)
        assert (media, shown["kind"]) == ("application/json", "Table")
        status, media, _ = await ask(server, "GET", MAPS, accept="application/cbor")
        assert (status, media) == (406, "application/json")
        status, _, refused = await ask(server, "POST", MAPS, config_map("a"), media="application/cbor")
        assert (status, refused["reason"]) == (415, "UnsupportedMediaType")

    story(tell)


def test_discovery(story):
    async def tell(server):
        for path, kind in (("/api", "APIVersions"), ("/apis", "APIGroupList"), ("/apis/apps", "APIGroup")):
            _, media, as_protobuf = await ask(server, "GET", path)
            _, _, as_json = await ask(server, "GET", path, accept="application/json")
            assert media == PROTOBUF and as_protobuf["kind"] == kind
            assert as_protobuf == {"apiVersion": "", **as_json}
        _, _, found = await ask(server, "GET", "/apis/apps/v1")
        deployments = next(entry for entry in found["resources"] if entry["name"] == "deployments")
        assert (deployments["kind"], deployments["shortNames"], deployments["verbs"][0]) == ("Deployment", ["deploy"], "create")
        aggregated = f"{PROTOBUF};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        response = await server.api.handle(Request("GET", "/apis", {}, {"Accept": aggregated}, user=LOOPBACK))
        assert response.content_type == aggregated
        document = decode_object(response.body)
        assert document["kind"] == "APIGroupDiscoveryList" and document["items"][1]["metadata"]["name"] == "apps"
        headers = {"Accept": aggregated, "If-None-Match": response.headers["ETag"]}
        again = await server.api.handle(Request("GET", "/apis", {}, headers, user=LOOPBACK))
        assert (again.status, again.body) == (304, b"")

    story(tell)


def test_what_is_kept_is_bounded_and_made_once(story):
    async def tell(server):
        core = server.api.core
        for i in range(20):
            await ask(server, "POST", MAPS, config_map(f"m{i:02}", k="v" * 1000))
        resource = core.catalog.at("", "v1", "configmaps")
        items = [item for item in core.collection(resource).list("default") if item.name.startswith("m")]
        kept = Binary(limit_bytes=10_000)
        first = kept.message(core, resource, items[0])
        assert kept.message(core, resource, items[0]) is first
        await kept.items(core, resource, items)
        assert 0 < kept.size_bytes <= 10_000
        assert kept.message(core, resource, items[0]) == first

    story(tell)
