"""kr8s, synchronous and asynchronous: https://docs.kr8s.org."""

import asyncio

import kr8s
import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import ConfigMap as AsyncConfigMap
from kr8s.objects import ConfigMap, CustomResourceDefinition, Deployment, Pod, new_class
from tests.waiting import eventually


@pytest.fixture
def api(kubeconfig: str, corral_namespace: str):
    return kr8s.api(kubeconfig=kubeconfig, namespace=corral_namespace)


def _map(api, name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": api.namespace}, "data": data}


def _deployment(namespace: str, replicas: int = 1) -> dict:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}},
        },
    }


def test_the_life_of_an_object(api) -> None:
    made = ConfigMap(_map(api, "a", k="1"), api=api)
    made.create()
    assert made.exists()
    made.patch({"data": {"k": "2"}})
    made.label(tier="front")
    made.annotate(note="x")
    made.refresh()
    assert made.data.k == "2" and made.labels["tier"] == "front" and made.annotations["note"] == "x"
    assert [found.name for found in api.get("configmaps", label_selector={"tier": "front"})] == ["a"]
    assert ConfigMap.get("a", namespace=api.namespace, api=api).metadata.uid == made.metadata.uid
    made.delete()
    made.wait("delete", timeout=10)
    assert not made.exists()


def test_scale_wait_and_selectors(api) -> None:
    web = Deployment(_deployment(api.namespace), api=api)
    web.create()
    web.scale(2)
    pods = eventually(lambda: (found := list(web.pods())) and len(found) == 2 and found)
    assert all(isinstance(pod, Pod) for pod in pods)
    assert pods[0].metadata.ownerReferences[0].kind == "ReplicaSet"
    assert not web.ready()
    web.delete(propagation_policy="Foreground")
    web.wait("delete", timeout=20)


def test_discovery(api) -> None:
    kinds = {resource["kind"] for resource in api.api_resources()}
    assert {"Pod", "Deployment", "CustomResourceDefinition", "Lease"} <= kinds
    assert api.version()["minor"] == "36"
    assert "apps/v1" in list(api.api_versions())
    assert api.whoami() == "admin" or "admin" in api.whoami()


def test_custom_resources(api) -> None:
    group = f"{api.namespace}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = CustomResourceDefinition(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"tools.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": "tools", "singular": "tool", "kind": "Tool", "shortNames": ["tl"]},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            },
        },
        api=api,
    )
    definition.create()
    definition.wait("condition=Established", timeout=10)
    tool_class = new_class("Tool", f"{group}/v1", namespaced=True, plural="tools")
    tool = tool_class({"metadata": {"name": "t", "namespace": api.namespace}, "spec": {"deep": {"er": 1}}}, api=api)
    tool.create()
    assert next(iter(api.get(f"tools.{group}"))).spec.deep.er == 1
    definition.delete()


def test_asynchronous_watch_and_get(kubeconfig: str, corral_namespace: str) -> None:
    async def story() -> list[tuple[str, str]]:
        api = await kr8s.asyncio.api(kubeconfig=kubeconfig, namespace=corral_namespace)
        seen: list[tuple[str, str]] = []
        started = asyncio.Event()

        async def follow() -> None:
            async for kind, obj in api.watch("configmaps", namespace=corral_namespace, label_selector="of=test"):
                seen.append((kind, obj.name))
                started.set()
                if kind == "DELETED":
                    return

        following = asyncio.create_task(follow())
        body = _map(api, "x", k="1")
        body["metadata"]["labels"] = {"of": "test"}
        made = await AsyncConfigMap(body, api=api)
        await made.create()
        await asyncio.wait_for(started.wait(), 10)
        await made.patch({"data": {"k": "2"}})
        await made.delete()
        await asyncio.wait_for(following, 10)
        return seen

    assert asyncio.run(story()) == [("ADDED", "x"), ("MODIFIED", "x"), ("DELETED", "x")]


def test_a_missing_object_is_told_so(api) -> None:
    with pytest.raises(kr8s.NotFoundError):
        ConfigMap.get("none", namespace=api.namespace, api=api)
