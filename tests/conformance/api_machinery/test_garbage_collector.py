"""Garbage collection: https://kubernetes.io/docs/concepts/architecture/garbage-collection/."""

from tests.conformance.objects import pod, workload
from tests.conformance.rest import STRATEGIC, Api
from tests.waiting import eventually


def _pods(api: Api, app: str) -> list[dict]:
    return api.get("pods", labelSelector=f"app={app}")["items"]


def _running_controller(api: Api, name: str, replicas: int, kind: str = "ReplicationController") -> list[dict]:
    path = "replicationcontrollers" if kind == "ReplicationController" else "deployments.apps"
    api.create(path, workload(kind, name, replicas=replicas))
    return eventually(lambda: len(found := _pods(api, name)) == replicas and found)


def test_background_deletion_of_a_replication_controller_takes_its_pods(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should delete pods created by rc when not orphaning [Conformance]"""
    _running_controller(api, "rc", 2)
    api.delete("replicationcontrollers/rc", {"propagationPolicy": "Background"})
    assert api.find("replicationcontrollers/rc") is None
    eventually(lambda: not _pods(api, "rc"))


def test_orphaned_pods_stay(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should orphan pods created by rc if delete options say so [Serial] [Conformance]"""
    _running_controller(api, "rc", 10)
    api.delete("replicationcontrollers/rc", {"propagationPolicy": "Orphan"})
    api.until_gone("replicationcontrollers/rc")
    left = _pods(api, "rc")
    assert len(left) == 10 and not any(p["metadata"].get("ownerReferences") for p in left)


def test_foreground_deletion_ends_with_the_owner(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so [Serial] [Conformance]"""
    pods = _running_controller(api, "rc", 10)
    held = pods[0]["metadata"]["name"]
    api.patch(f"pods/{held}", {"metadata": {"finalizers": ["example.com/hold"]}})
    deleted = api.delete("replicationcontrollers/rc", {"propagationPolicy": "Foreground"})
    assert deleted["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: len(_pods(api, "rc")) == 1)
    assert api.find("replicationcontrollers/rc")["metadata"]["deletionTimestamp"]
    api.patch(f"pods/{held}", {"metadata": {"finalizers": None}})
    api.until_gone("replicationcontrollers/rc")
    assert not _pods(api, "rc")


def test_a_dependent_with_another_valid_owner_stays(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted [Serial] [Conformance]"""
    pods = _running_controller(api, "dying", 6)
    api.create("replicationcontrollers", workload("ReplicationController", "staying", replicas=0))
    other = api.get("replicationcontrollers/staying")
    reference = {"apiVersion": "v1", "kind": "ReplicationController", "name": "staying", "uid": other["metadata"]["uid"]}
    kept = {p["metadata"]["name"] for p in pods[:3]}
    for name in kept:
        api.patch(f"pods/{name}", {"metadata": {"ownerReferences": [{**reference}]}}, STRATEGIC)
    api.delete("replicationcontrollers/dying", {"propagationPolicy": "Foreground"})
    api.until_gone("replicationcontrollers/dying")
    left = _pods(api, "dying")
    assert {p["metadata"]["name"] for p in left} == kept
    assert not any(p["metadata"].get("deletionTimestamp") for p in left)
    assert all([r["name"] for r in p["metadata"]["ownerReferences"]] == ["staying"] for p in left)


def test_a_circle_of_owners_does_not_block(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should not be blocked by dependency circle [Conformance]"""
    api.until_pods_can_be_made()
    uids = {name: api.create("pods", pod(name))["metadata"]["uid"] for name in ("pod1", "pod2", "pod3")}
    for name, owner in (("pod1", "pod3"), ("pod2", "pod1"), ("pod3", "pod2")):
        reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": owner,
            "uid": uids[owner],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        api.patch(f"pods/{name}", {"metadata": {"ownerReferences": [reference]}})
    api.delete("pods/pod1", {"propagationPolicy": "Foreground"})
    for name in uids:
        api.until_gone(f"pods/{name}")


def test_deleting_a_deployment_takes_its_replica_sets(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should delete RS created by deployment when not orphaning [Conformance]"""
    _running_controller(api, "web", 2, "Deployment")
    assert len(api.names("replicasets.apps")) == 1
    api.delete("deployments.apps/web", {"propagationPolicy": "Background"})
    eventually(lambda: not api.names("replicasets.apps") and not _pods(api, "web"))


def test_orphaned_replica_sets_stay_with_their_pods(api: Api) -> None:
    """[sig-api-machinery] Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan [Conformance]"""
    _running_controller(api, "web", 2, "Deployment")
    api.delete("deployments.apps/web", {"propagationPolicy": "Orphan"})
    api.until_gone("deployments.apps/web")
    (left,) = api.get("replicasets.apps")["items"]
    assert not left["metadata"].get("ownerReferences")
    assert len(_pods(api, "web")) == 2
