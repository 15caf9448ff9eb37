"""Extension servers in discovery and OpenAPI: as one API, in the order of priorities; and kubectl uses it."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml
from tests.server.aggregation.extension import ADDED, GROUP, ROOT, Extension, available, register, running_extension
from tests.server.conftest import until

from corral.server import discovery, pki
from corral.testing.server import RunningServer, running_server

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def run(tmp_path: Path, what: Callable[[RunningServer, Extension], Awaitable[None]], **spec: object) -> None:
    async def story() -> None:
        async with asyncio.timeout(60), running_server(tmp_path) as server, running_extension(server, tmp_path) as extension:
            await register(server, extension, **spec)
            await what(server, extension)

    asyncio.run(story())


async def get(server: RunningServer, path: str, accept: str = "application/json") -> dict:
    from corral.server.request import LOOPBACK, Request

    answer = await server.api.perform(Request("GET", path, {}, {"Accept": accept}, user=LOOPBACK))
    return json.loads(answer.body)


def test_groups_are_in_the_order_of_their_priorities(tmp_path):
    async def told(server, extension):
        names = [group["name"] for group in (await get(server, "/apis"))["groups"]]
        assert names == [*(group["name"] for group in discovery.group_list(server.api.core.catalog)["groups"]), GROUP]
        assert names == [item["metadata"]["name"] for item in (await get(server, "/apis", V2))["items"]]
        patch = {"spec": {"groupPriorityMinimum": 17750}}
        await server.client().patch("apiservices.apiregistration.k8s.io", f"v1alpha1.{GROUP}", patch)
        names = [group["name"] for group in (await get(server, "/apis"))["groups"]]
        assert names.index("apps") + 2 == names.index(GROUP) == names.index("events.k8s.io") + 1

    run(tmp_path, told)


def test_the_versions_of_a_group_are_in_the_order_of_their_priorities(tmp_path):
    async def told(server, extension):
        found = await get(server, f"/apis/{GROUP}")
        assert found["preferredVersion"]["version"] == "v1alpha1"
        about = {"kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1", "metadata": {"name": f"v1.{GROUP}"}}
        service = {"name": "wardle", "namespace": "apps", "port": extension.port}
        spec = {"group": GROUP, "version": "v1", "groupPriorityMinimum": 2000, "versionPriority": 300, "service": service}
        await server.client().create("apiservices.apiregistration.k8s.io", {**about, "spec": spec})
        found = await get(server, f"/apis/{GROUP}")
        assert [one["version"] for one in found["versions"]] == ["v1", "v1alpha1"]

    run(tmp_path, told)


def test_what_is_out_of_reach_is_shown_as_it_was_and_stale(tmp_path):
    async def told(server, extension):
        def shown(found):
            return next(item for item in found["items"] if item["metadata"]["name"] == GROUP)["versions"][0]

        fresh = shown(await get(server, "/apis", V2))
        assert fresh["freshness"] == "Current"
        assert fresh["resources"] == [
            {
                "resource": "flunders",
                "responseKind": {"group": GROUP, "version": "v1alpha1", "kind": "Flunder"},
                "scope": "Namespaced",
                "singularResource": "flunder",
                "verbs": ["create", "delete", "deletecollection", "get", "list", "watch"],
                "shortNames": ["fl"],
                "subresources": [
                    {
                        "subresource": "status",
                        "responseKind": {"group": GROUP, "version": "v1alpha1", "kind": "Flunder"},
                        "verbs": ["get"],
                    }
                ],
            }
        ]
        await server.client().delete("services", "wardle", "apps")
        await until(lambda: available(server)["status"] == "False")
        stale = shown(await get(server, "/apis", V2))
        assert stale == {**fresh, "freshness": "Stale"}

    run(tmp_path, told)


def test_openapi_holds_its_types(tmp_path):
    async def told(server, extension):
        index = (await get(server, "/openapi/v3"))["paths"]
        assert index[ROOT[1:]]["serverRelativeURL"].startswith(f"/openapi/v3{ROOT}?hash=")
        third = await get(server, f"/openapi/v3{ROOT}")
        assert ADDED in third["components"]["schemas"]
        second = await get(server, "/openapi/v2")
        assert ADDED in second["definitions"]
        assert "other" not in second["definitions"]
        assert f"{ROOT}/namespaces/{{namespace}}/flunders" in second["paths"]
        assert "io.k8s.api.core.v1.Pod" in second["definitions"]

    run(tmp_path, told)


def test_a_namespace_ends_with_what_extension_servers_hold_in_it_and_not_before_they_say_so(tmp_path):
    from corral.testing.control import running_control

    async def told(server, extension):
        client = server.client()
        async with running_control(server) as control:
            await client.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}})
            extension.flunders["n", "f"] = {"metadata": {"name": "f", "namespace": "n"}}
            extension.healthy = False
            await client.patch("services", "wardle", {"metadata": {"labels": {"look": "again"}}}, "apps")
            await until(lambda: available(server)["status"] == "False")
            await client.delete("namespaces", "n")

            def condition(type):
                namespace = control.informers.get("namespaces").get("", "n") or {}
                found = (namespace.get("status") or {}).get("conditions") or ()
                return next((one for one in found if one["type"] == type), {})

            await control.until(lambda: condition("NamespaceDeletionDiscoveryFailure").get("status") == "True")
            assert condition("NamespaceDeletionDiscoveryFailure")["message"] == (
                "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
                f"{GROUP}/v1alpha1: stale GroupVersion discovery: {GROUP}/v1alpha1"
            )
            assert ("n", "f") in extension.flunders
            extension.healthy = True
            await control.until(lambda: control.informers.get("namespaces").get("", "n") is None)
            assert not extension.flunders

    run(tmp_path, told)


def test_kubectl_uses_it_like_any_other_resource(tmp_path):
    async def told(server, extension):
        keys = pki.Pki(server.api.config.pki_dir)
        files = keys.ca_certificate, keys.admin_certificate, keys.admin_key
        config = pki.kubeconfig(server.url, *(file.read_bytes() for file in files), "test")
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))

        async def kubectl(*words: str, body: str = "") -> str:
            command = ["kubectl", "--kubeconfig", str(tmp_path / "kubeconfig"), "--cache-dir", str(tmp_path / "cache"), *words]
            made = await asyncio.to_thread(subprocess.run, command, input=body, text=True, capture_output=True, timeout=20)
            assert made.returncode == 0, made.stderr
            return made.stdout

        flunder = {"kind": "Flunder", "apiVersion": f"{GROUP}/v1alpha1", "metadata": {"name": "f"}, "spec": {"reference": "x"}}
        await kubectl("create", "-n", "apps", "--validate=false", "-f", "-", body=json.dumps(flunder))
        assert "flunder.wardle.example.com/f" in await kubectl("get", "fl", "-n", "apps", "-o", "name")
        assert "f " in await kubectl("get", "flunders", "-A")
        assert "flunders" in await kubectl("api-resources", "--api-group", GROUP)
        assert f"{GROUP}/v1alpha1" in await kubectl("api-versions")
        assert json.loads(await kubectl("get", "--raw", ROOT))["groupVersion"] == f"{GROUP}/v1alpha1"
        assert "What it is about." in await kubectl("explain", "flunders.spec.reference")
        assert "True" in await kubectl("get", "apiservices", f"v1alpha1.{GROUP}")
        await kubectl("delete", "flunder", "f", "-n", "apps", "--wait=false")
        assert not extension.flunders

    run(tmp_path, told)
