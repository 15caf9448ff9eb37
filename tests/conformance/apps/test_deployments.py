"""Rollouts of Deployments on nodes that say of their pods what the test wants."""

from typing import Any

from tests.conformance.hollow import HollowNodes
from tests.conformance.objects import workload
from tests.conformance.rest import STRATEGIC, Api

Object = dict[str, Any]
PATH = "deployments.apps/d"
REVISION = "deployment.kubernetes.io/revision"
LABELS = {"name": "sample-pod"}


def _replica_sets(api: Api) -> list[Object]:
    """Oldest first."""
    found: list[Object] = api.get("replicasets.apps", labelSelector="name=sample-pod")["items"]
    return sorted(found, key=lambda one: one["spec"]["template"]["spec"]["containers"][0]["image"])


def _old_one(hollow: HollowNodes, replicas: int = 1, **annotations: str) -> Object:
    """A ReplicaSet that was there before the Deployment, with its pods available."""
    hollow.api.until_pods_can_be_made()
    body = workload("ReplicaSet", "old", replicas=replicas, labels=LABELS)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "i:0"
    body["metadata"]["annotations"] = annotations
    made: Object = hollow.api.create("replicasets.apps", body)
    hollow.until(lambda: hollow.api.get("replicasets.apps/old")["status"].get("availableReplicas") == replicas)
    return made


def _create(api: Api, image: str = "i:1", replicas: int = 1, **spec: Any) -> None:
    api.until_pods_can_be_made()
    body = workload("Deployment", "d", replicas=replicas, labels=LABELS, **spec)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = image
    api.create("deployments.apps", body)


def _image(api: Api, image: str) -> None:
    api.patch(PATH, {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}, STRATEGIC)


def _complete(api: Api, replicas: int) -> bool:
    found = api.get(PATH)
    status = found["status"]
    counts = [status.get(name) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [replicas] * 4


def test_a_rolling_update_of_an_adopted_replica_set(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Deployment RollingUpdateDeployment should delete old pods and create new ones [Conformance]"""
    hollow.add("one")
    _old_one(hollow, **{REVISION: "3546343826724305832"})
    _create(api)
    hollow.until(lambda: _complete(api, 1))
    old, new = _replica_sets(api)
    assert old["metadata"]["ownerReferences"] == new["metadata"]["ownerReferences"]
    assert old["spec"]["replicas"] == 0 and old["status"]["replicas"] == 0
    assert new["metadata"]["annotations"][REVISION] == "3546343826724305833"
    assert api.get(PATH)["metadata"]["annotations"][REVISION] == "3546343826724305833"
    hollow.until(lambda: {p["spec"]["containers"][0]["image"] for p in hollow.pods("name=sample-pod")} == {"i:1"})


def test_recreate_never_runs_old_and_new_at_once(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Deployment RecreateDeployment should delete old pods and create new ones [Conformance]"""
    hollow.add("one")
    _create(api, replicas=2, strategy={"type": "Recreate"})
    hollow.until(lambda: _complete(api, 2))
    revision = api.get("pods")["metadata"]["resourceVersion"]
    _image(api, "i:2")
    hollow.until(lambda: _complete(api, 2))
    watch = api.watch("pods", labelSelector="name=sample-pod", resourceVersion=revision)
    told = []
    while told.count("ADDED") < 2:
        event = watch.next()
        if event["type"] != "MODIFIED":
            told.append(event["type"])
    watch.close()
    assert told == ["DELETED", "DELETED", "ADDED", "ADDED"]
    old, new = _replica_sets(api)
    assert (old["spec"]["replicas"], new["spec"]["replicas"]) == (0, 2)


def test_no_history_is_kept_where_none_is_wanted(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Deployment deployment should delete old replica sets [Conformance]"""
    hollow.add("one")
    _old_one(hollow)
    revision = api.get("pods")["metadata"]["resourceVersion"]
    _create(api, revisionHistoryLimit=0)
    hollow.until(lambda: _complete(api, 1))
    hollow.until(lambda: len(_replica_sets(api)) == 1 and len(hollow.pods("name=sample-pod")) == 1)
    watch = api.watch("pods", labelSelector="name=sample-pod", resourceVersion=revision)
    events = [watch.next()]
    while events[-1]["type"] != "DELETED":
        events.append(watch.next())
    watch.close()
    assert len([e for e in events if e["type"] == "ADDED"]) == 1


def test_an_update_overtakes_another(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Deployment deployment should support rollover [Conformance]"""
    hollow.add("one")
    _old_one(hollow)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    hollow.fate = lambda pod: None if pod["spec"]["containers"][0]["image"] == "i:1" else "ready"
    _create(api, minReadySeconds=1, strategy=strategy)
    # The first update stands still: its pods do not come up.
    hollow.until(lambda: len(hollow.pods("name=sample-pod")) == 2)
    _image(api, "i:2")
    hollow.until(lambda: _complete(api, 1))
    old, first, new = _replica_sets(api)
    assert (old["spec"]["replicas"], first["spec"]["replicas"], new["spec"]["replicas"]) == (0, 0, 1)
    for one in (old, first):
        hollow.until(lambda name=one["metadata"]["name"]: api.get(f"replicasets.apps/{name}")["status"]["replicas"] == 0)
    (conditions,) = [c for c in api.get(PATH)["status"]["conditions"] if c["type"] == "Progressing"]
    assert (conditions["status"], conditions["reason"]) == ("True", "NewReplicaSetAvailable")


def test_scaling_in_the_midst_of_a_rollout(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Deployment deployment should support proportional scaling [Conformance]"""
    hollow.add("one")
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    _create(api, replicas=10, strategy=strategy)
    hollow.until(lambda: _complete(api, 10))
    hollow.fate = lambda pod: None if pod["spec"]["containers"][0]["image"] == "webserver:404" else "ready"
    _image(api, "webserver:404")

    def sizes() -> list[int]:
        return [one["spec"]["replicas"] for one in _replica_sets(api)]

    def status(name: str) -> list[int]:
        return [one["status"].get(name, 0) for one in _replica_sets(api)]

    hollow.until(lambda: sizes() == [8, 5])
    hollow.until(lambda: status("availableReplicas") == [8, 0] and status("replicas") == [8, 5])
    api.patch(PATH, {"spec": {"replicas": 30}})
    hollow.until(lambda: sizes() == [20, 13])
    desired = {one["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] for one in _replica_sets(api)}
    most = {one["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] for one in _replica_sets(api)}
    assert (desired, most) == ({"30"}, {"33"})
