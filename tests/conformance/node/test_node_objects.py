"""Pods, ConfigMaps, Secrets, Leases, templates and nodes as objects; what runs is tested with real containers."""

from typing import Any

import pytest
from tests.conformance.objects import config_map, pod
from tests.conformance.operations import all_verbs, everywhere, in_discovery, replace, status_verbs
from tests.conformance.rest import JSON_PATCH, MERGE, STRATEGIC, Api
from tests.waiting import eventually


def test_config_maps(api: Api) -> None:
    """[sig-node] ConfigMap should run through a ConfigMap lifecycle [Conformance]"""
    all_verbs(api, "configmaps", config_map("c", {"valueName": "value"}), {"data": {"valueName": "value1"}})
    eventually(lambda: api.names(everywhere(api, "configmaps"), fieldSelector="metadata.name=kube-root-ca.crt"))


def test_a_config_map_is_updated(api: Api) -> None:
    """[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance] [Conformance]"""
    found = api.create("configmaps", config_map("c", {"data-1": "value-1"}))
    found["data"] = {"data-1": "value-2"}
    api.replace("configmaps/c", found)
    assert api.get("configmaps/c")["data"] == {"data-1": "value-2"}


@pytest.mark.parametrize(("path", "data"), [("configmaps", {"": "value-1"}), ("secrets", {"": "dmFsdWUtMQo="})])
def test_keys_are_not_empty(api: Api, path: str, data: dict[str, str]) -> None:
    """[sig-node] ConfigMap should fail to create ConfigMap with empty key [Conformance]
    [sig-node] Secrets should fail to create secret due to empty secret key [Conformance]
    """
    refused = api.refused("POST", path, {"metadata": {"name": "e"}, "data": data})
    assert refused.code == 422 and "a valid config key must consist of alphanumeric characters" in refused.message


def test_secrets(api: Api) -> None:
    """[sig-node] Secrets should patch a secret [Conformance]"""
    body = {"metadata": {"name": "s", "labels": {"testsecret-constant": "true"}}, "data": {"key": "dmFsdWU="}, "type": "Opaque"}
    api.create("secrets", body)
    assert api.names(
        everywhere(api, "secrets"),
        labelSelector="testsecret-constant=true",
        fieldSelector=f"metadata.namespace={api.namespace}",
    ) == ["s"]
    patch = {"metadata": {"labels": {"testsecret": "true"}}, "data": {"key": "dmFsdWUx"}}
    assert api.patch("secrets/s", patch, STRATEGIC)["data"] == {"key": "dmFsdWUx"}
    api.delete("secrets", labelSelector="testsecret=true")
    assert api.names("secrets", labelSelector="testsecret=true") == []


def test_leases(api: Api) -> None:
    """[sig-node] Lease lease API should be available [Conformance]"""
    path = "leases.coordination.k8s.io"
    spec = {
        "holderIdentity": "holder",
        "leaseDurationSeconds": 30,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:05.000000Z",
        "leaseTransitions": 0,
    }
    made = api.create(path, {"metadata": {"name": "lease"}, "spec": spec})
    assert made["spec"] == spec
    made["spec"] |= {"holderIdentity": "other", "leaseTransitions": 1}
    assert api.replace(f"{path}/lease", made)["spec"]["holderIdentity"] == "other"
    assert api.patch(f"{path}/lease", {"spec": {"leaseDurationSeconds": 40}}, STRATEGIC)["spec"]["leaseDurationSeconds"] == 40
    api.create(path, {"metadata": {"name": "lease2", "labels": {"d": "y"}}, "spec": {}})
    api.delete(path, labelSelector="d=y")
    assert api.names(path) == ["lease"]
    api.delete(f"{path}/lease")
    assert api.refused("GET", f"{path}/lease").code == 404


def _template(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "template": {
            "metadata": {"labels": {"pod": "template"}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]},
        },
    }


def test_pod_templates(api: Api) -> None:
    """[sig-node] PodTemplates should run the lifecycle of PodTemplates [Conformance]
    [sig-node] PodTemplates should replace a pod template [Conformance]
    [sig-node] PodTemplates should delete a collection of pod templates [Conformance]
    """
    all_verbs(api, "podtemplates", _template("t"))
    for name in "abc":
        api.create("podtemplates", {**_template(name), "metadata": {"name": name, "labels": {"podtemplate-set": "true"}}})
    api.delete("podtemplates", labelSelector="podtemplate-set=true")
    assert api.names("podtemplates") == []


def test_the_life_of_a_pod_and_its_status(api: Api) -> None:
    """[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]
    [sig-node] Pods should patch a pod status [Conformance]
    """
    api.until_pods_can_be_made()
    watch = api.watch("pods", labelSelector="test-pod-static=true")
    api.create("pods", pod("pod-test", labels={"test-pod-static": "true"}))
    assert watch.next()["type"] == "ADDED"
    patched = api.patch(
        "pods/pod-test",
        {"metadata": {"labels": {"test-pod": "patched"}}, "spec": {"terminationGracePeriodSeconds": None}},
        STRATEGIC,
    )
    assert patched["metadata"]["labels"]["test-pod"] == "patched"
    watch.until(lambda e: e["object"]["metadata"]["labels"].get("test-pod") == "patched")
    condition = {"type": "TestConditionType", "status": "True", "reason": "TestReason", "message": "TestMessage"}
    status = api.patch(
        "pods/pod-test/status",
        {"status": {"message": "Patched by e2e test", "reason": "E2E", "conditions": [condition]}},
        STRATEGIC,
    )
    assert status["status"]["message"] == "Patched by e2e test"
    found = api.get("pods/pod-test/status")
    found["status"]["conditions"] = [{**c, "message": "x"} for c in found["status"]["conditions"]]
    assert replace(api, "pods/pod-test/status", found)["status"]["conditions"][0]["message"] == "x"
    api.delete("pods", labelSelector="test-pod-static=true", gracePeriodSeconds=0)
    watch.until(lambda e: e["type"] == "DELETED")
    watch.close()


def test_collections_of_pods(api: Api) -> None:
    """[sig-node] Pods should delete a collection of pods [Conformance]"""
    api.until_pods_can_be_made()
    for i in range(3):
        api.create("pods", pod(f"p{i}", labels={"type": "Testing"}))
    api.delete("pods", labelSelector="type=Testing")
    eventually(lambda: not api.names("pods"))


@pytest.mark.parametrize(
    ("resources", "want"),
    [
        ({"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "100m", "memory": "100Mi"}}, "Guaranteed"),
        ({"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "200m", "memory": "200Mi"}}, "Burstable"),
        ({}, "BestEffort"),
    ],
)
def test_the_class_of_a_pod(api: Api, resources: dict[str, Any], want: str) -> None:
    """[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu [Conformance]"""
    api.until_pods_can_be_made()
    assert api.create("pods", pod("p", container={"resources": resources}))["status"]["qosClass"] == want


def test_generations_of_pods(api: Api) -> None:
    """[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34] [Conformance]
    [sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete [Conformance]
    """
    api.until_pods_can_be_made()
    body = pod("p")
    body["metadata"]["generation"] = 100
    assert api.create("pods", body)["metadata"]["generation"] == 1
    assert api.patch("pods/p", {"metadata": {"annotations": {"a": "b"}}})["metadata"]["generation"] == 1
    image = [{"op": "replace", "path": "/spec/containers/0/image", "value": "i:2"}]
    assert api.patch("pods/p", image, JSON_PATCH)["metadata"]["generation"] == 2
    assert api.patch("pods/p", {"spec": {"activeDeadlineSeconds": 3600}})["metadata"]["generation"] == 3
    toleration = {"key": "t", "operator": "Exists", "effect": "NoExecute"}
    found = api.get("pods/p")
    found["spec"]["tolerations"].append(toleration)
    assert replace(api, "pods/p", found)["metadata"]["generation"] == 4
    assert api.patch("pods/p/status", {"status": {"message": "m"}})["metadata"]["generation"] == 4
    api.create(
        "pods/p/binding",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "none"}},
    )
    assert api.get("pods/p")["metadata"]["generation"] == 4
    assert api.delete("pods/p", gracePeriodSeconds=30)["metadata"]["generation"] == 5


def test_a_deadline_can_be_shortened_only(api: Api) -> None:
    """[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance] [Conformance]"""
    api.until_pods_can_be_made()
    api.create("pods", pod("p", activeDeadlineSeconds=30))
    assert api.patch("pods/p", {"spec": {"activeDeadlineSeconds": 5}})["spec"]["activeDeadlineSeconds"] == 5
    assert api.refused("PATCH", "pods/p", {"spec": {"activeDeadlineSeconds": 50}}, type=MERGE).code == 422


def test_ephemeral_containers(api: Api) -> None:
    """[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod [Conformance]"""
    api.until_pods_can_be_made()
    api.create("pods", pod("p"))
    one = {"name": "debugger", "image": "busybox:1", "command": ["sh"], "stdin": True, "tty": True}
    patched = api.patch("pods/p/ephemeralcontainers", {"spec": {"ephemeralContainers": [one]}}, STRATEGIC)
    assert [c["name"] for c in patched["spec"]["ephemeralContainers"]] == ["debugger"]
    found = api.get("pods/p")
    found["spec"]["ephemeralContainers"].append({**one, "name": "debugger2"})
    updated = replace(api, "pods/p/ephemeralcontainers", found)
    assert [c["name"] for c in updated["spec"]["ephemeralContainers"]] == ["debugger", "debugger2"]


def test_runtime_classes(api: Api) -> None:
    """[sig-node] RuntimeClass should support RuntimeClasses API operations [Conformance]"""
    in_discovery(api, "node.k8s.io", "v1", "runtimeclasses")
    all_verbs(api, "/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": f"rc-{api.namespace}"}, "handler": "runc"})


def test_a_runtime_class_that_is_not_there(api: Api) -> None:
    """[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance] [Conformance]
    [sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance] [Conformance]
    """
    api.until_pods_can_be_made()
    name, path = f"gone-{api.namespace}", "/apis/node.k8s.io/v1/runtimeclasses"
    body = pod("p", runtimeClassName=name)
    assert api.refused("POST", "pods", body).code == 403
    api.create(path, {"metadata": {"name": name}, "handler": "runc"})
    eventually(lambda: api.raw("POST", "pods", body, dryRun="All")[0] == 201)
    api.delete(f"{path}/{name}")
    eventually(lambda: api.raw("POST", "pods", body, dryRun="All")[0] == 403)


def test_overhead_of_a_runtime_class(api: Api) -> None:
    """Overhead of a RuntimeClass is the pod's."""
    api.until_pods_can_be_made()
    name, path = f"oh-{api.namespace}", "/apis/node.k8s.io/v1/runtimeclasses"
    api.create(path, {"metadata": {"name": name}, "handler": "runc", "overhead": {"podFixed": {"cpu": "10m", "memory": "1Mi"}}})
    eventually(lambda: api.raw("POST", "pods", pod("p", runtimeClassName=name), dryRun="All")[0] == 201)
    assert api.create("pods", pod("p", runtimeClassName=name))["spec"]["overhead"] == {"cpu": "10m", "memory": "1Mi"}
    api.delete(f"{path}/{name}")


def test_sysctls_are_checked(api: Api) -> None:
    """[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [Conformance]"""
    names = ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")
    sysctls = [{"name": name, "value": "1"} for name in names]
    refused = api.refused("POST", "pods", pod("p", securityContext={"sysctls": sysctls}))
    assert refused.code == 422
    for fault in ('Invalid value: "foo-"', 'Invalid value: "bar.."'):
        assert fault in refused.message
    assert "safe-and-unsafe" not in refused.message and "kernel.shmmax" not in refused.message


def test_nodes(api: Api) -> None:
    """[sig-node] Node Lifecycle should run through the lifecycle of a node [Conformance]"""
    body = {"metadata": {"name": f"fake-{api.namespace}"}, "status": {"phase": "Running", "allocatable": {"cpu": "4"}}}
    path = f"/api/v1/nodes/fake-{api.namespace}"
    api.create("/api/v1/nodes", body)
    api.patch(path, {"metadata": {"labels": {"e2e": "patched"}}}, STRATEGIC)
    condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test"}
    status_verbs(api, path, {**condition, "type": "StatusPatched"})
    found = api.get(path)
    found["metadata"]["labels"]["e2e"] = "updated"
    assert replace(api, path, found)["metadata"]["labels"]["e2e"] == "updated"
    api.delete("/api/v1/nodes", labelSelector="e2e=updated")
    api.until_gone(path)


CLAIM = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "none"}}]}}


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        ("/apis/resource.k8s.io/v1/deviceclasses", {"selectors": [{"cel": {"expression": "true"}}]}),
        ("resourceclaims.resource.k8s.io", CLAIM),
        ("resourceclaimtemplates.resource.k8s.io", {"spec": CLAIM}),
        (
            "/apis/resource.k8s.io/v1/resourceslices",
            {
                "driver": "d.example.com",
                "nodeName": "n",
                "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
                "devices": [{"name": "d"}],
            },
        ),
    ],
)
def test_devices(api: Api, resource: str, spec: dict[str, Any]) -> None:
    """[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass [Conformance]
    [sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim [Conformance]
    [sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate [Conformance]
    [sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice [Conformance]
    """
    all_verbs(api, resource, {"metadata": {"name": f"d-{api.namespace}"}, "spec": spec})
