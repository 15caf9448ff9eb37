"""Quotas: https://kubernetes.io/docs/concepts/policy/resource-quotas/."""

from typing import Any

import pytest
from tests.conformance.objects import config_map, pod, service, workload
from tests.conformance.operations import everywhere, replace
from tests.conformance.rest import Api
from tests.waiting import eventually


def _quota(name: str, scopes: list[str] | None = None, **hard: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"hard": {k.replace("__", "/").replace("_", "."): v for k, v in hard.items()}}
    if scopes:
        spec["scopes"] = scopes
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name, "labels": {"of": "test"}}, "spec": spec}


def _used(api: Api, name: str, **want: str) -> None:
    """Wait until the quota says that so much is used."""
    wanted = {k.replace("__", "/").replace("_", "."): v for k, v in want.items()}
    api.until(f"resourcequotas/{name}", lambda q: wanted.items() <= q.get("status", {}).get("used", {}).items())


def _ready(api: Api) -> None:
    eventually(lambda: api.find("serviceaccounts/default") and api.find("configmaps/kube-root-ca.crt"))


def test_its_status_comes_promptly(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated. [Conformance]"""
    hard = {"pods": "5", "services": "10", "count/replicasets.apps": "5", "secrets": "10", "requests.cpu": "1"}
    api.create("resourcequotas", {**_quota("q"), "spec": {"hard": hard}})
    found = api.until("resourcequotas/q", lambda q: len(q.get("status", {}).get("used", {})) == len(hard))
    assert found["status"]["hard"] == hard and set(found["status"]["used"].values()) == {"0"}


@pytest.mark.parametrize(
    ("resource", "path", "body"),
    [
        pytest.param("configmaps", "configmaps", config_map("x"), id="configMap"),
        pytest.param("secrets", "secrets", {"metadata": {"name": "x"}}, id="secret"),
        pytest.param("services", "services", service("x"), id="service"),
        pytest.param("count/replicasets.apps", "replicasets.apps", workload("ReplicaSet", "x", replicas=0), id="replica set"),
        pytest.param(
            "replicationcontrollers",
            "replicationcontrollers",
            workload("ReplicationController", "x", replicas=0),
            id="replication controller",
        ),
    ],
)
def test_counts_of_objects(api: Api, resource: str, path: str, body: dict[str, Any]) -> None:
    """[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a configMap. [Conformance]
    [sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a secret. [Conformance]
    [sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a service. [Conformance]
    [sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replica set. [Conformance]
    [sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replication controller. [Conformance]
    """
    _ready(api)
    before = len(api.names(path))
    api.create("resourcequotas", {**_quota("q"), "spec": {"hard": {resource: str(before + 1), "resourcequotas": "1"}}})
    wait = lambda n: api.until("resourcequotas/q", lambda q: q.get("status", {}).get("used", {}).get(resource) == str(n))  # noqa: E731
    wait(before)
    api.create(path, body)
    wait(before + 1)
    refused = api.refused("POST", path, {**body, "metadata": {"name": "y"}})
    assert refused.code == 403 and f"exceeded quota: q, requested: {resource}=1" in refused.message
    api.delete(f"{path}/x")
    wait(before)


def test_load_balancers_and_node_ports_count(api: Api) -> None:
    """Services by their type."""
    api.create("resourcequotas", _quota("q", services="10", services_loadbalancers="1", services_nodeports="1"))
    _used(api, "q", services="0")
    api.create("services", service("np", type="NodePort"))
    api.create("services", service("lb", type="LoadBalancer", allocateLoadBalancerNodePorts=False))
    _used(api, "q", services="2", services_nodeports="1", services_loadbalancers="1")
    refused = api.refused("POST", "services", service("lb2", type="LoadBalancer", allocateLoadBalancerNodePorts=False))
    assert (
        "exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=1, limited: services.loadbalancers=1"
        in refused.message
    )
    api.delete("services/np")
    api.delete("services/lb")
    _used(api, "q", services="0", services_nodeports="0", services_loadbalancers="0")


def test_the_life_of_a_pod(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a pod. [Conformance]"""
    _ready(api)
    hard = {"pods": "5", "cpu": "1", "memory": "500Mi", "ephemeral-storage": "50Gi", "requests.example.com/dongle": "3"}
    api.create("resourcequotas", {**_quota("q"), "spec": {"hard": hard}})
    api.until("resourcequotas/q", lambda q: q.get("status", {}).get("used"))
    requests = {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", "example.com/dongle": "2"}
    resources = {"requests": requests, "limits": {"example.com/dongle": "2"}}
    made = api.create("pods", pod("one", container={"resources": resources}))
    used = {"pods": "1", "cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", "requests.example.com/dongle": "2"}
    api.until("resourcequotas/q", lambda q: q["status"]["used"] == used)
    too_much = {
        "requests": {**requests, "cpu": "600m", "memory": "100Mi", "example.com/dongle": "1"},
        "limits": {"example.com/dongle": "1"},
    }
    refused = api.refused("POST", "pods", pod("two", container={"resources": too_much}))
    assert refused.code == 403 and "exceeded quota" in refused.message
    dongles = {
        "requests": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Gi", "example.com/dongle": "2"},
        "limits": {"example.com/dongle": "2"},
    }
    assert (
        "requests.example.com/dongle=2" in api.refused("POST", "pods", pod("three", container={"resources": dongles})).message
    )
    made["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "100m"
    assert api.refused("PUT", "pods/one", made).code in (409, 422)
    api.delete("pods/one", gracePeriodSeconds=0)
    api.until("resourcequotas/q", lambda q: set(q["status"]["used"].values()) == {"0"})


def test_terminating_scopes(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes. [Conformance]"""
    _ready(api)
    hard = {"pods": "5", "requests_cpu": "1", "requests_memory": "500Mi", "limits_cpu": "2", "limits_memory": "1Gi"}
    api.create("resourcequotas", _quota("ends", ["Terminating"], **hard))
    api.create("resourcequotas", _quota("stays", ["NotTerminating"], **hard))
    zero = {"pods": "0", "requests_cpu": "0", "requests_memory": "0", "limits_cpu": "0", "limits_memory": "0"}
    full = {"pods": "1", "requests_cpu": "500m", "requests_memory": "200Mi", "limits_cpu": "1", "limits_memory": "400Mi"}
    for name in ("ends", "stays"):
        _used(api, name, **zero)
    container = {"resources": {"requests": {"cpu": "500m", "memory": "200Mi"}, "limits": {"cpu": "1", "memory": "400Mi"}}}
    for name, more, mine, other in (("p", {}, "stays", "ends"), ("q", {"activeDeadlineSeconds": 3600}, "ends", "stays")):
        api.create("pods", pod(name, container=container, **more))
        _used(api, mine, **full)
        _used(api, other, **zero)
        api.delete(f"pods/{name}", gracePeriodSeconds=0)
        _used(api, mine, **zero)


def test_best_effort_scopes(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope. [Conformance]"""
    _ready(api)
    api.create("resourcequotas", _quota("best", ["BestEffort"], pods="5"))
    api.create("resourcequotas", _quota("not-best", ["NotBestEffort"], pods="5"))
    for name in ("best", "not-best"):
        _used(api, name, pods="0")
    container = {"resources": {"requests": {"cpu": "500m"}}}
    for name, body, mine, other in (
        ("b", pod("b"), "best", "not-best"),
        ("n", pod("n", container=container), "not-best", "best"),
    ):
        api.create("pods", body)
        _used(api, mine, pods="1")
        _used(api, other, pods="0")
        api.delete(f"pods/{name}", gracePeriodSeconds=0)
        _used(api, mine, pods="0")


def test_update_and_delete(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota. [Conformance]"""
    api.create("resourcequotas", _quota("q", cpu="1", memory="500Mi"))
    found = api.get("resourcequotas/q")
    found["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}
    assert replace(api, "resourcequotas/q", found)["spec"]["hard"] == {"cpu": "2", "memory": "1Gi"}
    api.until("resourcequotas/q", lambda q: q.get("status", {}).get("hard") == {"cpu": "2", "memory": "1Gi"})
    api.delete("resourcequotas/q")
    assert api.refused("GET", "resourcequotas/q").code == 404


def test_the_life_of_a_quota(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota [Conformance]"""
    api.create("resourcequotas", {**_quota("q", cpu="1"), "metadata": {"name": "q", "labels": {"e2e": api.namespace}}})
    assert api.names(everywhere(api, "resourcequotas"), labelSelector=f"e2e={api.namespace}") == ["q"]
    patched = api.patch("resourcequotas/q", {"metadata": {"labels": {"q": "patched"}}, "spec": {"hard": {"memory": "750Mi"}}})
    assert patched["spec"]["hard"] == {"cpu": "1", "memory": "750Mi"}
    api.delete("resourcequotas", labelSelector="q=patched")
    assert api.names("resourcequotas") == []


def test_its_status_can_be_written(api: Api) -> None:
    """[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status [Conformance]"""
    api.create("resourcequotas", _quota("q", cpu="500m", memory="500Mi"))
    api.until("resourcequotas/q", lambda q: q.get("status", {}).get("hard"))
    found = api.get("resourcequotas/q")
    found["status"]["hard"] = {"cpu": "1", "memory": "1Gi"}
    updated = replace(api, "resourcequotas/q/status", found)
    assert updated["status"]["hard"] == {"cpu": "1", "memory": "1Gi"} and updated["spec"]["hard"]["cpu"] == "500m"
    # The controller says again what holds.
    api.until("resourcequotas/q", lambda q: q["status"]["hard"] == {"cpu": "500m", "memory": "500Mi"})
    api.patch("resourcequotas/q", {"spec": {"hard": {"cpu": "2", "memory": "2Gi"}}})
    api.until("resourcequotas/q", lambda q: q["status"]["hard"] == {"cpu": "2", "memory": "2Gi"})
    patched = api.patch("resourcequotas/q/status", {"status": {"hard": {"cpu": "3"}}, "spec": {"hard": {"cpu": "9"}}})
    assert patched["status"]["hard"]["cpu"] == "3" and patched["spec"]["hard"]["cpu"] == "2"
    api.until("resourcequotas/q", lambda q: q["status"]["hard"] == {"cpu": "2", "memory": "2Gi"})
    assert api.get("resourcequotas/q/status")["spec"]["hard"] == {"cpu": "2", "memory": "2Gi"}
