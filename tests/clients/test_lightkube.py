"""lightkube with lightkube-models: https://lightkube.readthedocs.io."""

import asyncio

import pytest
from lightkube import ApiError, AsyncClient, Client, KubeConfig
from lightkube.core.exceptions import ConditionError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec, ServicePort, ServiceSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod, Service
from lightkube.types import CascadeType, PatchType
from tests.waiting import eventually


@pytest.fixture
def lightkube(kubeconfig: str, corral_namespace: str) -> Client:
    return Client(KubeConfig.from_file(kubeconfig), namespace=corral_namespace, field_manager="lightkube")


def _deployment() -> Deployment:
    labels = {"app": "web"}
    pod = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[Container(name="c", image="nginx:1")]))
    return Deployment(
        metadata=ObjectMeta(name="web"),
        spec=DeploymentSpec(replicas=1, selector=LabelSelector(matchLabels=labels), template=pod),
    )


def test_every_verb(lightkube: Client) -> None:
    made = lightkube.create(ConfigMap(metadata=ObjectMeta(name="a", labels={"of": "test"}), data={"k": "1"}))
    made.data = {"k": "2"}
    replaced = lightkube.replace(made)
    assert replaced.data == {"k": "2"}
    with pytest.raises(ApiError) as stale:
        lightkube.replace(made)
    assert stale.value.status.code == 409 and stale.value.status.reason == "Conflict"
    assert lightkube.patch(ConfigMap, "a", {"data": {"l": "3"}}, patch_type=PatchType.MERGE).data == {"k": "2", "l": "3"}
    operation = [{"op": "remove", "path": "/data/k"}]
    assert lightkube.patch(ConfigMap, "a", operation, patch_type=PatchType.JSON).data == {"l": "3"}
    assert [item.metadata.name for item in lightkube.list(ConfigMap, labels={"of": "test"}, chunk_size=1)] == ["a"]
    assert lightkube.get(ConfigMap, "a").data == {"l": "3"}
    lightkube.delete(ConfigMap, "a")
    with pytest.raises(ApiError) as missing:
        lightkube.get(ConfigMap, "a")
    assert missing.value.status.reason == "NotFound"


def test_server_side_apply_and_scale(lightkube: Client) -> None:
    applied = lightkube.apply(_deployment())
    assert applied.metadata.managedFields[0].manager == "lightkube"
    lightkube.replace(
        Deployment.Scale(metadata=ObjectMeta(name="web", namespace=lightkube.namespace), spec=ScaleSpec(2)), "web"
    )
    assert lightkube.get(Deployment.Scale, "web").spec.replicas == 2
    eventually(lambda: len(list(lightkube.list(Pod, labels={"app": "web"}))) == 2)
    with pytest.raises(ApiError) as conflict:
        lightkube.apply(_deployment(), field_manager="other")
    # Another manager that wants the same is no conflict, but the number of replicas is another by now.
    assert conflict.value.status.code == 409
    lightkube.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
    eventually(lambda: not list(lightkube.list(Pod, labels={"app": "web"})))


def test_waits_for_a_condition_and_gives_up(lightkube: Client) -> None:
    lightkube.create(_deployment())
    found = lightkube.wait(Deployment, "web", for_conditions=["Progressing"])
    assert found.status.conditions
    with pytest.raises(ConditionError):
        lightkube.wait(Deployment, "web", for_conditions=["Nothing"], raise_for_conditions=["Progressing"])


def test_services_are_given_addresses(lightkube: Client) -> None:
    ports = [ServicePort(port=53, protocol="UDP", name="udp"), ServicePort(port=53, protocol="TCP", name="tcp")]
    made = lightkube.create(Service(metadata=ObjectMeta(name="dns"), spec=ServiceSpec(type="NodePort", ports=ports)))
    assert made.spec.clusterIP and made.spec.clusterIPs == [made.spec.clusterIP]
    assert made.spec.ports[0].nodePort == made.spec.ports[1].nodePort


def test_watch(lightkube: Client) -> None:
    listed = lightkube.list(ConfigMap)
    list(listed)
    version = listed.resourceVersion
    lightkube.create(ConfigMap(metadata=ObjectMeta(name="w", labels={"of": "test"})))
    lightkube.delete(ConfigMap, "w")
    seen = []
    for kind, obj in lightkube.watch(ConfigMap, labels={"of": "test"}, resource_version=version, server_timeout=10):
        seen.append((kind, obj.metadata.name))
        if kind == "DELETED":
            break
    assert seen == [("ADDED", "w"), ("DELETED", "w")]


def test_generic_resources(lightkube: Client) -> None:
    group = f"{lightkube.namespace}.example.org"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    definition = CustomResourceDefinition.from_dict(
        {
            "metadata": {"name": f"boxes.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": "boxes", "kind": "Box"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
            },
        }
    )
    lightkube.create(definition)
    lightkube.wait(CustomResourceDefinition, f"boxes.{group}", for_conditions=["Established"])
    box = create_namespaced_resource(group, "v1", "Box", "boxes")
    made = lightkube.create(box({"metadata": {"name": "b"}, "spec": {"n": 1, "dropped": True}}))
    assert made["spec"] == {"n": 1}
    with pytest.raises(ApiError) as wrong:
        lightkube.create(box({"metadata": {"name": "c"}, "spec": {"n": "one"}}))
    assert wrong.value.status.code == 422
    lightkube.delete(CustomResourceDefinition, f"boxes.{group}")


def test_the_asynchronous_client(kubeconfig: str, corral_namespace: str) -> None:
    async def story() -> list[str]:
        client = AsyncClient(KubeConfig.from_file(kubeconfig), namespace=corral_namespace)
        try:
            await client.create(ConfigMap(metadata=ObjectMeta(name="a")))
            return [item.metadata.name async for item in client.list(Namespace)]
        finally:
            await client.close()

    assert corral_namespace in asyncio.run(story())
