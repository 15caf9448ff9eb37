"""The official Python client: https://github.com/kubernetes-client/python."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError
from kubernetes.stream import stream
from tests.waiting import eventually


@pytest.fixture
def api(kubeconfig: str) -> Iterator[client.ApiClient]:
    made = config.new_client_from_config(kubeconfig)
    yield made
    made.close()


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


def _config_map(name: str, **data: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"of": "test"}), data=data)


def _deployment(name: str, replicas: int = 2) -> client.V1Deployment:
    labels = {"app": name}
    container = client.V1Container(name="web", image="nginx:1", ports=[client.V1ContainerPort(container_port=80)])
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(replicas=replicas, selector=client.V1LabelSelector(match_labels=labels), template=template)
    return client.V1Deployment(metadata=client.V1ObjectMeta(name=name), spec=spec)


def test_every_verb(core: client.CoreV1Api, corral_namespace: str) -> None:
    ns = corral_namespace
    made = core.create_namespaced_config_map(ns, _config_map("a", k="1"))
    assert made.metadata.uid and made.metadata.creation_timestamp.tzinfo is not None
    assert core.read_namespaced_config_map("a", ns).data == {"k": "1"}
    made.data = {"k": "2"}
    replaced = core.replace_namespaced_config_map("a", ns, made)
    assert int(replaced.metadata.resource_version) > int(made.metadata.resource_version)
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_config_map("a", ns, made)
    assert stale.value.status == 409 and json.loads(stale.value.body)["reason"] == "Conflict"
    patched = core.patch_namespaced_config_map("a", ns, {"data": {"k": None, "l": "3"}})
    assert patched.data == {"l": "3"}
    patched = core.patch_namespaced_config_map("a", ns, [{"op": "add", "path": "/data/m", "value": "4"}])
    assert patched.data == {"l": "3", "m": "4"}
    assert [item.metadata.name for item in core.list_namespaced_config_map(ns, label_selector="of=test").items] == ["a"]
    assert core.list_namespaced_config_map(ns, field_selector="metadata.name=a").items[0].metadata.uid == made.metadata.uid
    gone = core.delete_namespaced_config_map("a", ns)
    assert gone["status"] == "Success"
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_config_map("a", ns)
    assert missing.value.status == 404
    for name in "bc":
        core.create_namespaced_config_map(ns, _config_map(name))
    core.delete_collection_namespaced_config_map(ns, label_selector="of=test")
    assert core.list_namespaced_config_map(ns, label_selector="of=test").items == []


def test_invalid_objects_are_told_with_their_causes(core: client.CoreV1Api, corral_namespace: str) -> None:
    pod = client.V1Pod(metadata=client.V1ObjectMeta(name="Bad"), spec=client.V1PodSpec(containers=[]))
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_pod(corral_namespace, pod)
    assert refused.value.status == 422
    causes = {cause["field"] for cause in json.loads(refused.value.body)["details"]["causes"]}
    assert causes == {"metadata.name", "spec.containers"}


def test_lists_in_chunks(core: client.CoreV1Api, corral_namespace: str) -> None:
    names = [f"c{i}" for i in range(7)]
    for name in names:
        core.create_namespaced_config_map(corral_namespace, _config_map(name))
    found: list[str] = []
    token = None
    while True:
        page = core.list_namespaced_config_map(corral_namespace, limit=3, _continue=token, label_selector="of=test")
        assert len(page.items) <= 3
        found += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert found == names


def test_watch(core: client.CoreV1Api, corral_namespace: str) -> None:
    start = core.list_namespaced_config_map(corral_namespace).metadata.resource_version
    core.create_namespaced_config_map(corral_namespace, _config_map("w", k="1"))
    core.patch_namespaced_config_map("w", corral_namespace, {"data": {"k": "2"}})
    core.delete_namespaced_config_map("w", corral_namespace)
    seen = []
    for event in watch.Watch().stream(
        core.list_namespaced_config_map,
        corral_namespace,
        resource_version=start,
        label_selector="of=test",
        timeout_seconds=10,
    ):
        assert isinstance(event["object"], client.V1ConfigMap)
        seen.append((event["type"], event["object"].data["k"]))
        if event["type"] == "DELETED":
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_a_watch_from_an_unknown_future_ends_by_its_timeout(core: client.CoreV1Api, corral_namespace: str) -> None:
    events = list(watch.Watch().stream(core.list_namespaced_config_map, corral_namespace, timeout_seconds=1))
    assert {event["type"] for event in events} <= {"ADDED"}


def test_deployments_scale_and_status(api: client.ApiClient, corral_namespace: str) -> None:
    apps = client.AppsV1Api(api)
    apps.create_namespaced_deployment(corral_namespace, _deployment("web"))
    assert apps.read_namespaced_deployment_scale("web", corral_namespace).spec.replicas == 2
    apps.patch_namespaced_deployment_scale("web", corral_namespace, {"spec": {"replicas": 3}})
    status = eventually(
        lambda: (now := apps.read_namespaced_deployment_status("web", corral_namespace).status).replicas == 3 and now
    )
    assert status.unavailable_replicas == 3
    conditions = {c.type: c.status for c in status.conditions}
    assert conditions["Available"] == "False"
    pods = client.CoreV1Api(api).list_namespaced_pod(corral_namespace, label_selector="app=web").items
    assert len(pods) == 3 and all(pod.metadata.owner_references[0].kind == "ReplicaSet" for pod in pods)
    apps.delete_namespaced_deployment("web", corral_namespace, propagation_policy="Foreground")
    eventually(lambda: not client.CoreV1Api(api).list_namespaced_pod(corral_namespace, label_selector="app=web").items)


def test_dry_run_and_server_side_apply(api: client.ApiClient, corral_namespace: str) -> None:
    dyn = dynamic.DynamicClient(api)
    maps = dyn.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"a": "1"}}
    maps.server_side_apply(body=body, namespace=corral_namespace, field_manager="one", dry_run="All")
    with pytest.raises(NotFoundError):
        maps.get(name="s", namespace=corral_namespace)
    made = maps.server_side_apply(body=body, namespace=corral_namespace, field_manager="one")
    assert made.metadata.managedFields[0].operation == "Apply"
    with pytest.raises(ConflictError):
        maps.server_side_apply(body={**body, "data": {"a": "2"}}, namespace=corral_namespace, field_manager="two")
    forced = maps.server_side_apply(
        body={**body, "data": {"a": "2"}}, namespace=corral_namespace, field_manager="two", force_conflicts=True
    )
    assert forced.data.a == "2"


def test_the_dynamic_client(api: client.ApiClient, corral_namespace: str) -> None:
    dyn = dynamic.DynamicClient(api)
    deployments = dyn.resources.get(api_version="apps/v1", kind="Deployment")
    assert deployments.namespaced and "scale" in deployments.subresources
    manifest = client.ApiClient().sanitize_for_serialization(_deployment("dyn", 0))
    manifest |= {"apiVersion": "apps/v1", "kind": "Deployment"}
    made = deployments.create(body=manifest, namespace=corral_namespace)
    assert made.spec.replicas == 0
    scaled = deployments.scale.patch(
        name="dyn",
        namespace=corral_namespace,
        body={"spec": {"replicas": 1}},
        content_type="application/merge-patch+json",
    )
    assert scaled.spec.replicas == 1
    seen = deployments.watch(namespace=corral_namespace, timeout=5)
    assert next(iter(seen))["object"].metadata.name == "dyn"
    assert deployments.get(namespace=corral_namespace, label_selector="none=here").items == []
    short = dyn.resources.search(short_names=["deploy"]) or [
        r for r in dyn.resources.search(kind="Deployment") if "deploy" in (r.short_names or [])
    ]
    assert short


def test_custom_objects(api: client.ApiClient, corral_namespace: str) -> None:
    group = f"{corral_namespace}.example.com"
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1, "default": 3}}},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gizmos.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
    extensions = client.ApiextensionsV1Api(api)
    extensions.create_custom_resource_definition(definition)

    def established() -> bool:
        conditions = extensions.read_custom_resource_definition(f"gizmos.{group}").status.conditions or []
        return any(c.type == "Established" and c.status == "True" for c in conditions)

    eventually(established)
    custom = client.CustomObjectsApi(api)
    where = (group, "v1", corral_namespace, "gizmos")
    body = {"apiVersion": f"{group}/v1", "kind": "Gizmo", "metadata": {"name": "g"}, "spec": {}}
    made = custom.create_namespaced_custom_object(*where, body)
    assert made["spec"] == {"size": 3}
    with pytest.raises(ApiException) as refused:
        custom.patch_namespaced_custom_object(*where, "g", {"spec": {"size": 0}})
    assert refused.value.status == 422
    custom.patch_namespaced_custom_object_status(*where, "g", {"status": {"ready": True}})
    assert custom.get_namespaced_custom_object(*where, "g")["status"] == {"ready": True}
    assert len(custom.list_cluster_custom_object(group, "v1", "gizmos")["items"]) == 1
    custom.delete_namespaced_custom_object(*where, "g")
    extensions.delete_custom_resource_definition(f"gizmos.{group}")


def test_create_from_yaml(api: client.ApiClient, corral_namespace: str, tmp_path: Path) -> None:
    documents = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}},
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}}],
        },
    ]
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    utils.create_from_yaml(api, str(file), namespace=corral_namespace)
    core = client.CoreV1Api(api)
    assert core.read_namespaced_secret("x", corral_namespace).data == {"a": "Yg=="}
    assert core.read_namespaced_service("s", corral_namespace).spec.cluster_ip
    with pytest.raises(utils.FailToCreateError, match="already exists"):
        utils.create_from_yaml(api, str(file), namespace=corral_namespace)


def test_config_from_a_dict_a_context_and_a_token(corral, core: client.CoreV1Api, corral_namespace: str) -> None:
    known = yaml.safe_load(corral.kubeconfig.read_text())
    contexts, active = config.list_kube_config_contexts(str(corral.kubeconfig))
    assert active["name"] == known["current-context"] and len(contexts) == 1
    from_dict = config.new_client_from_config_dict(known, context=active["name"])
    assert client.VersionApi(from_dict).get_code().major == "1"
    from_dict.close()
    account = client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="reader"))
    core.create_namespaced_service_account(corral_namespace, account)
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    token = core.create_namespaced_service_account_token("reader", corral_namespace, request).status.token
    settings = client.Configuration(host=corral.server)
    settings.ssl_ca_cert = str(corral.data_dir / "pki" / "ca.crt")
    settings.api_key = {"authorization": f"Bearer {token}"}
    with client.ApiClient(settings) as as_reader:
        review = client.AuthenticationV1Api(as_reader).create_self_subject_review(client.V1SelfSubjectReview())
        assert review.status.user_info.username == f"system:serviceaccount:{corral_namespace}:reader"
        with pytest.raises(ApiException) as refused:
            client.CoreV1Api(as_reader).list_namespaced_secret(corral_namespace)
        assert refused.value.status == 403


def test_exec_into_a_pod_that_has_no_node_is_refused_not_hung(core: client.CoreV1Api, corral_namespace: str) -> None:
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="p"), spec=client.V1PodSpec(containers=[client.V1Container(name="c", image="i")])
    )
    eventually(lambda: core.list_namespaced_service_account(corral_namespace).items)
    core.create_namespaced_pod(corral_namespace, pod)
    with pytest.raises(ApiException) as refused:
        stream(
            core.connect_get_namespaced_pod_exec, "p", corral_namespace, command=["true"], stdout=True, stderr=True, stdin=False
        )
    assert "does not have a host assigned" in str(refused.value)
    assert core.delete_namespaced_pod("p", corral_namespace).metadata.name == "p"


ELECT = """
import sys
from kubernetes import config
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
kubeconfig, namespace, identity = sys.argv[1:]
config.load_kube_config(kubeconfig)
lead = lambda: print("leads", flush=True)
lock = ConfigMapLock("leader", namespace, identity)
leaderelection.LeaderElection(electionconfig.Config(lock, 3, 2, 1, lead, None)).run()
"""


def test_leader_election(core: client.CoreV1Api, kubeconfig: str, corral_namespace: str) -> None:
    def holder() -> str:
        try:
            held = core.read_namespaced_config_map("leader", corral_namespace)
        except ApiException as error:
            assert error.status == 404
            return ""
        return json.loads(held.metadata.annotations["control-plane.alpha.kubernetes.io/leader"])["holderIdentity"]

    electors = {
        name: subprocess.Popen([sys.executable, "-c", ELECT, kubeconfig, corral_namespace, name], stdout=subprocess.PIPE)
        for name in ("one", "two")
    }
    try:
        first = eventually(holder)
        other = {"one": "two", "two": "one"}[first]
        electors[first].kill()
        eventually(lambda: holder() == other)
    finally:
        for elector in electors.values():
            elector.kill()
            elector.communicate(timeout=10)


def test_quantities_events_and_metrics_parse(core: client.CoreV1Api, api: client.ApiClient, corral_namespace: str) -> None:
    now = eventually(lambda: core.list_namespaced_service_account(corral_namespace).items)[0].metadata.creation_timestamp
    reference = client.V1ObjectReference(kind="Pod", name="p", namespace=corral_namespace, api_version="v1")
    event = client.CoreV1Event(
        metadata=client.V1ObjectMeta(generate_name="e-"),
        involved_object=reference,
        reason="Testing",
        message="a test",
        type="Normal",
        first_timestamp=now,
        last_timestamp=now,
        event_time=now.replace(microsecond=1),
        action="Test",
        reporting_component="test",
        reporting_instance="one",
    )
    name = core.create_namespaced_event(corral_namespace, event).metadata.name
    assert name.startswith("e-")
    other = client.EventsV1Api(api).read_namespaced_event(name, corral_namespace)
    assert other.note == "a test" and other.regarding.name == "p"
    quota = client.V1ResourceQuota(
        metadata=client.V1ObjectMeta(name="q"), spec=client.V1ResourceQuotaSpec(hard={"requests.cpu": "1500m", "pods": "4"})
    )
    core.create_namespaced_resource_quota(corral_namespace, quota)
    used = eventually(lambda: core.read_namespaced_resource_quota_status("q", corral_namespace).status.used)
    assert utils.parse_quantity(used["requests.cpu"]) == 0
