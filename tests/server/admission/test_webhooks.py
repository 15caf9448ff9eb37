"""Admission webhooks: the behaviours of [sig-api-machinery] AdmissionWebhook, against webhooks that are asked over HTTPS."""

import asyncio
import socket

import pytest
from aiohttp import web
from tests.server.admission.webhooks import (
    DEFINITIONS,
    MUTATING,
    VALIDATING,
    configuration,
    crontab,
    definition,
    hook_of,
    rule,
    server_and_webhook,
    version,
)
from tests.server.conftest import config_map

from corral.api.errors import ApiError
from corral.testing.webhooks import allow, deny

ADD = {"op": "add", "path": "/data/mutated", "value": "yes"}


def told(tmp_path, answer, story, **settings):
    async def run() -> None:
        async with asyncio.timeout(30), server_and_webhook(tmp_path, answer, **settings) as (server, hook):
            await story(server, hook)

    asyncio.run(run())


async def refused(call) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


def pod(name: str, **meta: object) -> dict:
    container = {"name": "main", "image": "registry.example/app:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", **meta},
        "spec": {"containers": [container]},
    }


def test_deny_create(tmp_path) -> None:
    """Refused on create, update and patch, in the words of the webhook; not in a namespace that is exempt.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny pod and configmap creation [Conformance]
    """

    def answer(path, review):
        obj = review["request"]["object"]
        if (obj.get("data") or {}).get("bad") or obj["metadata"].get("labels", {}).get("bad"):
            return deny(review, "the object contains unwanted content")
        return allow(review)

    async def story(server, hook) -> None:
        client = server.client()
        both = hook_of(
            "deny.example.com",
            hook.client_config("/deny"),
            rule("pods", operations="CREATE"),
            rule(operations="CREATE,UPDATE"),
            namespaceSelector={"matchExpressions": [{"key": "exempt", "operator": "DoesNotExist"}]},
        )
        await client.create(VALIDATING, configuration("Validating", "deny", both))
        error = await refused(client.create("configmaps", config_map("one", {"bad": "1"}, namespace="default")))
        assert error.message == 'admission webhook "deny.example.com" denied the request: the object contains unwanted content'
        assert (error.code, error.reason) == (400, "")
        assert (await refused(client.create("pods", pod("p", labels={"bad": "1"})))).code == 400
        made = await client.create("configmaps", config_map("one", namespace="default"))
        assert (await refused(client.update("configmaps", {**made, "data": {"bad": "1"}}))).code == 400
        error = await refused(client.patch("configmaps", "one", {"data": {"bad": "1"}}, "default"))
        assert error.message.startswith('admission webhook "deny.example.com" denied the request')
        assert "data" not in await client.get("configmaps", "one", "default")
        assert {path for path, _ in hook.reviews} == {"/deny"}
        await client.create("namespaces", {"metadata": {"name": "free", "labels": {"exempt": "yes"}}})
        await client.create("configmaps", config_map("one", {"bad": "1"}, namespace="free"))

    told(tmp_path, answer, story)


def test_status_of_a_refusal(tmp_path) -> None:
    """Code and reason are the webhook's where they are those of a failure; without a message the reason is shown."""

    def answer(path, review):
        match review["request"]["name"]:
            case "reason":
                return deny(review, code=403, reason="Forbidden")
            case "success":
                return deny(review, "no", code=200, status="Success")
        return deny(review)

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", hook.client_config())))
        texts = {}
        for name in ("reason", "success", "nothing"):
            error = await refused(client.create("configmaps", config_map(name, namespace="default")))
            texts[name] = (error.code, error.message)
        said = 'admission webhook "a.example.com" denied the request'
        assert texts == {
            "reason": (403, f"{said}: Forbidden"),
            "success": (400, f"{said}: no"),
            "nothing": (400, f"{said} without explanation"),
        }

    told(tmp_path, answer, story)


def test_what_a_webhook_is_asked(tmp_path) -> None:
    """The AdmissionRequest of a create, an update and a delete: kinds, resources, names, user, options, objects."""

    async def story(server, hook) -> None:
        client = server.https(manager="kubectl")
        both = hook_of("a.example.com", hook.client_config(), rule(operations="CREATE,UPDATE,DELETE"))
        await client.create(VALIDATING, configuration("Validating", "c", both))
        made = await client.create("configmaps", config_map("one", {"a": "1"}, namespace="default"))
        await client.update("configmaps", {**made, "data": {"a": "2"}})
        await client.delete("configmaps", "one", "default")
        await client.transport.close()
        create, update, delete = (review["request"] for _, review in hook.reviews)
        assert {key: create[key] for key in ("kind", "resource", "name", "namespace", "operation", "dryRun")} == {
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "resource": {"group": "", "version": "v1", "resource": "configmaps"},
            "name": "one",
            "namespace": "default",
            "operation": "CREATE",
            "dryRun": False,
        }
        assert create["requestKind"] == create["kind"] and "subResource" not in create
        assert create["userInfo"] == {"username": "admin", "groups": ["system:masters", "system:authenticated"]}
        assert create["options"] == {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl"}
        assert create["object"]["data"] == {"a": "1"} and create["oldObject"] is None
        assert create["object"]["metadata"]["uid"] and create["object"]["kind"] == "ConfigMap"
        assert (update["operation"], update["options"]["kind"]) == ("UPDATE", "UpdateOptions")
        assert (update["object"]["data"], update["oldObject"]["data"]) == ({"a": "2"}, {"a": "1"})
        assert (delete["operation"], delete["object"], delete["oldObject"]["data"]) == ("DELETE", None, {"a": "2"})
        assert delete["options"]["kind"] == "DeleteOptions" and delete["name"] == "one"
        assert hook.connections == 1

    told(tmp_path, lambda path, review: allow(review), story)


def test_deny_attach(tmp_path) -> None:
    """Connections to a pod's attach subresource are refused before the pod is looked for.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod [Conformance]
    """

    async def story(server, hook) -> None:
        client = server.client()
        await client.create("pods", pod("p"))
        one = hook_of("attach.example.com", hook.client_config(), rule("pods/attach,pods/exec", operations="CONNECT"))
        await client.create(VALIDATING, configuration("Validating", "c", one))
        from corral.client.transport import Call

        for sub in ("attach?container=main&stdin=true", "exec?command=ls&command=-l"):
            path, _, query = f"/api/v1/namespaces/default/pods/p/{sub}".partition("?")
            pairs = dict(pair.split("=") for pair in query.split("&"))
            error = await refused(server.api.local().call(Call("POST", path, pairs)))
            assert error.message == 'admission webhook "attach.example.com" denied the request: no'
        attach, execute = (review["request"] for _, review in hook.reviews)
        assert (attach["operation"], attach["subResource"], attach["kind"]["kind"]) == ("CONNECT", "attach", "PodAttachOptions")
        assert attach["object"] == {"kind": "PodAttachOptions", "apiVersion": "v1", "stdin": True, "container": "main"}
        assert (execute["resource"]["resource"], execute["name"], execute["options"]) == ("pods", "p", None)

    told(tmp_path, lambda path, review: deny(review, "no"), story)


def test_deny_custom_resources(tmp_path) -> None:
    """deletecollection asks for each object.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny custom resource creation, update and deletion [Conformance]
    """

    def answer(path, review):
        request = review["request"]
        obj = request["object"] or request["oldObject"]
        keep = (obj.get("data") or {}).get("kept")
        return deny(review, "kept") if keep == request["operation"] else allow(review)

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(DEFINITIONS, definition())
        rules = rule("crontabs", operations="CREATE,UPDATE,DELETE", group="stable.example.com")
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", hook.client_config(), rules)))
        name = "crontabs.stable.example.com"
        assert (await refused(client.create(name, crontab("a", data={"kept": "CREATE"})))).code == 400
        made = await client.create(name, crontab("a", data={"kept": "DELETE"}))
        assert (await refused(client.delete(name, "a", "default"))).message.endswith("denied the request: kept")
        from corral.client.transport import Call

        path = "/apis/stable.example.com/v1/namespaces/default/crontabs"
        assert (await refused(server.api.local().call(Call("DELETE", path)))).code == 400
        assert (await refused(client.update(name, {**made, "data": {"kept": "UPDATE"}}))).code == 400
        await client.update(name, {**made, "data": {"kept": "no"}})
        await client.delete(name, "a", "default")

    told(tmp_path, answer, story)


def test_deny_definitions(tmp_path) -> None:
    """[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should deny crd creation [Conformance]"""

    async def story(server, hook) -> None:
        client = server.client()
        rules = rule("customresourcedefinitions", group="apiextensions.k8s.io")
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", hook.client_config(), rules)))
        error = await refused(client.create(DEFINITIONS, definition()))
        assert error.message == 'admission webhook "a.example.com" denied the request: no definitions'

    told(tmp_path, lambda path, review: deny(review, "no definitions"), story)


def test_fail_closed(tmp_path) -> None:
    """A webhook whose certificate nobody vouches for, or that is not there, stops writes.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject operations on fail closed webhook [Conformance]
    """

    async def story(server, hook) -> None:
        client = server.client()
        untrusted = {"url": hook.client_config("/x")["url"]}
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", untrusted)))
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        said = f'failed calling webhook "a.example.com": failed to call webhook: Post "{untrusted["url"]}?timeout=10s": '
        cause = said + "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        assert (error.code, error.reason, error.message) == (500, "InternalError", f"Internal error occurred: {cause}")
        assert error.details == {"causes": [{"message": cause}]}
        absent = {"url": "https://127.0.0.1:1/"}
        await client.patch(
            VALIDATING, "c", [{"op": "replace", "path": "/webhooks/0/clientConfig", "value": absent}], type="json"
        )
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        assert error.message.endswith("dial tcp 127.0.0.1:1: connect: connection refused")
        gone = {"service": {"namespace": "default", "name": "hooks", "path": "/x"}}
        await client.patch(VALIDATING, "c", [{"op": "replace", "path": "/webhooks/0/clientConfig", "value": gone}], type="json")
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        assert error.message.endswith('Post "https://hooks.default.svc:443/x?timeout=10s": service "hooks" not found')
        assert hook.reviews == []

    told(tmp_path, lambda path, review: allow(review), story)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (lambda review: web.Response(status=500, text="boom"), 'an error on the server ("boom") has prevented the request'),
        (lambda review: web.Response(status=404), "the server could not find the requested resource"),
        (lambda review: web.Response(text="not json"), "couldn't get version/kind; json parse error"),
        (lambda review: {"kind": "AdmissionReview"}, "received invalid webhook response: webhook response was absent"),
        (
            lambda review: {**allow(review), "apiVersion": "v9"},
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got v9, Kind=AdmissionReview",
        ),
        (
            lambda review: {**allow(review), "response": {"uid": "other", "allowed": True}},
            'received invalid webhook response: expected response.uid="',
        ),
        (lambda review: allow(review, [ADD]), "validating webhook may not return response.patch"),
    ],
)
def test_answers_that_are_none(tmp_path, fault, why) -> None:
    """What cannot be used fails the request, in the reference's words."""

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", hook.client_config())))
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        assert error.code == 500 and why in error.message

    told(tmp_path, lambda path, review: fault(review), story)


def test_honor_timeout(tmp_path) -> None:
    """A webhook that takes too long fails the request, unless failures are ignored or there is time enough.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should honor timeout [Conformance]
    """
    released = asyncio.Event()

    async def answer(path, review):
        if path == "/slow":
            await released.wait()
        return allow(review)

    async def story(server, hook) -> None:
        client = server.client()
        slow = hook_of("slow.example.com", hook.client_config("/slow"), timeoutSeconds=1)
        await client.create(VALIDATING, configuration("Validating", "c", slow))
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        assert error.message.endswith('/slow?timeout=1s": context deadline exceeded')
        ignored = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
        await client.patch(VALIDATING, "c", ignored, type="json")
        await client.create("configmaps", config_map("one", namespace="default"))
        closed = {**hook_of("slow.example.com", hook.client_config("/slow")), "failurePolicy": "Fail"}
        patched = await client.patch(VALIDATING, "c", {"webhooks": [closed]})
        assert patched["webhooks"][0]["timeoutSeconds"] == 10
        asyncio.get_running_loop().call_later(0.1, released.set)
        await client.create("configmaps", config_map("two", namespace="default"))

    told(tmp_path, answer, story)


def test_validating_webhooks_are_asked_at_once(tmp_path) -> None:
    """Each of three webhooks answers only when all three have been asked."""
    asked = asyncio.Barrier(3)

    async def answer(path, review):
        await asked.wait()
        return allow(review)

    async def story(server, hook) -> None:
        client = server.client()
        hooks = [hook_of(f"{name}.example.com", hook.client_config()) for name in "abc"]
        await client.create(VALIDATING, configuration("Validating", "c", *hooks))
        await client.create("configmaps", config_map("one", namespace="default"))

    told(tmp_path, answer, story)


def test_discovery(tmp_path) -> None:
    """Admission webhook, discovery document."""

    async def story(server, hook) -> None:
        catalog = server.api.core.catalog
        for name in (MUTATING, VALIDATING):
            assert catalog.named(name).version == "v1"

    told(tmp_path, lambda path, review: allow(review), story)


def test_ordered_mutation(tmp_path) -> None:
    """Each webhook sees what the one before it has made; configurations by their names.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate configmap [Conformance]
    """

    def answer(path, review):
        data = review["request"]["object"]["data"]
        if path == "/second":
            return allow(review, [{"op": "add", "path": "/data/second", "value": data.get("first", "")}])
        return allow(review, [{"op": "add", "path": "/data/first", "value": path}])

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(MUTATING, configuration("Mutating", "b", hook_of("a.example.com", hook.client_config("/second"))))
        await client.create(MUTATING, configuration("Mutating", "a", hook_of("z.example.com", hook.client_config("/first"))))
        made = await client.create("configmaps", config_map("one", {"x": "y"}, namespace="default"))
        assert made["data"] == {"x": "y", "first": "/first", "second": "/first"}
        assert (await client.get("configmaps", "one", "default"))["data"] == made["data"]

    told(tmp_path, answer, story)


def test_mutation_then_defaults(tmp_path) -> None:
    """An init container is added to a pod, and gets what others get by default.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate pod and apply defaults after mutation [Conformance]
    """

    def answer(path, review):
        added = {"name": "init", "image": "registry.example/init:1"}
        return allow(review, [{"op": "add", "path": "/spec/initContainers", "value": [added]}])

    async def story(server, hook) -> None:
        client = server.client()
        hooks = hook_of("a.example.com", hook.client_config(), rule("pods"))
        await client.create(MUTATING, configuration("Mutating", "a", hooks))
        made = await client.create("pods", pod("p"))
        (init,) = made["spec"]["initContainers"]
        assert (init["terminationMessagePolicy"], init["imagePullPolicy"]) == ("File", "IfNotPresent")

    told(tmp_path, answer, story)


def test_mutate_custom_resources_with_pruning(tmp_path) -> None:
    """What the schema does not name does not stay.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with pruning [Conformance]
    """

    def answer(path, review):
        return allow(review, [{"op": "add", "path": f"/data{path}", "value": "yes"}])

    async def story(server, hook) -> None:
        client = server.client()
        data = {"type": "object", "properties": {name: {"type": "string"} for name in ("start", "stage1")}}
        await client.create(DEFINITIONS, definition(version("v1", storage=True, properties={"data": data})))
        rules = rule("crontabs", group="stable.example.com")
        hooks = [hook_of(f"{name}.example.com", hook.client_config(f"/{name}"), rules) for name in ("stage1", "stage2")]
        await client.create(MUTATING, configuration("Mutating", "a", *hooks))
        made = await client.create("crontabs.stable.example.com", crontab("a", data={"start": "yes"}))
        assert made["data"] == {"start": "yes", "stage1": "yes"}

    told(tmp_path, answer, story)


def test_mutate_custom_resources_of_another_stored_version(tmp_path) -> None:
    """[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with different stored version [Conformance]
    """

    def answer(path, review):
        data = review["request"]["object"].get("data") or {}
        return allow(review, [] if "mutated" in data else [ADD])

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(DEFINITIONS, definition(version("v1", storage=True), version("v2")))
        rules = rule("crontabs", group="stable.example.com", operations="CREATE,UPDATE", version="*")
        await client.create(MUTATING, configuration("Mutating", "a", hook_of("a.example.com", hook.client_config(), rules)))
        name = "crontabs.stable.example.com"
        made = await client.create(name, crontab("a", "v2", data={"start": "yes"}))
        assert made["data"] == {"start": "yes", "mutated": "yes"}
        now_v2 = {"spec": {"versions": [version("v1"), version("v2", storage=True)]}}
        await client.patch(DEFINITIONS, name, now_v2)
        patched = await client.patch(name, "a", {"dummy": "test"}, "default")
        assert patched["dummy"] == "test" and patched["data"]["mutated"] == "yes"

    told(tmp_path, answer, story)


def test_configurations_are_left_alone(tmp_path) -> None:
    """[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should not be able to mutate or prevent deletion of webhook configuration objects [Conformance]"""

    async def story(server, hook) -> None:
        client = server.client()
        every = {**rule("*", operations="*", version="*"), "apiGroups": ["admissionregistration.k8s.io"], "resources": ["*/*"]}
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", hook.client_config(), every)))
        await client.create(MUTATING, configuration("Mutating", "c", hook_of("a.example.com", hook.client_config(), every)))
        made = await client.create(VALIDATING, configuration("Validating", "d", hook_of("b.example.com", hook.client_config())))
        assert "labels" not in made["metadata"] and len(made["webhooks"]) == 1
        for name in (VALIDATING, MUTATING):
            await client.delete(name, "c")
        assert hook.reviews == []

    told(tmp_path, lambda path, review: deny(review), story)


@pytest.mark.parametrize(("kind", "resource"), [("Mutating", MUTATING), ("Validating", VALIDATING)])
def test_listing_updating_and_removing(tmp_path, kind, resource) -> None:
    """What is configured counts with the next write.

    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing mutating webhooks should work [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing validating webhooks should work [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a mutating webhook should work [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a validating webhook should work [Conformance]
    """

    def answer(path, review):
        return allow(review, [ADD]) if path == "/mutating" else deny(review, "no")

    async def story(server, hook) -> None:
        client = server.client()

        async def is_touched(name: str) -> bool:
            try:
                made = await client.create("configmaps", config_map(name, {"a": "b"}, namespace="default"))
            except ApiError as error:
                assert error.message == 'admission webhook "a.example.com" denied the request: no'
                return True
            return "mutated" in made["data"]

        one = hook_of("a.example.com", hook.client_config(f"/{kind.lower()}"))
        for i in range(10):
            await client.create(resource, configuration(kind, f"c{i}", one, labels={"of": "test"}))
        assert len((await client.list(resource, label_selector="of=test")).items) == 10
        assert await is_touched("one")
        await client.raw("DELETE", client.resource(resource).path(), {"labelSelector": "of=test"})
        assert (await client.list(resource)).items == []
        assert not await is_touched("none")
        await client.create(resource, configuration(kind, "c0", one))
        only_updates = [{"op": "replace", "path": "/webhooks/0/rules", "value": [rule(operations="UPDATE")]}]
        await client.patch(resource, "c0", only_updates, type="json")
        assert not await is_touched("two")
        await client.patch(resource, "c0", {"webhooks": [{**one, "rules": [rule()]}]})
        assert await is_touched("three")
        await client.delete(resource, "c0")
        assert not await is_touched("four")

    told(tmp_path, answer, story)


def test_selectors(tmp_path) -> None:
    """Of namespaces (those of cluster-scoped objects are never exempt) and objects, old or new."""

    async def story(server, hook) -> None:
        client = server.client()
        outside = {"matchExpressions": [{"key": "exempt", "operator": "DoesNotExist"}]}
        one = hook_of(
            "a.example.com",
            hook.client_config(),
            rule("configmaps,namespaces", operations="CREATE,UPDATE"),
            namespaceSelector=outside,
            objectSelector={"matchLabels": {"judged": "yes"}},
        )
        await client.create(VALIDATING, configuration("Validating", "c", one))
        judged = {"labels": {"judged": "yes"}}
        await client.create("namespaces", {"metadata": {"name": "free", "labels": {"exempt": "yes", "judged": "yes"}}})
        await client.create("configmaps", config_map("a", namespace="free", **judged))
        made = await client.create("configmaps", config_map("a", namespace="default"))
        assert hook.reviews == []
        assert (await refused(client.create("configmaps", config_map("b", namespace="default", **judged)))).code == 400
        made["metadata"]["labels"] = {"judged": "yes"}
        assert (await refused(client.update("configmaps", made))).code == 400
        assert (await refused(client.create("namespaces", {"metadata": {"name": "other", **judged}}))).code == 400
        assert hook.reviews[-1][1]["request"]["namespace"] == "other"

    told(tmp_path, lambda path, review: deny(review), story)


def test_reinvocation(tmp_path) -> None:
    """A webhook that wants it is asked again when a later one has changed the object, and once only."""

    def answer(path, review):
        data = review["request"]["object"]["data"]
        if path == "/first":
            return allow(review, [{"op": "add", "path": "/data/first", "value": f"{data.get('first', '')}1"}])
        return allow(review, [{"op": "add", "path": "/data/second", "value": "2"}])

    async def story(server, hook) -> None:
        client = server.client()
        first = hook_of("a.example.com", hook.client_config("/first"), reinvocationPolicy="IfNeeded")
        second = hook_of("b.example.com", hook.client_config("/second"))
        await client.create(MUTATING, configuration("Mutating", "c", first, second))
        made = await client.create("configmaps", config_map("one", {"x": "y"}, namespace="default"))
        assert made["data"] == {"x": "y", "first": "11", "second": "2"}
        assert [path for path, _ in hook.reviews] == ["/first", "/second", "/first"]

    told(tmp_path, answer, story)


def test_other_versions(tmp_path) -> None:
    """With matchPolicy Equivalent a webhook is asked about writes in other versions, in its own; not so with Exact."""

    def answer(path, review):
        return allow(review, [{"op": "replace", "path": "/spec/targetCPUUtilizationPercentage", "value": 77}])

    async def story(server, hook) -> None:
        client = server.client()
        of_v1 = rule("horizontalpodautoscalers", group="autoscaling", version="v1")
        scaler = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h", "namespace": "default"},
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                    }
                ],
            },
        }
        exact = hook_of("a.example.com", hook.client_config(), of_v1, matchPolicy="Exact")
        await client.create(MUTATING, configuration("Mutating", "c", exact))
        resource = "horizontalpodautoscalers.autoscaling"
        made = await client.create(resource, scaler)
        assert hook.reviews == []
        await client.delete(resource, "h", "default")
        await client.patch(MUTATING, "c", [{"op": "remove", "path": "/webhooks/0/matchPolicy"}], type="json")
        made = await client.create(resource, scaler)
        request = hook.reviews[0][1]["request"]
        assert (request["kind"]["version"], request["requestKind"]["version"]) == ("v1", "v2")
        assert request["object"]["spec"]["targetCPUUtilizationPercentage"] == 50
        assert made["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 77

    told(tmp_path, answer, story)


def test_subresources_with_kinds_of_their_own(tmp_path) -> None:
    """Scale, Binding and Eviction are what webhooks see and change, not what they stand for."""

    def answer(path, review):
        if review["request"]["kind"]["kind"] == "Scale":
            return allow(review, [{"op": "replace", "path": "/spec/replicas", "value": 5}])
        return allow(review)

    async def story(server, hook) -> None:
        client = server.client()
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]},
        }
        made = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "namespace": "default"}, "spec": spec}
        await client.create("replicasets.apps", made)
        await client.create("pods", pod("p"))
        rules = [
            rule("replicasets/scale", group="apps", operations="UPDATE"),
            rule("pods/binding,pods/eviction", operations="CREATE"),
            rule("pods", operations="UPDATE,DELETE"),
        ]
        await client.create(MUTATING, configuration("Mutating", "c", hook_of("a.example.com", hook.client_config(), *rules)))
        scaled = await client.patch("replicasets.apps", "r", {"spec": {"replicas": 2}}, "default", subresource="scale")
        assert scaled["spec"]["replicas"] == 5
        binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
        await client.create("pods", binding, "default", name="p", subresource="binding")
        await client.create("pods", {"metadata": {"name": "p"}}, "default", name="p", subresource="eviction")
        requests = [review["request"] for _, review in hook.reviews]
        assert [(r["kind"]["kind"], r["operation"]) for r in requests] == [
            ("Scale", "UPDATE"),
            ("Binding", "CREATE"),
            ("Eviction", "CREATE"),
        ]
        assert (requests[0]["oldObject"]["spec"]["replicas"], requests[0]["object"]["spec"]["replicas"]) == (1, 2)
        assert requests[1]["object"]["target"]["name"] == "n"

    told(tmp_path, answer, story)


def test_dry_runs(tmp_path) -> None:
    """A webhook with side effects of its own is not asked about a dry run: the run is refused."""

    async def story(server, hook) -> None:
        client = server.client()
        one = hook_of("a.example.com", hook.client_config(), sideEffects="NoneOnDryRun")
        await client.create(VALIDATING, configuration("Validating", "c", one))
        import orjson

        from corral.client.transport import Call

        body = orjson.dumps(config_map("one"))
        dry = Call("POST", "/api/v1/namespaces/default/configmaps", {"dryRun": "All"}, body)
        await server.api.local().call(dry)
        assert hook.reviews[0][1]["request"]["dryRun"] is True
        assert hook.reviews[0][1]["request"]["options"]["dryRun"] == ["All"]

    told(tmp_path, lambda path, review: allow(review), story)


def test_warnings_and_audit_annotations(tmp_path) -> None:
    """Warnings reach the client; annotations and what was changed reach the audit log, patches do not."""

    def answer(path, review):
        more = {"warnings": ["look here"], "auditAnnotations": {"why": "because"}}
        return allow(review, [ADD], **more) if path == "/mutate" else allow(review, **more)

    async def story(server, hook) -> None:
        import orjson

        from corral.server.request import LOOPBACK, Request

        client = server.client()
        await client.create(MUTATING, configuration("Mutating", "m", hook_of("m.example.com", hook.client_config("/mutate"))))
        await client.create(VALIDATING, configuration("Validating", "v", hook_of("v.example.com", hook.client_config())))
        body = orjson.dumps(config_map("one", {"a": "b"}))
        headers = {"Content-Type": "application/json"}
        request = Request("POST", "/api/v1/namespaces/default/configmaps", {}, headers, body, LOOPBACK)
        response = await server.api.perform(request)
        assert response.warnings == ["look here", "look here"]
        noted = {key: value for key, value in request.annotations.items() if "authorization" not in key}
        assert noted == {
            "m.example.com/why": "because",
            "mutation.webhook.admission.k8s.io/round_0_index_0": (
                '{"configuration":"m","webhook":"m.example.com","mutated":true}'
            ),
            "v.example.com/why": "because",
        }

    told(tmp_path, answer, story)


def test_a_delete_cannot_be_changed(tmp_path) -> None:
    """A patch where there is nothing to patch is an error."""

    async def story(server, hook) -> None:
        client = server.client()
        one = hook_of("a.example.com", hook.client_config(), rule(operations="DELETE"))
        await client.create(MUTATING, configuration("Mutating", "c", one))
        await client.create("configmaps", config_map("one", {"a": "b"}, namespace="default"))
        error = await refused(client.delete("configmaps", "one", "default"))
        assert (error.code, error.message) == (
            500,
            'Internal error occurred: admission webhook "a.example.com" attempted to modify the object, '
            "which is not supported for this operation",
        )

    told(tmp_path, lambda path, review: allow(review, [ADD]), story)


def test_a_connection_that_was_closed_meanwhile(tmp_path) -> None:
    """A webhook that closes every connection after its answer is asked over a new one."""

    def answer(path, review):
        import orjson

        return web.Response(body=orjson.dumps(allow(review)), headers={"Connection": "close"})

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(VALIDATING, configuration("Validating", "c", hook_of("a.example.com", hook.client_config())))
        for name in ("one", "two"):
            await client.create("configmaps", config_map(name, namespace="default"))
        assert len(hook.reviews) == 2

    told(tmp_path, answer, story)


NOT_SKIPPED = {"name": "not-skipped", "expression": "object.metadata.name != 'skip-me'"}


def test_match_conditions(tmp_path) -> None:
    """[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate everything except 'skip-me' configmaps [Conformance]"""

    async def story(server, hook) -> None:
        client = server.client()
        one = hook_of("a.example.com", hook.client_config(), matchConditions=[NOT_SKIPPED])
        await client.create(MUTATING, configuration("Mutating", "c", one))
        skipped = await client.create("configmaps", config_map("skip-me", {"a": "b"}, namespace="default"))
        touched = await client.create("configmaps", config_map("other", {"a": "b"}, namespace="default"))
        assert (skipped["data"], touched["data"]) == ({"a": "b"}, {"a": "b", "mutated": "yes"})

    told(tmp_path, lambda path, review: allow(review, [ADD]), story)


@pytest.mark.parametrize(("kind", "resource"), [("Mutating", MUTATING), ("Validating", VALIDATING)])
def test_configurations_with_match_conditions(tmp_path, kind, resource) -> None:
    """[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update mutating webhook configurations with match conditions [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update validating webhook configurations with match conditions [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject mutating webhook configurations with invalid match conditions [Conformance]
    [sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject validating webhook configurations with invalid match conditions [Conformance]
    """

    async def story(server, hook) -> None:
        client = server.client()
        one = hook_of("a.example.com", hook.client_config(), matchConditions=[NOT_SKIPPED])
        made = await client.create(resource, configuration(kind, "c", one))
        assert made["webhooks"][0]["matchConditions"] == [NOT_SKIPPED]
        more = [NOT_SKIPPED, {"name": "by-user", "expression": "request.userInfo.username == 'ann'"}]
        made["webhooks"][0]["matchConditions"] = more
        await client.update(resource, made)
        assert (await client.get(resource, "c"))["webhooks"][0]["matchConditions"] == more
        faulty = hook_of("a.example.com", hook.client_config(), matchConditions=[{"name": "x", "expression": "... [] bad"}])
        error = await refused(client.create(resource, configuration(kind, "d", faulty)))
        assert error.code == 422 and "compilation failed" in error.message

    told(tmp_path, lambda path, review: allow(review), story)


def test_match_conditions_that_fail(tmp_path) -> None:
    """A false one decides; else a failure refuses the request, or skips the webhook where failures are ignored."""
    failing = {"name": "fails", "expression": "object.data.nothing == 'x'"}
    false = {"name": "false", "expression": "authorizer.group('').resource('pods').check('list').allowed() == false"}

    async def story(server, hook) -> None:
        client = server.client()
        one = hook_of("a.example.com", hook.client_config(), matchConditions=[failing])
        await client.create(VALIDATING, configuration("Validating", "c", one))
        error = await refused(client.create("configmaps", config_map("one", {"a": "b"}, namespace="default")))
        assert (error.code, error.message) == (
            403,
            "configmaps \"one\" is forbidden: expression 'object.data.nothing == 'x'' resulted in error: no such key: nothing",
        )
        path = "/webhooks/0/matchConditions"
        await client.patch(VALIDATING, "c", [{"op": "replace", "path": path, "value": [failing, false]}], type="json")
        await client.create("configmaps", config_map("one", {"a": "b"}, namespace="default"))
        ignored = [
            {"op": "replace", "path": path, "value": [failing]},
            {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
        ]
        await client.patch(VALIDATING, "c", ignored, type="json")
        await client.create("configmaps", config_map("two", {"a": "b"}, namespace="default"))
        assert hook.reviews == []

    told(tmp_path, lambda path, review: deny(review), story)


def own_address() -> str:
    """An address of this host that is not its loopback; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            pytest.skip("this host has no address but its loopback")
        return str(probe.getsockname()[0])


def test_a_webhook_behind_a_service(tmp_path) -> None:
    """A `clientConfig` with a Service leads to one of its endpoints; the certificate is for the Service's name."""
    address = own_address()

    async def story(server, hook) -> None:
        client = server.client()
        name = {"name": "hooks", "namespace": "default"}
        ports = [{"name": "https", "port": 443, "targetPort": 8443}]
        await client.create("services", {"metadata": name, "spec": {"ports": ports, "selector": {"a": "b"}}})
        one = hook_of("a.example.com", hook.service_config("default", "hooks", "/deny"))
        await client.create(VALIDATING, configuration("Validating", "c", one))
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        assert error.message.endswith('no endpoints available for service "hooks"')
        slice = {
            "metadata": {"name": "hooks", "namespace": "default", "labels": {"kubernetes.io/service-name": "hooks"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": hook.port}],
        }
        await client.create("endpointslices.discovery.k8s.io", slice)
        error = await refused(client.create("configmaps", config_map("one", namespace="default")))
        assert error.message == 'admission webhook "a.example.com" denied the request: seen'
        assert hook.reviews[0][0] == "/deny"

    told(tmp_path, lambda path, review: deny(review, "seen"), story, hosts=("hooks.default.svc",), host=address)


def test_faulty_patches(tmp_path) -> None:
    """Patches that cannot be applied, or that make another kind of object, fail the request and change nothing."""
    patches = {
        "missing": [{"op": "replace", "path": "/data/nothing", "value": "x"}],
        "kind": [{"op": "replace", "path": "/kind", "value": "Secret"}],
        "type": [{"op": "add", "path": "/data/a", "value": 3}],
        "root": [{"op": "replace", "path": "", "value": []}],
        "none": [3],
    }

    async def story(server, hook) -> None:
        client = server.client()
        await client.create(MUTATING, configuration("Mutating", "c", hook_of("a.example.com", hook.client_config())))
        for name in patches:
            error = await refused(client.create("configmaps", config_map(name, {"a": "b"}, namespace="default")))
            assert (error.code, error.reason) == (500, "InternalError")
            assert (await refused(client.get("configmaps", name, "default"))).code == 404

    told(tmp_path, lambda path, review: allow(review, patches[review["request"]["name"]]), story)
