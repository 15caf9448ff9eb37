"""Requests to an extension server: who is told to it, what comes back, what streams, what is refused.

Conformance: "[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator".
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from tests.server.aggregation.extension import ROOT, Extension, available, register, running_extension
from tests.server.conftest import until

from corral.server import pki
from corral.server.request import User
from corral.testing.server import RunningServer, running_server

CLARA = User("clara", "u-1", ("dev", "system:authenticated"), {"scopes.example.com/a": ("x", "y")})
FLUNDERS = f"{ROOT}/namespaces/apps/flunders"
Told = Callable[[RunningServer, Extension, aiohttp.ClientSession], Awaitable[None]]


def run(tmp_path: Path, what: Told, **spec: object) -> None:
    async def story() -> None:
        async with (
            asyncio.timeout(30),
            running_server(tmp_path, users={"clara": CLARA}) as server,
            running_extension(server, tmp_path) as extension,
        ):
            await register(server, extension, **spec)
            headers = {"Authorization": f"Bearer {server.token}"}
            connector = aiohttp.TCPConnector(ssl=server.tls())
            async with aiohttp.ClientSession(server.url, connector=connector, headers=headers) as session:
                await what(server, extension, session)

    asyncio.run(story())


async def allow_clara(server: RunningServer) -> None:
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "flunders"}}
    rule = {"apiGroups": ["wardle.example.com"], "resources": ["flunders"], "verbs": ["list"]}
    await server.client().create("clusterroles.rbac.authorization.k8s.io", {**rbac, "kind": "ClusterRole", "rules": [rule]})
    subject = {"kind": "User", "name": "clara", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": "flunders", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {**rbac, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": role}
    await server.client().create("clusterrolebindings.rbac.authorization.k8s.io", binding)


def test_the_extension_server_is_told_who_asks_and_nothing_that_clients_claim(tmp_path):
    async def told(server, extension, session):
        await allow_clara(server)
        headers = {"Authorization": "Bearer clara", "X-Remote-User": "admin", "X-Remote-Group": "system:masters", "X-Own": "1"}
        async with session.get(f"{FLUNDERS}?limit=5&labelSelector=a%3Db", headers=headers) as answer:
            assert answer.status == 200
            assert (await answer.json())["kind"] == "FlunderList"
            assert answer.headers.getall("Warning") == ['299 - "one"', '299 - "two"']
        seen = extension.seen[-1]
        assert (seen.user, seen.uid, seen.groups) == ("clara", "u-1", ["dev", "system:authenticated"])
        assert seen.extra == {"scopes.example.com%2fa": ["x", "y"]}
        assert "authorization" not in seen.headers
        assert seen.headers["x-own"] == "1"
        assert (seen.path, seen.query) == (FLUNDERS, "limit=5&labelSelector=a%3Db")

    run(tmp_path, told)


def test_who_is_not_allowed_does_not_reach_it(tmp_path):
    async def told(server, extension, session):
        async with session.get(FLUNDERS, headers={"Authorization": "Bearer clara"}) as answer:
            status = await answer.json()
        assert answer.status == 403
        assert status["details"] == {"group": "wardle.example.com", "kind": "flunders"}
        assert not extension.seen

    run(tmp_path, told)


def test_bodies_and_errors_go_through_as_they_are(tmp_path):
    async def told(server, extension, session):
        body = {"kind": "Flunder", "apiVersion": "wardle.example.com/v1alpha1", "metadata": {"name": "f"}, "unknown": 1}
        async with session.post(FLUNDERS, json=body) as answer:
            assert answer.status == 201
            assert (await answer.json())["unknown"] == 1
        async with session.get(f"{FLUNDERS}/none") as answer:
            assert answer.status == 404
            assert (await answer.json())["message"] == 'flunders "none" not found'
        async with session.get(f"{FLUNDERS}/f", headers={"If-None-Match": "x"}) as answer:
            assert (await answer.json())["metadata"]["name"] == "f"
        assert extension.seen[-1].headers["if-none-match"] == "x"

    run(tmp_path, told)


def test_a_watch_streams_each_event_when_it_happens_and_ends_with_the_client(tmp_path):
    async def told(server, extension, session):
        async with session.get(f"{FLUNDERS}?watch=true") as answer:
            await until(lambda: extension.watchers)
            for name in ("one", "two"):
                async with session.post(FLUNDERS, json={"metadata": {"name": name}}):
                    pass
                event = json.loads(await answer.content.readline())
                assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)
            answer.close()
        await until(lambda: not extension.watchers)

    run(tmp_path, told)


def test_clients_are_not_led_elsewhere(tmp_path):
    async def told(server, extension, session):
        async with session.get(f"{FLUNDERS}/f/elsewhere", allow_redirects=False) as answer:
            assert answer.status == 502
            assert "Location" not in answer.headers
            assert await answer.text() == "the backend attempted to redirect this request, which is not permitted"

    run(tmp_path, told)


def test_an_answer_that_breaks_off_does_not_look_whole(tmp_path):
    async def told(server, extension, session):
        with pytest.raises(aiohttp.ClientError):
            async with session.get(f"{FLUNDERS}/f/half") as answer:
                await answer.read()

    run(tmp_path, told)


def test_an_upgraded_connection_goes_through(tmp_path):
    async def told(server, extension, session):
        async with session.ws_connect(f"{FLUNDERS}/f/connect", protocols=("v4.channel.k8s.io",)) as socket:
            await socket.send_bytes(b"abc")
            assert (await socket.receive()).data == b"cba"
            assert socket.protocol == "v4.channel.k8s.io"
        assert extension.seen[-1].user == "admin"

    run(tmp_path, told)


def test_the_certificate_must_be_that_of_the_service_by_the_authority_that_is_named(tmp_path):
    async def told(server, extension, session):
        client = server.client()
        name = "v1alpha1.wardle.example.com"
        spec = {"caBundle": pki.base64_of(pki.Pki(server.api.config.pki_dir).ca_certificate.read_bytes())}
        await client.patch("apiservices.apiregistration.k8s.io", name, {"spec": spec})
        await until(lambda: available(server)["reason"] == "FailedDiscoveryCheck")
        assert "certificate" in available(server)["message"]
        async with session.get(FLUNDERS) as answer:
            assert (answer.status, await answer.text()) == (503, "service unavailable\n")
        spec = {"caBundle": None, "insecureSkipTLSVerify": True}
        await client.patch("apiservices.apiregistration.k8s.io", name, {"spec": spec})
        await until(lambda: available(server)["reason"] == "Passed")

    run(tmp_path, told)


def test_a_server_that_went_is_told_of_at_once_and_found_again(tmp_path):
    async def told(server, extension, session):
        client = server.client()
        await client.patch("services", "wardle", {"spec": {"externalName": "nowhere.invalid"}}, "apps")
        async with session.get(FLUNDERS) as answer:
            assert answer.status == 503
        await until(lambda: available(server)["reason"] == "FailedDiscoveryCheck")
        await client.delete("services", "wardle", "apps")
        await until(lambda: available(server)["reason"] == "ServiceNotFound")
        assert available(server)["message"] == 'service/wardle in "apps" is not present'

    run(tmp_path, told)


def test_extension_servers_find_in_kube_system_whom_to_believe(tmp_path):
    async def told(server, extension, session):
        data = (await server.client().get("configmaps", "extension-apiserver-authentication", "kube-system"))["data"]
        keys = pki.Pki(server.api.config.pki_dir)
        assert data["requestheader-client-ca-file"] == keys.front_proxy_ca_certificate.read_text()
        assert data["client-ca-file"] == keys.ca_certificate.read_text()
        assert json.loads(data["requestheader-allowed-names"]) == ["front-proxy-client"]
        assert json.loads(data["requestheader-username-headers"]) == ["X-Remote-User"]
        assert json.loads(data["requestheader-uid-headers"]) == ["X-Remote-Uid"]
        assert json.loads(data["requestheader-group-headers"]) == ["X-Remote-Group"]
        assert json.loads(data["requestheader-extra-headers-prefix"]) == ["X-Remote-Extra-"]

    run(tmp_path, told)


def test_a_certificate_of_the_front_proxy_opens_nothing_on_the_api_server_itself(tmp_path):
    async def told(server, extension, session):
        keys = pki.Pki(server.api.config.pki_dir)
        tls = server.tls()
        tls.load_cert_chain(keys.front_proxy_client_certificate, keys.front_proxy_client_key)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as stranger:
            with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
                async with stranger.get(f"{server.url}/api/v1/namespaces", headers={"X-Remote-User": "admin"}) as answer:
                    answer.raise_for_status()

    run(tmp_path, told)
