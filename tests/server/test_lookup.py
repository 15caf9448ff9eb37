"""The watch cache as authorization sees it."""

import asyncio
from pathlib import Path

from corral.api.objects import Object
from corral.testing.server import RunningServer, running_server


def pod(name: str, node: str = "") -> Object:
    spec = {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False}
    meta = {"name": name, "namespace": "default"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": {**spec, **({"nodeName": node} if node else {})}}


def names(server: RunningServer, node: str) -> list[str]:
    return sorted(found["metadata"]["name"] for found in server.api.lookup.pods_of_node(node))


def test_the_pods_of_a_node_follow_bindings_and_deletions(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_server(tmp_path) as server:
            client = server.client()
            account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default", "namespace": "default"}}
            await client.create("serviceaccounts", account)
            await client.create("pods", pod("early", "n1"))
            assert names(server, "n1") == ["early"]
            await client.create("pods", pod("late"))
            target = {"kind": "Node", "apiVersion": "v1", "name": "n1"}
            binding = {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "late", "namespace": "default"}}
            await client.create("pods", {**binding, "target": target}, "default", name="late", subresource="binding")
            assert names(server, "n1") == ["early", "late"]
            await client.delete("pods", "early", "default", grace_period_s=0)
            assert names(server, "n1") == ["late"]
            assert names(server, "n2") == []

    asyncio.run(story())


def test_versions_grow_with_changes_of_their_resource_only(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_server(tmp_path) as server:
            lookup = server.api.lookup
            before = lookup.version("configmaps"), lookup.version("secrets")
            meta = {"name": "c", "namespace": "default"}
            await server.client().create("configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta})
            assert lookup.version("configmaps") > before[0]
            assert lookup.version("secrets") == before[1]
            found = lookup.get("configmaps", "default", "c")
            assert found is not None
            assert found in list(lookup.list("configmaps", "default"))

    asyncio.run(story())
