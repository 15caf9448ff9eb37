"""The way of a request past authentication, authorization and admission, on a real server."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.client.client import Client
from corral.client.https import HttpsTransport
from corral.server.request import User
from corral.testing.server import RunningServer, running_server

ANN = User("ann", groups=("dev",))


def story(tmp_path: Path, tell: Callable[[RunningServer], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running_server(tmp_path, users={"ann-token": ANN}) as server:
            await tell(server)

    asyncio.run(run())


def as_user(server: RunningServer, **headers: str) -> Client:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(HttpsTransport(server.url, server.tls(), named), server.api.core.catalog, "test")


async def refusal(call: Awaitable[object]) -> ApiError:
    with pytest.raises(ApiError) as refused:
        await call
    return refused.value


async def new_namespace(server: RunningServer, name: str = "x") -> None:
    admin = server.client()
    await admin.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default", "namespace": name}}
    await admin.create("serviceaccounts", account)


def test_strangers_see_health_and_version_only(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        stranger = as_user(server)
        assert b"1" in await stranger.raw("GET", "/version")
        assert (await refusal(stranger.raw("GET", "/api"))).code == 403
        assert (await refusal(stranger.list("pods"))).message.startswith('pods is forbidden: User "system:anonymous"')
        assert (await refusal(stranger.raw("GET", "/apis/no.such/v1/things"))).code == 403
        wrong = as_user(server, Authorization="Bearer wrong")
        assert (await refusal(wrong.raw("GET", "/version"))).code == 401
        await stranger.close()
        await wrong.close()

    story(tmp_path, tell)


def test_a_role_opens_what_it_says_at_once(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        await new_namespace(server)
        ann, admin = server.https(token="ann-token"), server.client()
        assert (await refusal(ann.list("configmaps", "x"))).code == 403
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
        subjects = [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "dev"}]
        meta = {"name": "dev", "namespace": "x"}
        binding: Object = {"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": meta}
        await admin.create("rolebindings.rbac.authorization.k8s.io", {**binding, "roleRef": ref, "subjects": subjects})
        assert (await ann.list("configmaps", "x")).items == []
        assert (await refusal(ann.list("secrets", "x"))).code == 403
        assert (await refusal(ann.list("configmaps", "default"))).code == 403
        await ann.close()

    story(tmp_path, tell)


def test_only_who_may_acts_as_another(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        review: Object = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}
        who = "selfsubjectreviews.authentication.k8s.io"
        admin = as_user(server, Authorization=f"Bearer {server.token}", Impersonate_User="bob", Impersonate_Group="ops")
        seen = await admin.create(who, review)
        assert seen["status"]["userInfo"] == {"username": "bob", "groups": ["ops", "system:authenticated"]}
        ann = as_user(server, Authorization="Bearer ann-token", Impersonate_User="bob")
        assert "cannot impersonate resource" in (await refusal(ann.create(who, review))).message
        await admin.close()
        await ann.close()

    story(tmp_path, tell)


def test_a_service_account_token_works_until_its_account_is_gone(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        await new_namespace(server)
        request = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}
        answer = await server.client().create("serviceaccounts", request, "x", name="default", subresource="token")
        robot = server.https(token=answer["status"]["token"])
        assert (await refusal(robot.list("pods", "x"))).message.startswith(
            'pods is forbidden: User "system:serviceaccount:x:default"'
        )
        assert json.loads(await robot.raw("GET", "/.well-known/openid-configuration"))["jwks_uri"].startswith("https://")
        await server.client().delete("serviceaccounts", "default", "x")
        assert (await refusal(robot.list("pods", "x"))).code == 401
        await robot.close()

    story(tmp_path, tell)


def test_a_node_sees_its_pods_secrets_only(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        await new_namespace(server)
        admin = server.client()
        for name in ("used", "other"):
            meta = {"name": name, "namespace": "x"}
            await admin.create("secrets", {"kind": "Secret", "apiVersion": "v1", "metadata": meta})
        volumes = [{"name": "v", "secret": {"secretName": "used"}}]
        spec = {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}], "volumes": volumes}
        await admin.create(
            "pods", {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "x"}, "spec": spec}
        )
        node = server.client(user=User("system:node:n1", groups=("system:nodes", "system:authenticated")))
        assert (await node.get("secrets", "used", "x"))["metadata"]["name"] == "used"
        assert "no relationship found" in (await refusal(node.get("secrets", "other", "x"))).message
        other = server.client(user=User("system:node:n2", groups=("system:nodes", "system:authenticated")))
        assert (await refusal(other.get("secrets", "used", "x"))).code == 403

    story(tmp_path, tell)


def test_secrets_lie_sealed_and_open_again_after_a_restart(tmp_path: Path) -> None:
    password = base64.b64encode(b"correct horse battery staple").decode()
    secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s", "namespace": "default"}, "data": {"p": password}}

    async def write(server: RunningServer) -> None:
        await server.client().create("secrets", secret)

    async def read(server: RunningServer) -> None:
        assert (await server.client().get("secrets", "s", "default"))["data"] == {"p": password}

    story(tmp_path, write)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if password.encode() in path.read_bytes()]
    story(tmp_path, read)


def test_every_request_is_on_record_without_its_secrets(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        ann = server.https(token="ann-token")
        await refusal(ann.list("pods", "default"))
        await ann.close()

    story(tmp_path, tell)
    text = (tmp_path / "server" / "audit.log").read_text()
    (event,) = [e for e in map(json.loads, text.splitlines()) if e["user"]["username"] == "ann"]
    assert (event["verb"], event["objectRef"]["resource"], event["responseStatus"]["code"]) == ("list", "pods", 403)
    assert "ann-token" not in text


def test_an_aggregated_role_follows_its_parts(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        admin, roles = server.client(), "clusterroles.rbac.authorization.k8s.io"
        about = {"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1"}
        rules = [{"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]}]
        labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
        await admin.create(roles, {**about, "metadata": {"name": "widgets", "labels": labels}, "rules": rules})
        async with asyncio.timeout(5):
            async for event in admin.watch(roles):
                if event.item.key.name == "view" and rules[0] in event.item.object["rules"]:
                    break

    story(tmp_path, tell)


async def grant(server: RunningServer, verbs: list[str], resources: list[str]) -> None:
    """Let ann do this in the namespace x."""
    group = "rbac.authorization.k8s.io"
    about = {"apiVersion": f"{group}/v1", "metadata": {"name": "granted", "namespace": "x"}}
    rules = [{"verbs": verbs, "apiGroups": [""], "resources": resources}]
    await server.client().create(f"roles.{group}", {"kind": "Role", **about, "rules": rules})
    ref = {"apiGroup": group, "kind": "Role", "name": "granted"}
    subjects = [{"kind": "User", "apiGroup": group, "name": "ann"}]
    await server.client().create(
        f"rolebindings.{group}", {"kind": "RoleBinding", **about, "roleRef": ref, "subjects": subjects}
    )


def test_who_may_only_read_runs_no_commands(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        await new_namespace(server)
        await grant(server, ["get"], ["*"])
        ann = server.https(token="ann-token")
        for subresource in ("exec", "attach", "portforward"):
            refused = await refusal(ann.raw("GET", f"/api/v1/namespaces/x/pods/p/{subresource}", {"command": "id"}))
            assert (refused.code, refused.message) == (403, 'pods "p" is forbidden: ')
        await ann.close()

    story(tmp_path, tell)


def test_an_apply_that_creates_needs_the_right_to_create(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        await new_namespace(server)
        await grant(server, ["get", "patch"], ["configmaps"])
        ann = server.https(token="ann-token")
        applied: Object = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c", "namespace": "x"}}
        refused = await refusal(ann.patch("configmaps", "c", applied, "x", type="apply"))
        assert (refused.code, refused.message) == (403, 'configmaps "c" is forbidden: ')
        await server.client().create("configmaps", applied)
        assert (await ann.patch("configmaps", "c", applied, "x", type="apply"))["metadata"]["name"] == "c"
        await ann.close()

    story(tmp_path, tell)


def test_no_object_outgrows_what_may_be_stored(tmp_path: Path) -> None:
    async def tell(server: RunningServer) -> None:
        await new_namespace(server)
        large = {"name": "a", "value": "x" * 1_000_000}
        spec = {"containers": [{"name": "c", "image": "i", "env": [large, {**large, "name": "b"}]}]}
        pod: Object = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "x"}, "spec": spec}
        assert "too large" in (await refusal(server.client().create("pods", pod))).message

    story(tmp_path, tell)
