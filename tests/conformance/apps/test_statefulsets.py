"""StatefulSets on nodes that say of their pods what the test wants: order, broken readiness, rollouts in parts."""

from typing import Any

from tests.conformance.hollow import HollowNodes
from tests.conformance.objects import pod, workload
from tests.conformance.operations import replace
from tests.conformance.rest import STRATEGIC, Api, Watch

Object = dict[str, Any]
PATH = "statefulsets.apps/ss"
REVISION = "controller-revision-hash"


def _create(api: Api, replicas: int, **spec: Any) -> None:
    api.until_pods_can_be_made()
    api.create("statefulsets.apps", workload("StatefulSet", "ss", replicas=replicas, labels={"app": "ss"}, **spec))


def _scale(api: Api, replicas: int) -> None:
    api.patch(PATH, {"spec": {"replicas": replicas}})


def _ready(hollow: HollowNodes) -> list[str]:
    found = []
    for one in hollow.pods("app=ss"):
        conditions = {c["type"]: c["status"] for c in one["status"].get("conditions") or ()}
        if conditions.get("Ready") == "True" and not one["metadata"].get("deletionTimestamp"):
            found.append(one["metadata"]["name"])
    return sorted(found)


def _names(count: int) -> list[str]:
    return [f"ss-{i}" for i in range(count)]


def _events(watch: Watch, type: str, count: int) -> list[str]:
    """The names of the pods of the next events of a type."""
    names: list[str] = []
    while len(names) < count:
        event = watch.next()
        if event["type"] == type:
            names.append(event["object"]["metadata"]["name"])
    return names


def _halted(api: Api, hollow: HollowNodes, count: int) -> None:
    """The controller has seen what there is, and does nothing more."""
    seen = api.get(PATH)["metadata"]["generation"]
    hollow.until(lambda: api.get(PATH)["status"].get("observedGeneration") == seen)
    for _ in range(10):
        hollow.go_on()
    assert [p["metadata"]["name"] for p in hollow.pods("app=ss")] == _names(count)


def test_one_after_the_other_and_not_past_one_that_is_not_ready(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Scaling should happen in predictable order and halt if any stateful pod is unhealthy [Slow] [Conformance]"""
    hollow.add("one")
    hollow.fate = lambda pod: "running"
    revision = api.get("pods")["metadata"]["resourceVersion"]
    _create(api, 1)
    hollow.until(lambda: [p["status"]["phase"] for p in hollow.pods("app=ss")] == ["Running"])
    _scale(api, 3)
    _halted(api, hollow, 1)
    hollow.fate = lambda pod: "ready"
    hollow.says("ss-0", "ready")
    hollow.until(lambda: _ready(hollow) == _names(3))
    watch = api.watch("pods", labelSelector="app=ss", resourceVersion=revision)
    assert _events(watch, "ADDED", 3) == ["ss-0", "ss-1", "ss-2"]
    watch.close()
    for name in _names(3):
        hollow.says(name, "running")
    revision = api.get("pods")["metadata"]["resourceVersion"]
    _scale(api, 0)
    _halted(api, hollow, 3)
    for name in _names(3):
        hollow.says(name, "ready")
    hollow.until(lambda: not hollow.pods("app=ss"))
    watch = api.watch("pods", labelSelector="app=ss", resourceVersion=revision)
    assert _events(watch, "DELETED", 3) == ["ss-2", "ss-1", "ss-0"]
    watch.close()
    hollow.until(lambda: api.get(PATH)["status"]["replicas"] == 0)


def test_in_parallel_pods_that_are_not_ready_are_no_hindrance(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Burst scaling should run to completion even with unhealthy pods [Slow] [Conformance]"""
    hollow.add("one")
    hollow.fate = lambda pod: "running"
    _create(api, 1, podManagementPolicy="Parallel")
    hollow.until(lambda: len(hollow.pods("app=ss")) == 1)
    _scale(api, 3)
    hollow.until(lambda: [p["status"]["phase"] for p in hollow.pods("app=ss")] == ["Running"] * 3)
    assert _ready(hollow) == []
    for name in _names(3):
        hollow.says(name, "ready")
    hollow.until(lambda: api.get(PATH)["status"].get("readyReplicas") == 3)
    for name in _names(3):
        hollow.says(name, "running")
    _scale(api, 0)
    hollow.until(lambda: not hollow.pods("app=ss"))
    hollow.until(lambda: api.get(PATH)["status"]["replicas"] == 0)


def test_a_pod_that_its_node_refused_is_made_again(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Should recreate evicted statefulset [Conformance]

    That a node refuses a pod whose port another has is tested where nodes are.
    """
    node = hollow.add("one")
    port = {"ports": [{"containerPort": 21017, "hostPort": 21017, "name": "conflict"}]}
    api.until_pods_can_be_made()
    api.create("pods", pod("test-pod", container=port, nodeName=node))
    body = workload("StatefulSet", "ss", labels={"app": "ss"})
    body["spec"]["template"]["spec"]["nodeName"] = node
    body["spec"]["template"]["spec"]["containers"][0] |= port
    hollow.fate = lambda pod: None if pod["metadata"]["name"] == "ss-0" else "ready"
    api.create("statefulsets.apps", body)
    uids = set()
    for _ in range(2):
        found = hollow.until(lambda: api.find("pods/ss-0") if uid_of(api) not in uids else None)
        assert found["spec"]["nodeName"] == node
        uids.add(found["metadata"]["uid"])
        hollow.says("ss-0", "failed")
    api.delete("pods/test-pod")
    hollow.fate = lambda pod: "ready"
    hollow.until(lambda: uid_of(api) not in uids and _ready(hollow) == ["ss-0"])


def uid_of(api: Api) -> str | None:
    """The uid of ss-0, None where there is none."""
    found = api.find("pods/ss-0")
    return found and found["metadata"]["uid"]


def _image(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _update(api: Api, image: str, partition: int | None = None) -> None:
    spec: Object = {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}
    if partition is not None:
        spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    api.patch(PATH, {"spec": spec}, STRATEGIC)


def _status(api: Api) -> Object:
    found = api.get(PATH)
    settled = found["status"].get("observedGeneration") == found["metadata"]["generation"]
    return dict(found["status"]) if settled else {}


def _images(hollow: HollowNodes) -> list[str]:
    return [_image(one) for one in hollow.pods("app=ss")]


def test_an_update_and_the_way_back(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform rolling updates and roll backs of template modifications [Conformance]"""
    hollow.add("one")
    _create(api, 3)
    hollow.until(lambda: _ready(hollow) == _names(3))
    first = hollow.until(lambda: _status(api))
    assert first["currentRevision"] == first["updateRevision"] and first["currentReplicas"] == 3
    assert {p["metadata"]["labels"][REVISION] for p in hollow.pods("app=ss")} == {first["currentRevision"]}
    old = _images(hollow)[0]

    # An update waits for the pod that is broken.
    hollow.says("ss-1", "running")
    _update(api, "i:2")
    second = hollow.until(lambda: (s := _status(api)) and s["updateRevision"] != s["currentRevision"] and s)
    assert second["currentRevision"] == first["currentRevision"]
    _halted(api, hollow, 3)
    assert _images(hollow) == [old] * 3
    revision = api.get("pods")["metadata"]["resourceVersion"]
    hollow.says("ss-1", "ready")
    hollow.until(lambda: _images(hollow) == ["i:2"] * 3 and _ready(hollow) == _names(3))
    watch = api.watch("pods", labelSelector="app=ss", resourceVersion=revision)
    assert _events(watch, "DELETED", 3) == ["ss-2", "ss-1", "ss-0"]
    watch.close()
    done = hollow.until(lambda: (s := _status(api)) and s["currentRevision"] == second["updateRevision"] and s)
    assert done["updatedReplicas"] == 3 and done["currentReplicas"] == 3

    _update(api, old)
    hollow.until(lambda: _images(hollow) == [old] * 3 and _ready(hollow) == _names(3))
    back = hollow.until(lambda: (s := _status(api)) and s["currentRevision"] == s["updateRevision"] and s)
    assert back["currentRevision"] == first["currentRevision"]
    revisions = api.get("controllerrevisions.apps", labelSelector="app=ss")["items"]
    assert {r["metadata"]["name"]: r["revision"] for r in revisions} == {
        first["currentRevision"]: 3,
        second["updateRevision"]: 2,
    }


def test_a_canary_and_an_update_in_phases(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform canary updates and phased rolling updates of template modifications [Conformance]"""
    hollow.add("one")
    # A partition beyond all pods: nothing is updated.
    _create(api, 3, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 3}})
    hollow.until(lambda: _ready(hollow) == _names(3))
    old = _images(hollow)[0]
    _update(api, "i:2")
    status = hollow.until(lambda: (s := _status(api)) and s["updateRevision"] != s["currentRevision"] and s)
    _halted(api, hollow, 3)
    assert _images(hollow) == [old] * 3
    _update(api, "i:2", partition=2)
    hollow.until(lambda: _images(hollow) == [old, old, "i:2"] and _ready(hollow) == _names(3))

    # Who is lost comes back as it was: above the partition new, below it old.
    for name in ("ss-0", "ss-2"):
        api.delete(f"pods/{name}")
    hollow.until(lambda: len(_ready(hollow)) < 3)
    hollow.until(lambda: _ready(hollow) == _names(3))
    assert _images(hollow) == [old, old, "i:2"]
    revisions = [p["metadata"]["labels"][REVISION] for p in hollow.pods("app=ss")]
    assert revisions == [status["currentRevision"], status["currentRevision"], status["updateRevision"]]

    for partition in (1, 0):
        _update(api, "i:2", partition)
        wanted = [old] * partition + ["i:2"] * (3 - partition)
        hollow.until(lambda wanted=wanted: _images(hollow) == wanted and _ready(hollow) == _names(3))
    done = hollow.until(lambda: (s := _status(api)) and s["currentRevision"] == s["updateRevision"] and s)
    assert done["currentRevision"] == status["updateRevision"]
    found = api.get(PATH)
    found["spec"]["replicas"] = 0
    replace(api, PATH, found)
    hollow.until(lambda: not hollow.pods("app=ss"))
