"""Server-side apply through the API: what the documents of the feature and of structured-merge-diff promise, one by one.

https://kubernetes.io/docs/reference/using-api/server-side-apply/; of the conformance suite, the
"apply changes to a ... status" tests of [sig-apps] and [sig-api-machinery].
"""

import orjson
import pytest

from corral.server.request import LOOPBACK, Request

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SERVICES = "/api/v1/namespaces/default/services"
APPLY = "application/apply-patch+yaml"


async def send(server, method, path, body=None, media=APPLY, **query):
    """The status and what was answered."""
    raw = b"" if body is None else body.encode() if isinstance(body, str) else orjson.dumps(body)
    response = await server.api.handle(Request(method, path, query, {"Content-Type": media}, raw, LOOPBACK))
    return response.status, orjson.loads(response.body)


async def apply(server, path, body, manager, **query):
    return await send(server, "PATCH", path, body, fieldManager=manager, **query)


def owned(obj, manager, subresource=""):
    """What a manager owns."""
    for entry in obj["metadata"].get("managedFields", ()):
        if entry["manager"] == manager and entry.get("subresource", "") == subresource:
            return entry["fieldsV1"]
    return None


def config_map(data, name="m", **meta):
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}}
    return {**made, "data": data} if data else made


def deployment(containers, name="d", **spec):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def test_yaml_creates_and_updates(story):
    async def tell(server):
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: '1'\n"
        status, made = await apply(server, f"{MAPS}/m", text, "one")
        assert (status, made["data"]) == (201, {"a": "1"})
        assert made["metadata"]["managedFields"][0]["operation"] == "Apply"
        assert owned(made, "one") == {"f:data": {"f:a": {}}}
        status, again = await apply(server, f"{MAPS}/m", text, "one")
        assert (status, again["metadata"]["resourceVersion"]) == (200, made["metadata"]["resourceVersion"])

    story(tell)


def test_what_two_apply_is_shared_until_both_let_go(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({"a": "1", "b": "1"}), "one")
        _, both = await apply(server, path, config_map({"a": "1"}), "two")
        assert "f:a" in owned(both, "one")["f:data"] and "f:a" in owned(both, "two")["f:data"]
        _, left = await apply(server, path, config_map({"b": "1"}), "one")
        assert left["data"] == {"a": "1", "b": "1"}
        _, left = await apply(server, path, config_map({}), "two")
        assert left["data"] == {"b": "1"}

    story(tell)


def test_a_conflict_names_its_fields_and_managers_and_changes_nothing(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({"a": "1", "b": "1"}), "one")
        patch = {"data": {"c": "1"}}
        await send(server, "PATCH", path, patch, "application/merge-patch+json", fieldManager="other")
        status, refused = await apply(server, path, config_map({"a": "2", "b": "2", "c": "2"}), "two")
        assert (status, refused["reason"]) == (409, "Conflict")
        assert refused["message"] == (
            'Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\n- .data.b\n'
            'conflicts with "other" using v1:\n- .data.c'
        )
        assert [(cause["reason"], cause["field"]) for cause in refused["details"]["causes"]] == [
            ("FieldManagerConflict", ".data.a"),
            ("FieldManagerConflict", ".data.b"),
            ("FieldManagerConflict", ".data.c"),
        ]
        assert (await send(server, "GET", path))[1]["data"] == {"a": "1", "b": "1", "c": "1"}
        status, forced = await apply(server, path, config_map({"a": "2", "b": "2", "c": "2"}), "two", force="true")
        assert (status, forced["data"]) == (200, {"a": "2", "b": "2", "c": "2"})
        assert owned(forced, "one") is None and owned(forced, "other") is None

    story(tell)


def test_items_of_keyed_lists_belong_to_those_who_apply_them(story):
    async def tell(server):
        path = f"{DEPLOYMENTS}/d"
        await apply(server, path, deployment([{"name": "web", "image": "i:1"}], replicas=2), "one")
        sidecar = {"name": "proxy", "image": "p:1"}
        second = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
        second["spec"] = {"template": {"spec": {"containers": [sidecar]}}}
        status, both = await apply(server, path, second, "two")
        assert status == 200
        assert [c["name"] for c in both["spec"]["template"]["spec"]["containers"]] == ["web", "proxy"]
        second["spec"]["template"]["spec"]["containers"] = [
            {"name": "proxy", "env": [{"name": "A", "value": "1"}]},
        ]
        second["spec"]["template"]["spec"]["containers"][0]["image"] = "p:2"
        _, changed = await apply(server, path, second, "two")
        assert changed["spec"]["template"]["spec"]["containers"][1]["env"] == [{"name": "A", "value": "1"}]
        _, left = await apply(server, path, {**second, "spec": {}}, "two")
        assert [c["name"] for c in left["spec"]["template"]["spec"]["containers"]] == ["web"]

    story(tell)


def test_a_key_that_is_left_out_is_the_default_one(story):
    async def tell(server):
        path = f"{SERVICES}/s"
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
        ports = [{"port": 53, "name": "a"}, {"port": 53, "name": "b", "protocol": "UDP"}]
        status, made = await apply(server, path, {**service, "spec": {"ports": ports}}, "one")
        assert status == 201
        keys = set(owned(made, "one")["f:spec"]["f:ports"])
        assert keys == {'k:{"port":53,"protocol":"TCP"}', 'k:{"port":53,"protocol":"UDP"}'}
        _, left = await apply(server, path, {**service, "spec": {"ports": ports[1:]}}, "one")
        assert [(port["port"], port["protocol"]) for port in left["spec"]["ports"]] == [(53, "UDP")]

    story(tell)


def test_two_items_with_one_key_are_refused(story):
    async def tell(server):
        twice = [{"name": "web", "image": "i:1"}, {"name": "web", "image": "i:2"}]
        status, refused = await apply(server, f"{DEPLOYMENTS}/d", deployment(twice), "one")
        assert status == 500
        assert '.spec.template.spec.containers: duplicate entries for key [name="web"]' in refused["message"]

    story(tell)


def test_sets_are_united_and_items_go_with_their_last_owner(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({}, finalizers=["example.com/a", "example.com/b"]), "one")
        _, both = await apply(server, path, config_map({}, finalizers=["example.com/b", "example.com/c"]), "two")
        assert sorted(both["metadata"]["finalizers"]) == ["example.com/a", "example.com/b", "example.com/c"]
        assert 'v:"example.com/c"' in owned(both, "two")["f:metadata"]["f:finalizers"]
        _, left = await apply(server, path, config_map({}), "one")
        assert sorted(left["metadata"]["finalizers"]) == ["example.com/b", "example.com/c"]

    story(tell)


def test_atomic_lists_and_maps_have_one_owner(story):
    async def tell(server):
        path = f"{DEPLOYMENTS}/d"
        _, made = await apply(server, path, deployment([{"name": "web", "image": "i", "args": ["a", "b"]}]), "one")
        assert owned(made, "one")["f:spec"]["f:selector"] == {}
        container = owned(made, "one")["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']
        assert container["f:args"] == {}
        other = deployment([{"name": "web", "args": ["b"]}])
        status, refused = await apply(server, path, other, "two")
        assert status == 409
        fields = [cause["field"] for cause in refused["details"]["causes"]]
        assert fields == ['.spec.template.spec.containers[name="web"].args']

    story(tell)


def test_an_update_takes_fields_and_an_apply_that_agrees_shares_them(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({"a": "1"}), "one")
        patch = {"data": {"a": "2"}}
        _, taken = await send(server, "PATCH", path, patch, "application/merge-patch+json", fieldManager="other")
        assert owned(taken, "one") is None
        assert owned(taken, "other") == {"f:data": {"f:a": {}}}
        status, _ = await apply(server, path, config_map({"a": "1"}), "one")
        assert status == 409
        status, shared = await apply(server, path, config_map({"a": "2"}), "one")
        assert status == 200 and owned(shared, "one") == owned(shared, "other") == {"f:data": {"f:a": {}}}

    story(tell)


def test_owners_are_forgotten_with_an_empty_list(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({"a": "1"}), "one")
        for value, empty in (("2", []), ("3", [{}])):
            patch = {"metadata": {"managedFields": empty}}
            status, cleared = await send(server, "PATCH", path, patch, "application/merge-patch+json")
            assert status == 200 and "managedFields" not in cleared["metadata"]
            status, owned_again = await apply(server, path, config_map({"a": value}), "two", force="true")
            assert status == 200 and owned(owned_again, "before-first-apply") == {"f:data": {}}
        await send(server, "PATCH", path, {"metadata": {"managedFields": []}}, "application/merge-patch+json")
        status, refused = await apply(server, path, config_map({"a": "4"}), "three")
        assert status == 409 and 'conflict with "before-first-apply" using v1: .data.a' in refused["message"]
        status, refused = await apply(server, path, config_map({"a": "4"}, managedFields=[{}]), "three")
        assert (status, refused["message"]) == (400, "metadata.managedFields must be nil")

    story(tell)


def test_status_is_applied_apart_from_the_rest(story):
    async def tell(server):
        path = f"{DEPLOYMENTS}/d"
        await apply(server, path, deployment([{"name": "web", "image": "i"}]), "one")
        condition = {"type": "Progressing", "status": "True", "reason": "r", "message": "m"}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
        body |= {"spec": {"replicas": 9}, "status": {"observedGeneration": 1, "conditions": [condition]}}
        status, shown = await apply(server, f"{path}/status", body, "ctl")
        assert status == 200 and shown["spec"]["replicas"] == 1 and shown["status"]["observedGeneration"] == 1
        assert set(owned(shown, "ctl", "status")) == {"f:status"}
        assert owned(shown, "ctl") is None
        status, shown = await apply(server, path, {**body, "spec": {"paused": True}}, "ctl")
        assert status == 200 and set(owned(shown, "ctl")) == {"f:spec"}
        assert set(owned(shown, "ctl", "status")) == {"f:status"}
        _, shown = await apply(server, f"{path}/status", {**body, "status": {}}, "ctl")
        assert not shown["status"].get("conditions")

    story(tell)


def test_scale_is_applied_and_its_owner_is_the_replicas_owner(story):
    async def tell(server):
        path = f"{DEPLOYMENTS}/d"
        await apply(server, path, deployment([{"name": "web", "image": "i"}], replicas=1), "one")
        scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 4}}
        status, _ = await apply(server, f"{path}/scale", scale, "hpa")
        assert status == 409
        status, shown = await apply(server, f"{path}/scale", scale, "hpa", force="true")
        assert (status, shown["kind"], shown["spec"]["replicas"]) == (200, "Scale", 4)
        _, whole = await send(server, "GET", path)
        assert owned(whole, "hpa", "scale") == {"f:spec": {"f:replicas": {}}}
        assert "f:replicas" not in owned(whole, "one")["f:spec"]
        status, refused = await apply(server, path, deployment([{"name": "web", "image": "i"}], replicas=1), "one")
        assert status == 409
        assert refused["message"].endswith('conflict with "hpa" with subresource "scale": .spec.replicas')

    story(tell)


def test_what_is_asked_wrongly(story):
    async def tell(server):
        path = f"{MAPS}/m"
        status, refused = await send(server, "PATCH", path, config_map({}))
        assert (status, refused["reason"]) == (422, "Invalid")
        status, refused = await apply(server, path, config_map({}, name="other"), "one")
        assert status == 400
        status, refused = await apply(server, path, {**config_map({}), "apiVersion": "v2"}, "one")
        assert status == 400
        status, _ = await apply(server, path, "a: [1", "one")
        assert status == 400
        await apply(server, path, config_map({"a": "1"}), "one")
        status, refused = await apply(server, path, config_map({"a": "2"}, resourceVersion="1"), "one")
        assert (status, refused["reason"]) == (409, "Conflict")
        status, refused = await send(server, "PATCH", path, {}, "application/apply-patch+cbor", fieldManager="one")
        assert status == 415

    story(tell)


def test_unknown_fields_follow_field_validation(story):
    async def tell(server):
        path = f"{MAPS}/m"
        status, refused = await apply(server, path, {**config_map({}), "bogus": 1}, "one", fieldValidation="Strict")
        assert status in (400, 422, 500), refused
        status, shown = await apply(server, path, config_map({"a": "1"}), "one", dryRun="All")
        assert status == 201 and "resourceVersion" not in shown["metadata"]
        assert (await send(server, "GET", path))[0] == 404

    story(tell)


@pytest.mark.parametrize("media", ["application/json-patch+json", "application/merge-patch+json"])
def test_kubectls_upgrade_from_the_clients_side(story, media):
    """kubectl moves what `kubectl-client-side-apply` owns to `kubectl` by a patch of managedFields (KEP-555)."""

    async def tell(server):
        path = f"{MAPS}/m"
        await send(server, "POST", MAPS, config_map({"a": "1"}), "application/json", fieldManager="kubectl-client-side-apply")
        _, old = await send(server, "GET", path)
        [entry] = old["metadata"]["managedFields"]
        moved = [{**entry, "manager": "kubectl", "operation": "Apply"}]
        version = old["metadata"]["resourceVersion"]
        if media == "application/json-patch+json":
            patch = [
                {"op": "replace", "path": "/metadata/managedFields", "value": moved},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            ]
        else:
            patch = {"metadata": {"managedFields": moved, "resourceVersion": version}}
        status, shown = await send(server, "PATCH", path, patch, media)
        assert status == 200
        assert [(e["manager"], e["operation"]) for e in shown["metadata"]["managedFields"]] == [("kubectl", "Apply")]
        status, shown = await apply(server, path, config_map({"b": "1"}), "kubectl")
        assert (status, shown["data"]) == (200, {"b": "1"})

    story(tell)


HPAS = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"


def autoscaler(version, **spec):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    made = {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    return {**made, "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec}}


def test_owners_who_wrote_in_another_version_are_told_in_that_version(story):
    """What `autoscaling/v1` calls targetCPUUtilizationPercentage, v2 calls a metric."""

    async def tell(server):
        v1, v2 = HPAS.format("v1"), HPAS.format("v2")
        status, _ = await apply(server, f"{v1}/h", autoscaler("v1", targetCPUUtilizationPercentage=50), "one")
        assert status == 201
        metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
        status, refused = await apply(server, f"{v2}/h", autoscaler("v2", metrics=[metric]), "two")
        assert status == 409
        assert [cause["field"] for cause in refused["details"]["causes"]] == [".spec.targetCPUUtilizationPercentage"]
        status, shown = await apply(server, f"{v2}/h", autoscaler("v2", metrics=[metric]), "two", force="true")
        assert status == 200
        assert "f:targetCPUUtilizationPercentage" not in owned(shown, "one")["f:spec"]
        assert "f:metrics" in owned(shown, "two")["f:spec"]

    story(tell)


def test_owners_in_a_version_that_is_no_more_served_own_nothing(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({"a": "1"}), "one")
        _, shown = await send(server, "GET", path)
        [entry] = shown["metadata"]["managedFields"]
        patch = {"metadata": {"managedFields": [{**entry, "apiVersion": "v1beta1"}]}}
        await send(server, "PATCH", path, patch, "application/merge-patch+json")
        status, shown = await apply(server, path, config_map({"a": "2"}), "two")
        assert (status, shown["data"]) == (200, {"a": "2"})
        assert owned(shown, "one") is None

    story(tell)


def test_an_object_of_another_kind_is_not_applied(story):
    async def tell(server):
        path = f"{MAPS}/m"
        await apply(server, path, config_map({"a": "1"}), "one")
        for wrong, shown in (({"kind": "Secret"}, "/v1, Kind=Secret"), ({"apiVersion": "apps/v9"}, "apps/v9, Kind=ConfigMap")):
            status, refused = await apply(server, path, {**config_map({}), **wrong}, "one")
            assert (status, refused["message"]) == (400, f"invalid object type: {shown}")

    story(tell)
