"""Scale, status, lists and collections of workloads, and what controllers make of them without a node."""

from typing import Any

import pytest
from tests.conformance.objects import pod, template, workload
from tests.conformance.operations import all_verbs, everywhere, in_discovery, replace, status_verbs
from tests.conformance.rest import STRATEGIC, Api, RefusedError
from tests.waiting import eventually

KINDS = {
    "deployments.apps": "Deployment",
    "replicasets.apps": "ReplicaSet",
    "statefulsets.apps": "StatefulSet",
    "replicationcontrollers": "ReplicationController",
}


@pytest.mark.parametrize("resource", KINDS)
def test_scale(api: Api, resource: str) -> None:
    """[sig-apps] Deployment Deployment should have a working scale subresource [Conformance]
    [sig-apps] ReplicaSet Replicaset should have a working scale subresource [Conformance]
    [sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale subresource [Conformance]
    [sig-apps] ReplicationController should get and update a ReplicationController scale [Conformance]
    """
    api.create(resource, workload(KINDS[resource], "w", replicas=1))
    scale = api.get(f"{resource}/w/scale")
    assert scale["kind"] == "Scale" and scale["apiVersion"] == "autoscaling/v1" and scale["spec"]["replicas"] == 1
    assert scale["status"]["selector"] == "app=w"
    scale["spec"]["replicas"] = 2
    assert replace(api, f"{resource}/w/scale", scale)["spec"]["replicas"] == 2
    assert api.get(f"{resource}/w")["spec"]["replicas"] == 2
    assert api.patch(f"{resource}/w/scale", {"spec": {"replicas": 4}})["spec"]["replicas"] == 4
    assert api.get(f"{resource}/w")["spec"]["replicas"] == 4


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps"])
def test_status(api: Api, resource: str) -> None:
    """[sig-apps] Deployment should validate Deployment Status endpoints [Conformance]
    [sig-apps] ReplicaSet should validate Replicaset Status endpoints [Conformance]
    [sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset Status endpoints [Conformance]
    [sig-apps] Daemon set [Serial] should verify changes to a daemon set status [Conformance]
    """
    kind = KINDS.get(resource, "DaemonSet")
    api.create(resource, workload(kind, "w", replicas=None if kind == "DaemonSet" else 0))
    api.until(f"{resource}/w", lambda found: found["status"].get("observedGeneration") == 1)
    status_verbs(api, f"{resource}/w")


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps"])
def test_collections(api: Api, resource: str) -> None:
    """[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets [Conformance]
    [sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete a collection of StatefulSets [Conformance]
    [sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets [Conformance]
    """
    kind = KINDS.get(resource, "DaemonSet")
    replicas = None if kind == "DaemonSet" else 0
    for name in ("one", "two"):
        api.create(resource, workload(kind, name, replicas=replicas, labels={"all": api.namespace}))
    api.create(resource, workload(kind, "other", replicas=replicas))
    assert api.names(everywhere(api, resource), labelSelector=f"all={api.namespace}") == ["one", "two"]
    patch = {
        "spec": {"template": {"spec": {"terminationGracePeriodSeconds": 2, "containers": [{"name": "c", "image": "i:2"}]}}}
    }
    patched = api.patch(f"{resource}/one", patch, STRATEGIC)
    assert patched["spec"]["template"]["spec"]["containers"][0]["image"] == "i:2" and patched["metadata"]["generation"] == 2
    api.delete(resource, labelSelector=f"all={api.namespace}")
    eventually(lambda: api.names(resource) == ["other"])


def test_the_life_of_a_deployment(api: Api) -> None:
    """[sig-apps] Deployment should run the lifecycle of a Deployment [Conformance]"""
    watch = api.watch("deployments.apps")
    labels = {"test-deployment-static": "true"}
    made = api.create("deployments.apps", workload("Deployment", "test-deployment", replicas=0, labels=labels))
    assert watch.next()["type"] == "ADDED"
    api.patch(
        "deployments.apps/test-deployment",
        {"metadata": {"labels": {"test-deployment": "patched"}}, "spec": {"replicas": 2}},
        STRATEGIC,
    )
    watch.until(lambda e: e["type"] == "MODIFIED" and e["object"]["metadata"]["labels"].get("test-deployment") == "patched")
    api.until("deployments.apps/test-deployment", lambda d: d["status"].get("replicas") == 2)
    status: dict[str, Any] = {"status": {"readyReplicas": 2, "conditions": [{"type": "Seen", "status": "True"}]}}
    # Labels are not the status endpoint's to change.
    status["metadata"] = {"labels": {"test-deployment": "patched-status"}}
    patched = api.patch("deployments.apps/test-deployment/status", status, STRATEGIC)
    assert "Seen" in [c["type"] for c in patched["status"]["conditions"]]
    assert patched["metadata"]["labels"]["test-deployment"] == "patched"
    found = api.get("deployments.apps/test-deployment")
    found["spec"]["template"]["spec"]["containers"][0]["image"] = "i:2"
    replaced = replace(api, "deployments.apps/test-deployment", found)
    assert replaced["metadata"]["generation"] == made["metadata"]["generation"] + 2
    assert api.names("deployments.apps", labelSelector="test-deployment-static=true") == ["test-deployment"]
    api.delete("deployments.apps", labelSelector="test-deployment-static=true")
    assert watch.until(lambda e: e["type"] == "DELETED")["object"]["metadata"]["name"] == "test-deployment"
    watch.close()


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController"])
def test_pods_are_adopted_and_released(api: Api, kind: str) -> None:
    """[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods [Conformance]
    [sig-apps] ReplicationController should adopt matching pods on creation [Conformance]
    [sig-apps] ReplicationController should release no longer matching pods [Conformance]
    """
    api.until_pods_can_be_made()
    resource = "replicasets.apps" if kind == "ReplicaSet" else "replicationcontrollers"
    api.create("pods", pod("orphan", labels={"name": "adopt"}))
    made = api.create(resource, workload(kind, "owner", replicas=1, labels={"name": "adopt"}))
    adopted = api.until("pods/orphan", lambda p: p["metadata"].get("ownerReferences"))
    assert adopted["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    assert api.names("pods") == ["orphan"]
    api.patch("pods/orphan", {"metadata": {"labels": {"name": "released"}}})
    api.until("pods/orphan", lambda p: not p["metadata"].get("ownerReferences"))
    eventually(lambda: len(api.names("pods", labelSelector="name=adopt")) == 1)


def test_replica_sets_are_replaced_and_patched(api: Api) -> None:
    """[sig-apps] ReplicaSet Replace and Patch tests [Conformance]"""
    api.create("replicasets.apps", workload("ReplicaSet", "rs", replicas=1))
    found = api.until("replicasets.apps/rs", lambda r: r["status"].get("replicas") == 1)
    found["spec"]["replicas"] = 2
    replace(api, "replicasets.apps/rs", found)
    api.until("replicasets.apps/rs", lambda r: r["status"].get("replicas") == 2)
    patched = api.patch("replicasets.apps/rs", {"metadata": {"labels": {"rs": "patched"}}, "spec": {"replicas": 3}}, STRATEGIC)
    assert patched["metadata"]["labels"]["rs"] == "patched"
    api.until("replicasets.apps/rs", lambda r: r["status"].get("replicas") == 3)


def test_the_life_of_a_replication_controller(api: Api) -> None:
    """[sig-apps] ReplicationController should test the lifecycle of a ReplicationController [Conformance]"""
    all_verbs(api, "replicationcontrollers", workload("ReplicationController", "rc", replicas=0), gone_at_once=False)
    api.create("replicationcontrollers", workload("ReplicationController", "rc2", replicas=1))
    api.until("replicationcontrollers/rc2", lambda r: r["status"].get("replicas") == 1)
    patched = api.patch("replicationcontrollers/rc2/status", {"status": {"readyReplicas": 0, "availableReplicas": 0}})
    assert patched["status"]["replicas"] == 1
    assert api.get("replicationcontrollers/rc2/status")["metadata"]["name"] == "rc2"


def test_a_full_quota_is_told_by_the_controller(api: Api) -> None:
    """[sig-apps] ReplicationController should surface a failure condition on a common issue like exceeded quota [Conformance]"""
    api.until_pods_can_be_made()
    api.create("resourcequotas", {"metadata": {"name": "two"}, "spec": {"hard": {"pods": "2"}}})
    api.until("resourcequotas/two", lambda q: q.get("status", {}).get("used"))
    api.create("replicationcontrollers", workload("ReplicationController", "condition", replicas=3))

    def failing(found: dict[str, Any]) -> bool:
        return any(c["type"] == "ReplicaFailure" and c["status"] == "True" for c in found["status"].get("conditions", []))

    api.until("replicationcontrollers/condition", failing)
    api.patch("replicationcontrollers/condition", {"spec": {"replicas": 2}})
    api.until("replicationcontrollers/condition", lambda found: not failing(found))


def test_controller_revisions(api: Api) -> None:
    """[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]"""
    api.create("daemonsets.apps", workload("DaemonSet", "ds", replicas=None))
    eventually(lambda: api.names("controllerrevisions.apps", labelSelector="app=ds"))
    (found,) = api.get(everywhere(api, "controllerrevisions.apps"), labelSelector="app=ds")["items"]
    path = f"controllerrevisions.apps/{found['metadata']['name']}"
    assert found["revision"] == 1 and found["metadata"]["ownerReferences"][0]["name"] == "ds"
    patched = api.patch(path, {"metadata": {"labels": {"patched": "yes"}}})
    assert patched["metadata"]["labels"]["patched"] == "yes"
    second = {
        **found,
        "metadata": {
            "name": "second",
            "labels": found["metadata"]["labels"],
            "ownerReferences": found["metadata"]["ownerReferences"],
        },
        "revision": found["revision"] + 1,
    }
    api.create("controllerrevisions.apps", {"apiVersion": "apps/v1", "kind": "ControllerRevision", **second})
    api.delete(path)
    api.until_gone(path)
    api.patch("controllerrevisions.apps/second", {"metadata": {"labels": {"collection": "yes"}}})
    api.delete("controllerrevisions.apps", labelSelector="collection=yes")
    api.until_gone("controllerrevisions.apps/second")


def test_cron_jobs(api: Api) -> None:
    """[sig-apps] CronJob should support CronJob API operations [Conformance]"""
    in_discovery(api, "batch", "v1", "cronjobs", "cronjobs/status")
    job = {"spec": {"template": {"spec": {"restartPolicy": "OnFailure", "containers": [{"name": "c", "image": "i"}]}}}}
    body = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "cj"},
        "spec": {"schedule": "0 0 1 1 *", "concurrencyPolicy": "Allow", "jobTemplate": job, "suspend": True},
    }
    all_verbs(api, "cronjobs.batch", body, {"spec": {"schedule": "0 0 2 1 *"}})
    api.create("cronjobs.batch", body)
    patched = api.patch("cronjobs.batch/cj/status", {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}})
    assert patched["status"]["lastScheduleTime"] == "2026-01-01T00:00:00Z"
    found = api.get("cronjobs.batch/cj/status")
    found["status"]["lastScheduleTime"] = "2026-01-02T00:00:00Z"
    assert replace(api, "cronjobs.batch/cj/status", found)["status"]["lastScheduleTime"] == "2026-01-02T00:00:00Z"


def _job(name: str, **spec: Any) -> dict[str, Any]:
    pods = template({"job": name})
    pods["spec"]["restartPolicy"] = spec.pop("restartPolicy", "Never")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": pods, **spec}}


def test_a_suspended_cron_job_makes_no_jobs(api: Api) -> None:
    """[sig-apps] CronJob should not schedule jobs when suspended [Slow] [Conformance]"""
    body = {
        "metadata": {"name": "s"},
        "spec": {"schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": _job("x")["spec"]}},
    }
    api.create("cronjobs.batch", body)
    # Time enough for a controller that has been told of it to make one that is due; a due minute is tested where time is virtual.
    api.create("configmaps", {"metadata": {"name": "after"}})
    eventually(lambda: api.find("cronjobs.batch/s"))
    assert api.names("jobs.batch") == [] and api.get("cronjobs.batch/s")["status"] == {}


def test_job_status(api: Api) -> None:
    """[sig-apps] Job should apply changes to a job status [Conformance]"""
    api.create("jobs.batch", _job("j", parallelism=2, completions=4, backoffLimit=6))
    found = api.until("jobs.batch/j", lambda j: j["status"].get("active") == 2)
    started = found["status"]["startTime"]
    condition = {"type": "CustomConditionType", "status": "True", "reason": "E2E", "message": "Set from e2e test"}
    patched = api.patch("jobs.batch/j/status", {"status": {"conditions": [condition]}})
    assert "CustomConditionType" in [c["type"] for c in patched["status"]["conditions"]]
    assert api.get("jobs.batch/j/status")["status"]["startTime"] == started
    current = api.get("jobs.batch/j/status")
    current["metadata"].setdefault("annotations", {})["updated"] = "yes"
    assert replace(api, "jobs.batch/j/status", current)["metadata"]["annotations"]["updated"] == "yes"


def test_the_life_of_a_job(api: Api) -> None:
    """[sig-apps] Job should manage the lifecycle of a job [Conformance]"""
    api.create(
        "jobs.batch",
        {**_job("j", suspend=True, parallelism=2, completions=4), "metadata": {"name": "j", "labels": {"e2e": "lifecycle"}}},
    )
    api.until("jobs.batch/j", lambda j: any(c["type"] == "Suspended" for c in j["status"].get("conditions", [])))
    assert api.names(everywhere(api, "jobs.batch"), labelSelector="e2e=lifecycle") == ["j"]
    patched = api.patch("jobs.batch/j", {"metadata": {"labels": {"j": "patched"}}, "spec": {"suspend": False}})
    assert patched["spec"]["suspend"] is False
    api.until("jobs.batch/j", lambda j: j["status"].get("active") == 2)
    api.delete("jobs.batch", {"propagationPolicy": "Background"}, labelSelector="j=patched")
    eventually(lambda: not api.names("jobs.batch") and not api.names("pods"))


def test_deleting_a_job_deletes_its_pods(api: Api) -> None:
    """[sig-apps] Job should delete a job [Conformance]"""
    api.create("jobs.batch", _job("foo", parallelism=2, completions=10, backoffLimit=6))
    api.until("jobs.batch/foo", lambda j: j["status"].get("active") == 2)
    api.delete("jobs.batch/foo", {"propagationPolicy": "Foreground"})
    api.until_gone("jobs.batch/foo")
    eventually(lambda: not api.names("pods"))


def test_a_job_adopts_and_releases(api: Api) -> None:
    """[sig-apps] Job should adopt matching orphans and release non-matching pods [Conformance]"""
    made = api.create("jobs.batch", _job("adopt", parallelism=2, completions=4))
    pods = eventually(lambda: len(found := api.get("pods")["items"]) == 2 and found)
    one = f"pods/{pods[0]['metadata']['name']}"
    api.patch(one, {"metadata": {"ownerReferences": None}})
    adopted = api.until(one, lambda p: p["metadata"].get("ownerReferences"))
    assert adopted["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    labels = dict.fromkeys(adopted["metadata"]["labels"])
    api.patch(one, {"metadata": {"labels": labels}})
    api.until(one, lambda p: not p["metadata"].get("ownerReferences"))


POLICY = "poddisruptionbudgets.policy"


def _budget(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, **spec},
    }


def test_disruption_budgets(api: Api) -> None:
    """[sig-apps] DisruptionController should create a PodDisruptionBudget [Conformance]"""
    all_verbs(api, POLICY, _budget("b", minAvailable="1%"), {"spec": {"minAvailable": "2%"}})
    api.create(POLICY, _budget("c", minAvailable=1))
    api.until(f"{POLICY}/c", lambda b: b["status"].get("observedGeneration") == 1)
    found = api.get(f"{POLICY}/c")
    found["spec"]["minAvailable"] = "3%"
    assert replace(api, f"{POLICY}/c", found)["spec"]["minAvailable"] == "3%"


def test_disruption_budgets_of_all_namespaces(api: Api) -> None:
    """[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets [Conformance]"""
    for name in "abc":
        api.create(POLICY, {**_budget(name, minAvailable=1), "metadata": {"name": name, "labels": {"all": api.namespace}}})
    assert api.names(everywhere(api, POLICY), labelSelector=f"all={api.namespace}") == ["a", "b", "c"]
    api.delete(POLICY, labelSelector=f"all={api.namespace}")
    assert api.names(POLICY) == []


def test_the_status_of_a_budget(api: Api) -> None:
    """[sig-apps] DisruptionController should observe PodDisruptionBudget status updated [Conformance]
    [sig-apps] DisruptionController should update/patch PodDisruptionBudget status [Conformance]
    """
    api.until_pods_can_be_made()
    api.create(POLICY, _budget("foo", minAvailable=1))
    for name in ("p1", "p2", "p3"):
        api.create("pods", pod(name, labels={"app": "foo"}))
        api.patch(f"pods/{name}/status", {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    found = api.until(f"{POLICY}/foo", lambda b: b["status"].get("disruptionsAllowed") == 2)
    assert (found["status"]["currentHealthy"], found["status"]["expectedPods"], found["status"]["desiredHealthy"]) == (3, 3, 1)
    disrupted = {"p1": "2026-11-27T12:00:00Z"}
    patched = api.patch(f"{POLICY}/foo/status", {"status": {"disruptedPods": disrupted}})
    assert patched["status"]["disruptedPods"] == disrupted
    current = api.get(f"{POLICY}/foo/status")
    current["metadata"].setdefault("annotations", {})["seen"] = "yes"
    assert replace(api, f"{POLICY}/foo/status", current)["metadata"]["annotations"]["seen"] == "yes"


def test_an_eviction_waits_for_the_budget(api: Api) -> None:
    """[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it [Conformance]"""
    api.until_pods_can_be_made()
    api.create(POLICY, _budget("foo", minAvailable=3))
    for name in ("p1", "p2", "p3"):
        api.create("pods", pod(name, labels={"app": "foo"}))
        api.patch(f"pods/{name}/status", {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    api.until(f"{POLICY}/foo", lambda b: b["status"].get("currentHealthy") == 3)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p1"}}
    refused = api.refused("POST", "pods/p1/eviction", eviction)
    assert refused.code == 429 and refused.status["details"]["causes"][0]["reason"] == "DisruptionBudget"
    api.patch(f"{POLICY}/foo", {"spec": {"minAvailable": 2}})
    api.until(f"{POLICY}/foo", lambda b: b["status"].get("disruptionsAllowed") == 1)

    def evicted() -> bool:
        try:
            api.create("pods/p1/eviction", eviction)
        except RefusedError as error:
            assert error.code == 429
            return False
        return True

    eventually(evicted)
    api.until_gone("pods/p1")
    assert api.refused("POST", "pods/p2/eviction", {**eviction, "metadata": {"name": "p2"}}).code == 429
