"""Admission policies: the behaviours of [sig-api-machinery] ValidatingAdmissionPolicy and MutatingAdmissionPolicy."""

import asyncio

import pytest
from tests.server.admission.webhooks import DEFINITIONS, crontab, definition, version
from tests.server.conftest import config_map

from corral.api.errors import ApiError
from corral.client.transport import Call
from corral.server.request import LOOPBACK, Request, User
from corral.testing.server import running_server

GROUP = "admissionregistration.k8s.io"
POLICIES, BINDINGS = f"validatingadmissionpolicies.{GROUP}", f"validatingadmissionpolicybindings.{GROUP}"
MUTATING, MUTATING_BINDINGS = f"mutatingadmissionpolicies.{GROUP}", f"mutatingadmissionpolicybindings.{GROUP}"


@pytest.fixture
def told(tmp_path):
    def tell(story) -> None:
        async def run() -> None:
            async with asyncio.timeout(30), running_server(tmp_path) as server:
                await story(server, server.client())

        asyncio.run(run())

    return tell


def rules(resource: str = "deployments", group: str = "apps", operations: str = "CREATE,UPDATE") -> dict:
    rule = {"operations": operations.split(","), "apiGroups": [group], "apiVersions": ["v1"], "resources": [resource]}
    return {"resourceRules": [rule]}


def policy(*expressions, name: str = "p", match=None, **spec) -> dict:
    validations = [one if isinstance(one, dict) else {"expression": one} for one in expressions]
    made = {"matchConstraints": match or rules(), **({"validations": validations} if validations else {}), **spec}
    return {"metadata": {"name": name}, "spec": made}


def binding(*actions: str, name: str = "b", to: str = "p", **spec) -> dict:
    return {"metadata": {"name": name}, "spec": {"policyName": to, "validationActions": list(actions or ("Deny",)), **spec}}


def deployment(name: str = "d", replicas: int = 1, **meta) -> dict:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "registry.example/a:1"}]}}
    return {
        "metadata": {"name": name, "namespace": "default", **meta},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def marked(**labels: str) -> dict:
    return {"metadata": {"name": "marked", "labels": labels}}


async def bind(client, made: dict, *bindings: dict) -> None:
    await client.create(POLICIES, made)
    for one in bindings or (binding(),):
        await client.create(BINDINGS, one)


async def refused(call) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


def test_a_deployment(told) -> None:
    """[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment [Conformance]"""

    async def story(server, client) -> None:
        await bind(client, policy("object.spec.replicas > 1", "object.spec.replicas < 10"))
        error = await refused(client.create("deployments.apps", deployment()))
        said = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: object.spec.replicas > 1"
        assert (error.code, error.reason) == (422, "Invalid")
        assert error.message == f'deployments.apps "d" is forbidden: {said}'
        assert error.details == {"name": "d", "group": "apps", "kind": "deployments", "causes": [{"message": said}]}
        made = await client.create("deployments.apps", deployment(replicas=2))
        made["spec"]["replicas"] = 10
        error = await refused(client.update("deployments.apps", made))
        assert error.message.endswith("failed expression: object.spec.replicas < 10")
        await client.delete(POLICIES, "p")
        await client.update("deployments.apps", made)

    told(story)


def test_variables(told) -> None:
    """[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables. [Conformance]"""
    variables = [
        {"name": "replicas", "expression": "object.spec.replicas"},
        {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"},
        {"name": "unused", "expression": "object.nothing.at.all"},
    ]

    async def story(server, client) -> None:
        await bind(client, policy("variables.replicas > 1", "variables.oddReplicas", variables=variables))
        await client.create("deployments.apps", deployment(replicas=3))
        for replicas, fault in ((1, "variables.replicas > 1"), (4, "variables.oddReplicas")):
            error = await refused(client.create("deployments.apps", deployment("e", replicas)))
            assert error.message.endswith(f"failed expression: {fault}")

    told(story)


@pytest.mark.parametrize(
    ("resource", "made"),
    [
        (POLICIES, policy("true")),
        (BINDINGS, binding()),
        (MUTATING, {"metadata": {"name": "p"}, "spec": {}}),
        (MUTATING_BINDINGS, {"metadata": {"name": "b"}, "spec": {"policyName": "p"}}),
    ],
)
def test_the_api(told, resource, made) -> None:
    """ValidatingAdmissionPolicy, ValidatingadmissionPolicyBinding, MutatingAdmissionPolicy and MutatingAdmissionPolicyBinding
    API: create, get, list, update, patch, delete and deletecollection; discovery says so."""
    if resource == MUTATING:
        made = mutation("Object{}")

    async def story(server, client) -> None:
        verbs = {"create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"}
        assert verbs <= set(server.api.core.catalog.named(resource).verbs)
        created = await client.create(resource, made)
        name = created["metadata"]["name"]
        assert created["metadata"]["generation"] == 1
        patched = await client.patch(resource, name, {"metadata": {"labels": {"a": "b"}}})
        assert patched["metadata"]["labels"] == {"a": "b"}
        assert len((await client.list(resource, label_selector="a=b")).items) == 1
        present = await client.get(resource, name)
        present["metadata"]["annotations"] = {"c": "d"}
        updated = await client.update(resource, present)
        assert updated["metadata"]["annotations"] == {"c": "d"}
        await client.delete(resource, name)
        await client.create(resource, made)
        path = server.api.core.catalog.named(resource).path()
        await server.api.local().call(Call("DELETE", path))
        assert (await client.list(resource)).items == []

    told(story)


def test_messages_and_reasons(told) -> None:
    """The message that an expression makes, the fixed one, the expression; the reason decides the code."""
    made = policy(
        {
            "expression": "object.spec.replicas != 1",
            "messageExpression": "'not ' + string(object.spec.replicas)",
            "message": "unused",
            "reason": "Forbidden",
        },
        {
            "expression": "object.spec.replicas != 2",
            "messageExpression": "object.nothing + ''",
            "message": "two is too many",
            "reason": "RequestEntityTooLarge",
        },
    )

    async def story(server, client) -> None:
        await bind(client, made)
        first, second = [await refused(client.create("deployments.apps", deployment(replicas=n))) for n in (1, 2)]
        assert (first.code, first.reason, first.message.rpartition(": ")[2]) == (403, "Forbidden", "not 1")
        assert (second.code, second.message.rpartition(": ")[2]) == (413, "two is too many")

    told(story)


def test_actions(told) -> None:
    """Warn and Audit let the request pass; an annotation says what failed."""

    async def story(server, client) -> None:
        noted = [{"key": "replicas", "valueExpression": "'has ' + string(object.spec.replicas)"}]
        await bind(client, policy("object.spec.replicas > 1", auditAnnotations=noted), binding("Warn", "Audit"))
        import orjson

        path, headers = "/apis/apps/v1/namespaces/default/deployments", {"Content-Type": "application/json"}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
        request = Request("POST", path, {}, headers, orjson.dumps(body), LOOPBACK)
        response = await server.api.perform(request)
        said = "failed expression: object.spec.replicas > 1"
        assert response.warnings == [f"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': {said}"]
        assert request.annotations["p/replicas"] == "has 1"
        assert orjson.loads(request.annotations["validation.policy.admission.k8s.io/validation_failure"]) == [
            {
                "message": said,
                "policy": "p",
                "binding": "b",
                "expressionIndex": 0,
                "validationActions": ["Warn", "Audit"],
            }
        ]

    told(story)


def test_failure_policy(told) -> None:
    """An expression that comes to nothing denies, unless failures are ignored."""

    async def story(server, client) -> None:
        await bind(client, policy("object.metadata.labels.team == 'a'"))
        error = await refused(client.create("deployments.apps", deployment()))
        assert error.message.endswith(
            "denied request: expression 'object.metadata.labels.team == 'a'' resulted in error: no such key: labels"
        )
        await client.patch(POLICIES, "p", {"spec": {"failurePolicy": "Ignore"}})
        await client.create("deployments.apps", deployment())

    told(story)


def test_match_conditions_and_what_expressions_know(tmp_path) -> None:
    """Who asks (`request`), what he may do (`authorizer`), where (`namespaceObject`), what was there (`oldObject`)."""
    conditions = [{"name": "not-admins", "expression": "!('system:masters' in request.userInfo.groups)"}]
    demands = [
        "request.operation == 'UPDATE' ? oldObject.data.owner == object.data.owner : true",
        "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == request.namespace",
        "!('secret' in object.data) || authorizer.group('').resource('secrets').namespace('default').check('get').allowed()",
        "authorizer.requestResource.check('delete').allowed() || !('doomed' in object.data)",
        "namespaceObject.metadata.creationTimestamp <= timestamp('2999-01-01T00:00:00Z')",
    ]

    async def run() -> None:
        async with asyncio.timeout(30), running_server(tmp_path) as server:
            admin, ann = server.client(), server.client(user=User("ann", groups=("system:authenticated",)))
            role = {
                "metadata": {"name": "editor", "namespace": "default"},
                "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "update", "get"]}],
            }
            bound = {
                "metadata": {"name": "editor", "namespace": "default"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "editor"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}],
            }
            await admin.create("roles.rbac.authorization.k8s.io", role)
            await admin.create("rolebindings.rbac.authorization.k8s.io", bound)
            await bind(admin, policy(*demands, match=rules("configmaps", ""), matchConditions=conditions))
            made = await ann.create("configmaps", config_map("one", {"owner": "ann"}, namespace="default"))
            made["data"] = {"owner": "bob"}
            assert (await refused(ann.update("configmaps", made))).message.endswith(demands[0])
            await admin.update("configmaps", made)
            for name, demand in (("secret", demands[2]), ("doomed", demands[3])):
                call = ann.create("configmaps", config_map(name, {name: "1"}, namespace="default"))
                assert (await refused(call)).message.endswith(demand)

    asyncio.run(run())


class Elsewhere:
    """An authorizer outside of the server."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def allows(self, attributes) -> tuple[bool, str]:
        self.asked.append(attributes.name)
        return attributes.name == "known", "it is known"

    async def close(self) -> None:
        pass


def test_an_authorizer_outside_is_asked(told) -> None:
    """What the server's own rules do not allow, the authorization webhook may; it is asked once for each question."""
    check = "authorizer.serviceAccount('default', 'robot').group('').resource('pods').name(object.metadata.name).check('get')"
    demand = f"{check}.allowed() && {check}.reason() == 'it is known'"

    async def story(server, client) -> None:
        elsewhere = server.api.core.authorizer.webhook = Elsewhere()
        await bind(client, policy(demand, match=rules("configmaps", "")))
        await client.create("configmaps", config_map("known", namespace="default"))
        assert (await refused(client.create("configmaps", config_map("other", namespace="default")))).code == 422
        assert elsewhere.asked == ["known", "other"]

    told(story)


def test_a_long_evaluation(told) -> None:
    """What takes more than a moment is evaluated in a thread, with the same outcome; the authorizer is asked from there too."""
    demand = "object.data.all(a, object.data.exists(b, a + b == 'k0k0' || a == b))"

    async def story(server, client) -> None:
        await bind(client, policy(demand, "authorizer.requestResource.check('get').allowed()", match=rules("configmaps", "")))
        data = {f"k{i}": "v" for i in range(60)}
        made = await client.create("configmaps", config_map("one", data, namespace="default"))
        assert made["data"] == data

    told(story)


def test_parameters(told) -> None:
    """Config maps as parameters: by name, in the object's own namespace, by a selector, and none at all."""
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    made = policy("params != null && object.spec.replicas <= int(params.data.max)", paramKind=kind)

    async def story(server, client) -> None:
        named = {"name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"}
        await bind(client, made, binding(paramRef=named))
        error = await refused(client.create("deployments.apps", deployment()))
        assert error.message.endswith(
            "denied request: failed to configure binding: "
            "no params found for policy binding with `Deny` parameterNotFoundAction"
        )
        await client.create("configmaps", config_map("limits", {"max": "3"}, namespace="default", labels={"limits": "yes"}))
        await client.create("deployments.apps", deployment("fits", 3))
        assert (await refused(client.create("deployments.apps", deployment("not", 4)))).code == 422
        selected = {"selector": {"matchLabels": {"limits": "yes"}}, "parameterNotFoundAction": "Allow"}
        await client.patch(BINDINGS, "b", {"spec": {"paramRef": {**selected, "name": None, "namespace": None}}})
        assert (await refused(client.create("deployments.apps", deployment("not", 4)))).code == 422
        await client.create("configmaps", config_map("more", {"max": "2"}, namespace="default", labels={"limits": "yes"}))
        assert (await refused(client.create("deployments.apps", deployment("not", 3)))).code == 422
        for name in ("limits", "more"):
            await client.delete("configmaps", name, "default")
        await client.create("deployments.apps", deployment("unlimited", 100))

    told(story)


def test_custom_parameters(told) -> None:
    """A custom resource as parameter, once its kind is there."""
    kind = {"apiVersion": "stable.example.com/v1", "kind": "CronTab"}

    async def story(server, client) -> None:
        reference = {"name": "limit", "namespace": "default", "parameterNotFoundAction": "Deny"}
        await bind(client, policy("object.spec.replicas <= params.max", paramKind=kind), binding(paramRef=reference))
        error = await refused(client.create("deployments.apps", deployment()))
        assert error.message.endswith(
            "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: "
            "failed to find resource referenced by paramKind: 'stable.example.com/v1, Kind=CronTab'"
        )
        await client.create(DEFINITIONS, definition(version("v1", storage=True)))
        await client.create("crontabs.stable.example.com", crontab("limit", max=2))
        await client.create("deployments.apps", deployment(replicas=2))
        assert (await refused(client.create("deployments.apps", deployment("e", 3)))).code == 422

    told(story)


def test_where_a_policy_counts(told) -> None:
    """Resource names, excluded rules, and the binding's own selectors."""
    match = rules("configmaps", "")
    match["resourceRules"][0]["resourceNames"] = ["watched", "excluded"]
    match["excludeResourceRules"] = [{**match["resourceRules"][0], "resourceNames": ["excluded"]}]

    async def story(server, client) -> None:
        only = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}
        await bind(client, policy("false", match=match), binding(matchResources=only))
        await client.create("namespaces", {"metadata": {"name": "other"}})
        for name, namespace in (("excluded", "default"), ("unnamed", "default"), ("watched", "other")):
            await client.create("configmaps", config_map(name, namespace=namespace))
        assert (await refused(client.create("configmaps", config_map("watched", namespace="default")))).code == 422

    told(story)


def test_policies_do_not_judge_themselves(told) -> None:
    """Nobody can be locked out of the policies."""
    everything = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}

    async def story(server, client) -> None:
        await bind(client, policy("false", match={"resourceRules": [everything]}))
        assert (await refused(client.create("configmaps", config_map("one", namespace="default")))).code == 422
        await client.delete(BINDINGS, "b")
        await client.create("configmaps", config_map("one", namespace="default"))

    told(story)


# Mutation


def mutation(*expressions: str, patch: str = "ApplyConfiguration", match=None, reinvocation: str = "Never", **spec) -> dict:
    field = "applyConfiguration" if patch == "ApplyConfiguration" else "jsonPatch"
    mutations = [{"patchType": patch, field: {"expression": one}} for one in expressions]
    made = {"matchConstraints": match or rules(), "mutations": mutations, "reinvocationPolicy": reinvocation, **spec}
    return {"metadata": {"name": "p"}, "spec": made}


async def bind_mutation(client, made: dict, name: str = "p", **spec) -> None:
    made["metadata"]["name"] = name
    await client.create(MUTATING, made)
    await client.create(MUTATING_BINDINGS, {"metadata": {"name": name}, "spec": {"policyName": name, **spec}})


def test_mutate_a_deployment(told) -> None:
    """Lists are merged by their keys.

    [sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]
    """
    sidecar = "Object.spec.template.spec.containers{name: 'sidecar', image: 'registry.example/sidecar:1'}"
    expression = (
        "Object{spec: Object.spec{replicas: 4, template: Object.spec.template{spec: Object.spec.template.spec{"
        f"containers: [{sidecar}]}}}}}}}}"
    )

    async def story(server, client) -> None:
        await bind_mutation(client, mutation(expression))
        made = await client.create("deployments.apps", deployment())
        containers = made["spec"]["template"]["spec"]["containers"]
        assert made["spec"]["replicas"] == 4
        assert {one["name"]: one["imagePullPolicy"] for one in containers} == {
            "main": "IfNotPresent",
            "sidecar": "IfNotPresent",
        }

    told(story)


def test_mutate_annotations(told) -> None:
    """By a JSON patch.

    [sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations [Conformance]
    """
    expression = (
        "[JSONPatch{op: 'test', path: '/spec/replicas', value: 1},"
        " JSONPatch{op: 'add', path: '/metadata/annotations', value: {}},"
        " JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('example.com/by'), value: 'policy'}]"
    )

    async def story(server, client) -> None:
        await bind_mutation(client, mutation(expression, patch="JSONPatch"))
        made = await client.create("deployments.apps", deployment())
        assert made["metadata"]["annotations"] == {"example.com/by": "policy"}
        assert "annotations" not in (await client.create("deployments.apps", deployment("e", 2)))["metadata"]

    told(story)


def test_faulty_mutations(told) -> None:
    """Atomic values and unknown fields are refused, with every fault as a cause; or ignored, as the policy says."""

    async def story(server, client) -> None:
        atomic = "Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'a': 'b'}}}}"
        unknown = "Object{spec: Object.spec{replcas: 2}}"
        misnamed = "Object{spec: Object.sepc{replicas: 2}}"
        await bind_mutation(client, mutation(atomic, unknown, misnamed))
        error = await refused(client.create("deployments.apps", deployment()))
        intro = "policy 'p' with binding 'p' denied request: "
        texts = [cause["message"].removeprefix(intro) for cause in error.details["causes"]]
        assert (error.code, error.reason, error.message) == (403, "Invalid", intro + texts[0])
        assert texts == [
            "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector",
            "error applying patch: failed to convert patch object to typed object: .spec.replcas: field not declared in schema",
            'type mismatch: unexpected type name "Object.sepc", expected "Object.spec", '
            "which matches field name path from root Object type",
        ]
        await client.patch(MUTATING, "p", {"spec": {"failurePolicy": "Ignore"}})
        assert (await client.create("deployments.apps", deployment()))["spec"]["replicas"] == 1

    told(story)


def test_mutations_are_made_again(told) -> None:
    """A policy that wants it is evaluated again when a later one has changed the object; conditions, variables and parameters
    are known to mutations as well."""
    count = (
        "Object{metadata: Object.metadata{labels: {'count': string(int(object.metadata.?labels['count'].orValue('0')) + 1)}}}"
    )
    later = "Object{metadata: Object.metadata{labels: {variables.key: params.data.value}}}"

    async def story(server, client) -> None:
        await client.create("configmaps", config_map("given", {"value": "v"}, namespace="default"))
        await bind_mutation(client, mutation(count, reinvocation="IfNeeded"), "a")
        made = mutation(
            later,
            paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
            variables=[{"name": "key", "expression": "'later'"}],
            matchConditions=[{"name": "one", "expression": "object.spec.replicas == 1"}],
        )
        await bind_mutation(client, made, "b", paramRef={"name": "given", "parameterNotFoundAction": "Deny"})
        assert (await client.create("deployments.apps", deployment()))["metadata"]["labels"] == {"count": "2", "later": "v"}
        assert (await client.create("deployments.apps", deployment("e", 2)))["metadata"]["labels"] == {"count": "1"}

    told(story)


def test_mutate_custom_resources(told) -> None:
    """By the schema of their definition."""
    properties = {"spec": {"type": "object", "properties": {"size": {"type": "integer"}, "color": {"type": "string"}}}}

    async def story(server, client) -> None:
        await client.create(DEFINITIONS, definition(version("v1", storage=True, properties=properties)))
        match = rules("crontabs", "stable.example.com")
        await bind_mutation(client, mutation("Object{spec: Object.spec{color: 'red'}}", match=match))
        made = await client.create("crontabs.stable.example.com", crontab("a", spec={"size": 3}))
        assert made["spec"] == {"size": 3, "color": "red"}

    told(story)
