"""Custom resources: from a definition to its objects and back to nothing."""

import asyncio
import json
from itertools import count

import orjson
import pytest

from corral.api.errors import ApiError
from corral.server.request import LOOPBACK, Request
from corral.server.verbs.patch import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from corral.testing.control import running_control

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
TOOLS = "tools.example.com"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
SPEC = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "default": 3, "maximum": 10},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "weight": {"type": "integer", "default": 1}},
            },
        },
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "inner": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}},
        },
    },
}
STATUS = {"type": "object", "properties": {"ready": {"type": "integer"}, "selector": {"type": "string"}}}


def version(name="v1", *, served=True, storage=True, spec=SPEC, **more):
    schema = {"type": "object", "properties": {"spec": spec, "status": STATUS}}
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def definition(*versions, group="example.com", plural="tools", kind="Tool", scope="Namespaced", **names):
    given = {"plural": plural, "kind": kind, **names}
    spec = {"group": group, "scope": scope, "names": given, "versions": list(versions) or [version()]}
    head = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}
    return {**head, "metadata": {"name": f"{plural}.{group}"}, "spec": spec}


WHOLE = version(
    subresources={
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.size",
            "statusReplicasPath": ".status.ready",
            "labelSelectorPath": ".status.selector",
        },
    },
    additionalPrinterColumns=[
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "First", "type": "string", "jsonPath": ".spec.parts[0].name", "priority": 1},
        {"name": "Free", "type": "string", "jsonPath": ".spec.free"},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ],
    selectableFields=[{"jsonPath": ".spec.color"}],
)


def tool(name="t", api_version="example.com/v1", **spec):
    return {"kind": "Tool", "apiVersion": api_version, "metadata": {"name": name}, "spec": spec}


async def until(holds):
    async with asyncio.timeout(10):
        for _ in count():
            if holds():
                return
            await asyncio.sleep(0.005)


async def define(server, what):
    """Create a definition; return when its resources are served."""
    name = what["metadata"]["name"]
    await server.client().create(DEFINITIONS, what)
    await until(lambda: condition(server, name, "Established").get("status") == "True")


def present(server, name):
    found = server.api.core.cache.collection(DEFINITIONS).get("", name)
    return None if found is None else found.object


def condition(server, name, type_):
    found = (present(server, name) or {}).get("status", {}).get("conditions") or ()
    return next((one for one in found if one["type"] == type_), {})


async def call(server, method, path, body=None, *, media="application/json", accept="", **query):
    headers = {"Accept": accept, "Content-Type": media, "User-Agent": "test"}
    raw = b"" if body is None else json.dumps(body).encode()
    answer = await server.api.handle(Request(method, path, query, headers, raw, LOOPBACK))
    return answer.status, orjson.loads(answer.body) if answer.body[:1] == b"{" else answer.body, answer.warnings


PATH = "/apis/example.com/v1/namespaces/default/tools"


def told(story, *versions):
    """A decorator: the story of a server that has the definition."""

    def decorate(tell):
        async def run(server):
            await define(server, definition(*versions or (WHOLE,)))
            await tell(server)

        story(run)
        return tell

    return decorate


def test_a_definition_is_established(story):
    @told(story)
    async def tell(server):
        accepted = condition(server, TOOLS, "NamesAccepted")
        assert (accepted["status"], accepted["reason"], accepted["message"]) == ("True", "NoConflicts", "no conflicts found")
        assert condition(server, TOOLS, "Established")["reason"] == "InitialNamesAccepted"
        status = present(server, TOOLS)["status"]
        assert status["acceptedNames"] == {"plural": "tools", "singular": "tool", "kind": "Tool", "listKind": "ToolList"}
        assert status["storedVersions"] == ["v1"]


def test_objects_can_be_made_as_soon_as_the_definition_is(story):
    async def tell(server):
        await server.client().create(DEFINITIONS, definition())
        assert (await call(server, "POST", PATH, tool()))[0] == 201

    story(tell)


def test_lists_are_called_what_the_definition_says(story):
    async def tell(server):
        await server.client().create(DEFINITIONS, definition(listKind="Toolbox"))
        _, found, _ = await call(server, "GET", PATH)
        assert (found["kind"], found["metadata"]["continue"], found["items"]) == ("Toolbox", "", [])

    story(tell)


def test_the_second_with_a_name_waits_for_it(story):
    @told(story)
    async def tell(server):
        client = server.client()
        await client.create(DEFINITIONS, definition(plural="others", kind="Other", shortNames=["tools"]))
        await until(lambda: condition(server, "others.example.com", "NamesAccepted"))
        refused = condition(server, "others.example.com", "NamesAccepted")
        assert (refused["status"], refused["reason"]) == ("False", "ShortNamesConflict")
        assert refused["message"] == '"tools" is already in use'
        assert condition(server, "others.example.com", "Established")["reason"] == "NotAccepted"
        await client.delete(DEFINITIONS, TOOLS)
        await until(lambda: condition(server, "others.example.com", "Established").get("status") == "True")


def test_objects_are_pruned_and_get_defaults(story):
    @told(story)
    async def tell(server):
        sent = tool(junk=1, parts=[{"name": "a", "junk": 2}], free={"any": {"thing": None}}, port="http")
        status, made, warnings = await call(server, "POST", PATH, sent)
        assert status == 201
        assert made["spec"] == {
            "parts": [{"name": "a", "weight": 1}],
            "free": {"any": {"thing": None}},
            "port": "http",
            "size": 3,
        }
        assert warnings == ['unknown field "spec.junk"', 'unknown field "spec.parts[0].junk"']
        assert made["metadata"]["generation"] == 1


def test_strict_validation_refuses_unknown_fields(story):
    @told(story)
    async def tell(server):
        status, answer, _ = await call(server, "POST", PATH, tool(junk=1), fieldValidation="Strict")
        assert status == 400
        assert answer["message"] == (
            'Tool in version "v1" cannot be handled as a Tool: strict decoding error: unknown field "spec.junk"'
        )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"size": 11}, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
        ({"size": "x"}, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'),
        ({"color": "pink"}, 'spec.color: Unsupported value: "pink": supported values: "red", "blue"'),
        ({"tags": ["a", "b", "a"]}, 'spec.tags[2]: Duplicate value: "a"'),
        ({"parts": [{"name": "a"}, {"name": "a"}]}, 'spec.parts[1]: Duplicate value: {"name":"a"}'),
        ({"parts": [{}]}, "spec.parts[0].name: Required value"),
        ({"inner": {"kind": "X"}}, "spec.inner.apiVersion: Required value: must not be empty"),
    ],
)
def test_objects_that_do_not_fit_the_schema(story, spec, message):
    @told(story)
    async def tell(server):
        status, answer, _ = await call(server, "POST", PATH, tool(**spec))
        assert (status, answer["reason"]) == (422, "Invalid")
        assert message in answer["message"]


def test_faults_that_were_there_before_are_left_alone(story):
    @told(story, version(spec={"type": "object", "properties": {"size": {"type": "integer"}, "a": {"type": "string"}}}))
    async def tell(server):
        await call(server, "POST", PATH, tool(size=50))
        tighter = version(
            spec={"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}, "a": {"type": "string"}}}
        )
        await server.client().patch(DEFINITIONS, TOOLS, {"spec": {"versions": [tighter]}})
        assert (await call(server, "PATCH", f"{PATH}/t", {"spec": {"a": "x"}}, media=MERGE_PATCH))[0] == 200
        assert (await call(server, "PATCH", f"{PATH}/t", {"spec": {"size": 51}}, media=MERGE_PATCH))[0] == 422


def test_bodies_that_are_something_else(story):
    @told(story)
    async def tell(server):
        status, answer, _ = await call(server, "POST", PATH, tool(api_version="example.com/v2"))
        assert status == 400
        assert "the API version in the data (example.com/v2) does not match the expected" in answer["message"]
        status, answer, _ = await call(server, "POST", PATH, {**tool(), "kind": "Fool"})
        assert status == 422
        assert 'kind: Invalid value: "Fool": must be Tool' in answer["message"]
        assert (await call(server, "POST", PATH, {"metadata": {"name": "x"}}))[0] == 400


def test_the_status_has_an_endpoint_of_its_own(story):
    @told(story)
    async def tell(server):
        _, made, _ = await call(server, "POST", PATH, {**tool(), "status": {"ready": 9}})
        assert "status" not in made
        patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"size": 5}, "status": {"ready": 2}}
        status, made, _ = await call(server, "PATCH", f"{PATH}/t/status", patch, media=MERGE_PATCH)
        assert (status, made["spec"], made["status"]) == (200, {"size": 3}, {"ready": 2})
        assert "labels" not in made["metadata"]
        assert made["metadata"]["generation"] == 1
        _, made, _ = await call(server, "PATCH", f"{PATH}/t", patch | {"status": {"ready": 7}}, media=MERGE_PATCH)
        assert (made["spec"], made["status"], made["metadata"]["generation"]) == ({"size": 5}, {"ready": 2}, 2)


def test_scale(story):
    @told(story)
    async def tell(server):
        await call(server, "POST", PATH, tool(size=4))
        await call(server, "PATCH", f"{PATH}/t/status", {"status": {"ready": 2, "selector": "a=b"}}, media=MERGE_PATCH)
        _, scale, _ = await call(server, "GET", f"{PATH}/t/scale")
        assert (scale["spec"], scale["status"]) == ({"replicas": 4}, {"replicas": 2, "selector": "a=b"})
        _, scale, _ = await call(server, "PATCH", f"{PATH}/t/scale", {"spec": {"replicas": 6}}, media=MERGE_PATCH)
        assert scale["spec"] == {"replicas": 6}
        _, made, _ = await call(server, "GET", f"{PATH}/t")
        assert (made["spec"]["size"], made["status"]["ready"]) == (6, 2)


def test_a_put_says_which_revision_it_means(story):
    @told(story)
    async def tell(server):
        _, made, _ = await call(server, "POST", PATH, tool())
        status, answer, _ = await call(server, "PUT", f"{PATH}/t", tool(size=4))
        assert status == 422
        assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in answer["message"]
        made["spec"]["size"] = 4
        assert (await call(server, "PUT", f"{PATH}/t", made))[0] == 200
        assert (await call(server, "PUT", f"{PATH}/t", made))[0] == 409


def test_patches(story):
    @told(story)
    async def tell(server):
        await call(server, "POST", PATH, tool())
        status, _, _ = await call(server, "PATCH", f"{PATH}/t", {"spec": {"size": 1}}, media=STRATEGIC_PATCH)
        assert status == 415
        status, made, _ = await call(
            server, "PATCH", f"{PATH}/t", [{"op": "replace", "path": "/spec/size", "value": 8}], media=JSON_PATCH
        )
        assert (status, made["spec"]["size"]) == (200, 8)
        status, answer, _ = await call(server, "PATCH", f"{PATH}/t", {"kind": "Fool"}, media=MERGE_PATCH)
        assert status == 422
        assert 'kind: Invalid value: "Fool": must be Tool' in answer["message"]
        applied = tool(tags=["a", "b"], parts=[{"name": "p"}])
        _, made, _ = await call(server, "PATCH", f"{PATH}/t", applied, media=APPLY_PATCH, fieldManager="one")
        entry = made["metadata"]["managedFields"][0]
        assert entry["fieldsV1"]["f:spec"]["f:tags"] == {'v:"a"': {}, 'v:"b"': {}}
        assert 'k:{"name":"p"}' in entry["fieldsV1"]["f:spec"]["f:parts"]


def test_tables_have_the_columns_of_the_definition(story):
    @told(story)
    async def tell(server):
        await call(server, "POST", PATH, tool(parts=[{"name": "p"}], free={"a": 1}))
        _, table, _ = await call(server, "GET", PATH, accept=TABLE)
        assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Size", "First", "Free", "Since"]
        cells = table["rows"][0]["cells"]
        assert cells[:4] == ["t", 3, "p", '{"a":1}']
        assert cells[4].endswith("s")


def test_selectable_fields(story):
    @told(story)
    async def tell(server):
        await call(server, "POST", PATH, tool("r", color="red"))
        await call(server, "POST", PATH, tool("b", color="blue"))
        _, found, _ = await call(server, "GET", PATH, fieldSelector="spec.color=red")
        assert [item["metadata"]["name"] for item in found["items"]] == ["r"]
        status, answer, _ = await call(server, "GET", PATH, fieldSelector="spec.size=1")
        assert (status, answer["message"]) == (400, "field label not supported: spec.size")


def test_discovery(story):
    async def tell(server):
        old = version("v1beta1", storage=False, deprecated=True)
        await define(server, definition(old, WHOLE, shortNames=["tl"], categories=["all"]))
        _, group, _ = await call(server, "GET", "/apis/example.com")
        assert [one["version"] for one in group["versions"]] == ["v1", "v1beta1"]
        _, found, _ = await call(server, "GET", "/apis/example.com/v1")
        assert [one["name"] for one in found["resources"]] == ["tools", "tools/status", "tools/scale"]
        assert found["resources"][0]["shortNames"] == ["tl"]
        _, everything, _ = await call(server, "GET", "/apis", accept=AGGREGATED)
        last = everything["items"][-1]
        assert last["metadata"]["name"] == "example.com"
        kind = {"group": "example.com", "version": "v1", "kind": "Tool"}
        assert last["versions"][0]["resources"][0]["responseKind"] == kind
        *_, warnings = await call(server, "GET", "/apis/example.com/v1beta1/tools")
        assert warnings == ["example.com/v1beta1 Tool is deprecated"]
        status, body, _ = await call(server, "GET", "/apis/example.com/v1/nonsense")
        assert (status, body) == (404, b"404 page not found\n")

    story(tell)


def test_versions_share_objects(story):
    narrow = {"type": "object", "properties": {"size": {"type": "integer"}, "extra": {"type": "string", "default": "e"}}}

    @told(story, version("v2", storage=False, spec=narrow), version("v1"))
    async def tell(server):
        await call(server, "POST", PATH, tool(color="red"))
        other = "/apis/example.com/v2/namespaces/default/tools/t"
        _, seen, _ = await call(server, "GET", other)
        assert (seen["apiVersion"], seen["spec"]) == ("example.com/v2", {"size": 3, "extra": "e"})
        _, changed, _ = await call(server, "PATCH", other, {"spec": {"size": 7}}, media=MERGE_PATCH)
        assert changed["apiVersion"] == "example.com/v2"
        _, seen, _ = await call(server, "GET", f"{PATH}/t")
        assert (seen["apiVersion"], seen["spec"]["size"]) == ("example.com/v1", 7)
        _, found, _ = await call(server, "GET", "/apis/example.com/v2/tools")
        assert found["items"][0]["apiVersion"] == "example.com/v2"


def test_defaults_that_come_later_are_seen_at_once(story):
    @told(story)
    async def tell(server):
        await call(server, "POST", PATH, tool())
        more = version(
            spec={"type": "object", "properties": {**SPEC["properties"], "late": {"type": "string", "default": "x"}}}
        )
        await server.client().patch(DEFINITIONS, TOOLS, {"spec": {"versions": [more]}})
        for path in (PATH, "/apis/example.com/v1/tools"):
            _, found, _ = await call(server, "GET", path)
            assert found["items"][0]["spec"]["late"] == "x"
        assert (await call(server, "GET", f"{PATH}/t"))[1]["spec"]["late"] == "x"


def test_a_write_moves_an_object_to_the_version_that_is_stored_now(story):
    @told(story, version("v1"), version("v2", storage=False))
    async def tell(server):
        await call(server, "POST", PATH, tool())
        versions = [version("v1", storage=False), version("v2")]
        await server.client().patch(DEFINITIONS, TOOLS, {"spec": {"versions": versions}})
        assert present(server, TOOLS)["status"]["storedVersions"] == ["v1", "v2"]
        await call(server, "PATCH", f"{PATH}/t", {}, media=MERGE_PATCH)
        stored = server.api.core.cache.collection(TOOLS).get("default", "t")
        assert stored.object["apiVersion"] == "example.com/v2"


def test_a_version_that_is_served_no_more(story):
    @told(story, version("v1"), version("v2", storage=False))
    async def tell(server):
        await server.client().patch(
            DEFINITIONS, TOOLS, {"spec": {"versions": [version("v1"), version("v2", storage=False, served=False)]}}
        )
        assert (await call(server, "GET", "/apis/example.com/v2/tools"))[0] == 404
        assert (await call(server, "GET", "/apis/example.com/v1/tools"))[0] == 200


def test_watches_follow_custom_objects(story):
    @told(story)
    async def tell(server):
        client = server.client()
        listed = await client.list(TOOLS)
        events = client.watch(TOOLS, revision=listed.revision)
        await call(server, "POST", PATH, tool())
        event = await anext(events)
        assert (event.type, event.item.object["spec"]) == ("ADDED", {"size": 3})
        await events.aclose()


def test_cluster_scoped(story):
    async def tell(server):
        await define(server, definition(scope="Cluster"))
        status, made, _ = await call(server, "POST", "/apis/example.com/v1/tools", tool())
        assert status == 201
        assert "namespace" not in made["metadata"]

    story(tell)


def test_a_definition_goes_after_its_objects(story):
    @told(story)
    async def tell(server):
        client = server.client()
        await call(server, "POST", PATH, {**tool(), "metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
        await call(server, "POST", PATH, tool())
        going = await client.delete(DEFINITIONS, TOOLS)
        assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
        assert going["status"]["conditions"][-1]["reason"] == "InstanceDeletionPending"
        await until(lambda: len(server.api.core.cache.collection(TOOLS)) == 1)
        status, answer, _ = await call(server, "POST", PATH, tool("late"))
        assert (status, answer["message"]) == (405, "create not allowed while custom resource definition is terminating")
        await call(server, "PATCH", f"{PATH}/held", {"metadata": {"finalizers": None}}, media=MERGE_PATCH)
        await until(lambda: present(server, TOOLS) is None)
        assert (await call(server, "GET", PATH))[0] == 404
        assert (await call(server, "GET", "/apis/example.com"))[0] == 404


def test_a_definition_without_objects_goes_and_comes_again(story):
    @told(story)
    async def tell(server):
        await server.client().delete(DEFINITIONS, TOOLS)
        await until(lambda: present(server, TOOLS) is None)
        await define(server, definition(kind="Implement"))
        assert (await call(server, "POST", PATH, {**tool(), "kind": "Implement"}))[0] == 201


def test_definitions_outlive_the_server(tmp_path):
    from corral.testing.server import running_server

    async def run():
        async with running_server(tmp_path) as server:
            await define(server, definition(WHOLE))
            await call(server, "POST", PATH, tool())
        async with running_server(tmp_path) as server:
            assert (await call(server, "GET", f"{PATH}/t"))[0] == 200

    asyncio.run(run())


def test_namespaces_and_owners_take_custom_objects_along(story):
    @told(story)
    async def tell(server):
        client = server.client()
        async with running_control(server):
            await client.create("namespaces", {"metadata": {"name": "brief"}})
            await client.create(TOOLS, tool(), "brief")
            owner = await client.create(TOOLS, tool("owner"), "default")
            meta = {"name": "owned", "ownerReferences": [_reference(owner)]}
            await client.create("configmaps", {"metadata": meta}, "default")
            await client.delete("namespaces", "brief")
            await client.delete(TOOLS, "owner", "default")
            await until(lambda: server.api.core.cache.collection("namespaces").get("", "brief") is None)
            await until(lambda: server.api.core.cache.collection("configmaps").get("default", "owned") is None)
            assert not server.api.core.cache.collection(TOOLS).items


def _reference(owner):
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }


def test_who_may_see_custom_objects(story):
    @told(story)
    async def tell(server):
        from corral.server.request import User

        client = server.client(user=User("ann", groups=("system:authenticated",)))
        with pytest.raises(ApiError) as refused:
            await client.list(TOOLS, "default")
        assert refused.value.code == 403
        role = {
            "metadata": {"name": "tools"},
            "rules": [{"apiGroups": ["example.com"], "resources": ["tools"], "verbs": ["list"]}],
        }
        await server.client().create("clusterroles.rbac.authorization.k8s.io", role)
        binding = {
            "metadata": {"name": "tools"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tools"},
            "subjects": [{"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}],
        }
        await server.client().create("clusterrolebindings.rbac.authorization.k8s.io", binding)
        assert (await client.list(TOOLS, "default")).items == []


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_openapi_describes_custom_resources(story):
    @told(story)
    async def tell(server):
        _, index, _ = await call(server, "GET", "/openapi/v3")
        before = index["paths"]["apis/example.com/v1"]["serverRelativeURL"]
        _, document, _ = await call(server, "GET", "/openapi/v3/apis/example.com/v1")
        schemas = document["components"]["schemas"]
        kind = schemas["com.example.v1.Tool"]
        assert kind["x-kubernetes-group-version-kind"] == [{"group": "example.com", "kind": "Tool", "version": "v1"}]
        assert kind["properties"]["spec"]["properties"]["size"]["maximum"] == 10
        assert {name.rpartition("/")[2] for name in references(document)} <= schemas.keys()
        patch = document["paths"]["/apis/example.com/v1/namespaces/{namespace}/tools/{name}"]["patch"]
        assert STRATEGIC_PATCH not in patch["requestBody"]["content"]
        _, document, _ = await call(server, "GET", "/openapi/v2")
        shown = document["definitions"]["com.example.v1.Tool"]
        assert "type" not in shown["properties"]["spec"]["properties"]["port"]
        await server.client().patch(DEFINITIONS, TOOLS, {"spec": {"versions": [version(spec={"type": "object"})]}})
        _, index, _ = await call(server, "GET", "/openapi/v3")
        assert index["paths"]["apis/example.com/v1"]["serverRelativeURL"] != before
        protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        assert (await call(server, "GET", "/openapi/v2", accept=protobuf))[0] == 200


def test_scale_without_a_number_of_replicas(story):
    bare = {"type": "object", "properties": {"n": {"type": "integer"}}}
    scale = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.ready"}

    @told(story, version(spec=bare, subresources={"scale": scale, "status": {}}))
    async def tell(server):
        await call(server, "POST", PATH, tool())
        status, answer, _ = await call(server, "GET", f"{PATH}/t/scale")
        assert status == 500
        assert 'the spec replicas field ".spec.n" does not exist' in answer["message"]


def test_without_a_status_endpoint_the_status_is_a_part_like_others(story):
    @told(story, version())
    async def tell(server):
        _, made, _ = await call(server, "POST", PATH, {**tool(), "status": {"ready": 1}})
        assert made["status"] == {"ready": 1}
        _, made, _ = await call(server, "PATCH", f"{PATH}/t", {"status": {"ready": 2}}, media=MERGE_PATCH)
        assert made["metadata"]["generation"] == 2
        assert (await call(server, "GET", f"{PATH}/t/status"))[0] == 404


def test_dry_runs_write_nothing(story):
    @told(story)
    async def tell(server):
        status, made, _ = await call(server, "POST", PATH, tool(), dryRun="All")
        assert (status, made["spec"]) == (201, {"size": 3})
        assert (await call(server, "GET", f"{PATH}/t"))[0] == 404
