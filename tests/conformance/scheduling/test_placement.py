"""Where pods go, and who has to make room for them."""

import pytest
from tests.conformance.hollow import NODES, HollowNodes
from tests.conformance.objects import pod, workload
from tests.conformance.rest import Api

Object = dict

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
FOO = "scheduling.k8s.io/foo"
PRIORITIES = {"low": 1, "medium": 100, "high": 1000}


@pytest.fixture
def classes(api: Api):
    """The names of three priority classes by how much they weigh."""
    names = {weight: f"{weight}-{api.namespace}" for weight in PRIORITIES}
    for weight, name in names.items():
        api.create(CLASSES, {"metadata": {"name": name, "labels": {"of": api.namespace}}, "value": PRIORITIES[weight]})
    yield names
    api.delete(CLASSES, labelSelector=f"of={api.namespace}")


def _asking(name: str, *, priority: str = "", node: str = "", **amounts: str) -> Object:
    spec = {"priorityClassName": priority} if priority else {}
    if node:
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        spec["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    return pod(name, container={"resources": {"requests": amounts, "limits": amounts}}, **spec)


def _node_of(hollow: HollowNodes, name: str) -> str:
    return hollow.until(lambda: hollow.api.get(f"pods/{name}")["spec"].get("nodeName"))


def _refused(hollow: HollowNodes, name: str) -> str:
    """Why a pod is not scheduled, as its events say."""

    def told() -> str:
        events = hollow.api.get("events", fieldSelector=f"involvedObject.name={name},reason=FailedScheduling")["items"]
        return events[0]["message"] if events else ""

    message = hollow.until(told)
    conditions = hollow.api.get(f"pods/{name}")["status"]["conditions"]
    assert [(c["type"], c["status"], c["reason"]) for c in conditions] == [("PodScheduled", "False", "Unschedulable")]
    return message


def test_nodes_are_without_taints_as_soon_as_they_are_ready(api: Api, hollow: HollowNodes) -> None:
    """[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]

    Of hollow nodes: a cluster of several hosts is not there yet.
    """
    names = [hollow.add("one"), hollow.add("two")]
    for name in names:
        spec = api.get(f"{NODES}/{name}")["spec"]
        assert not spec.get("taints") and not spec.get("unschedulable")


def test_no_more_pods_than_the_nodes_have_cpu_for(api: Api, hollow: HollowNodes) -> None:
    """[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run [Conformance]"""
    nodes = [hollow.add("one"), hollow.add("two")]
    for i, node in enumerate(nodes):
        api.create("pods", _asking(f"filler{i}", node=node, cpu="2800m"))
        assert _node_of(hollow, f"filler{i}") == node
    api.create("pods", _asking("additional", cpu="2"))
    assert _refused(hollow, "additional").startswith("0/2 nodes are available: 2 Insufficient cpu.")
    api.delete("pods/filler1")
    assert _node_of(hollow, "additional") == nodes[1]


def test_a_node_selector_that_no_node_matches(api: Api, hollow: HollowNodes) -> None:
    """[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching [Conformance]"""
    hollow.add("one")
    api.create("pods", pod("restricted", nodeSelector={"label": "nonempty"}))
    assert _refused(hollow, "restricted").startswith(
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    )


def test_a_node_selector_that_a_node_comes_to_match(api: Api, hollow: HollowNodes) -> None:
    """[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching [Conformance]"""
    hollow.add("one")
    two = hollow.add("two")
    key = f"kubernetes.io/e2e-{api.namespace}"
    api.patch(f"{NODES}/{two}", {"metadata": {"labels": {key: "42"}}})
    api.create("pods", pod("with-labels", nodeSelector={key: "42"}))
    assert _node_of(hollow, "with-labels") == two


def test_all_addresses_of_a_node_include_each(api: Api, hollow: HollowNodes) -> None:
    """[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP [Conformance]"""
    node = hollow.add("one")

    def on_port(name: str, **port: str) -> Object:
        return pod(name, container={"ports": [{"containerPort": 80, "hostPort": 54322, "protocol": "TCP", **port}]})

    for name, address in (("pod4", ""), ("pod5", "10.0.0.7")):
        api.create("pods", on_port(name, **({"hostIP": address} if address else {})))
        if not address:
            assert _node_of(hollow, name) == node
    why = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    assert _refused(hollow, "pod5").startswith(why)
    api.create("pods", on_port("udp", protocol="UDP"))
    assert _node_of(hollow, "udp") == node


@pytest.mark.parametrize("critical", [False, True])
def test_the_least_important_pod_makes_room(api: Api, hollow: HollowNodes, classes: dict[str, str], critical: bool) -> None:
    """[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works [Conformance]
    [sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod [Conformance]
    """
    nodes = [hollow.add("one"), hollow.add("two")]
    for node, weight in zip(nodes, ("low", "medium"), strict=True):
        hollow.offer(node, {FOO: "5"})
        for i in range(2):
            api.create("pods", _asking(f"{weight}{i}", priority=classes[weight], node=node, **{FOO: "2"}))
    for name in ("low0", "low1", "medium0", "medium1"):
        _node_of(hollow, name)
    hollow.until(lambda: all(p["status"]["phase"] == "Running" for p in hollow.pods()))
    hollow.keeps = lambda pod: True
    path = "/api/v1/namespaces/kube-system/pods" if critical else "pods"
    priority = "system-cluster-critical" if critical else classes["high"]
    name = f"preemptor-{api.namespace}"
    api.create(path, _asking(name, priority=priority, **{FOO: "2"}))
    # It is told where it will go, and waits there for the end of the other.
    hollow.until(lambda: api.get(f"{path}/{name}")["status"].get("nominatedNodeName") == nodes[0])
    (victim,) = hollow.until(lambda: [p for p in hollow.pods() if p["metadata"].get("deletionTimestamp")])
    assert victim["metadata"]["name"] in ("low0", "low1")
    where = {"fieldSelector": f"involvedObject.name={victim['metadata']['name']},reason=Preempted"}
    events = hollow.until(lambda: api.get("events", **where)["items"])
    assert [event["type"] for event in events] == ["Normal"]
    hollow.keeps = lambda pod: False
    assert hollow.until(lambda: api.get(f"{path}/{name}")["spec"].get("nodeName")) == nodes[0]
    assert len(hollow.pods()) == (3 if critical else 4)


def test_a_preempted_pod_says_so(api: Api, hollow: HollowNodes, classes: dict[str, str]) -> None:
    """[sig-scheduling] SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod [Conformance]"""
    node = hollow.add("one")
    hollow.offer(node, {FOO: "1"})
    victim = _asking("victim", priority=classes["low"], node=node, **{FOO: "1"})
    victim["metadata"]["finalizers"] = ["example.com/test-finalizer"]
    api.create("pods", victim)
    hollow.until(lambda: api.get("pods/victim")["status"]["phase"] == "Running")
    api.create("pods", _asking("preemptor", priority=classes["high"], node=node, **{FOO: "1"}))
    found = hollow.until(lambda: [p for p in hollow.pods() if p["metadata"].get("deletionTimestamp")])[0]
    (target,) = [c for c in found["status"]["conditions"] if c["type"] == "DisruptionTarget"]
    assert (found["metadata"]["name"], target["status"], target["reason"]) == ("victim", "True", "PreemptionByScheduler")
    api.patch("pods/victim", {"metadata": {"finalizers": None}})
    assert _node_of(hollow, "preemptor") == node


def test_replica_sets_of_rising_priority(api: Api, hollow: HollowNodes) -> None:
    """[sig-scheduling] SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path [Conformance]"""
    resource = "example.com/fakecpu"
    node = hollow.add("one")
    hollow.offer(node, {resource: "1000"})
    names = [f"p{i}-{api.namespace}" for i in range(1, 5)]
    for i, name in enumerate(names):
        api.create(CLASSES, {"metadata": {"name": name, "labels": {"of": api.namespace}}, "value": i + 1})
    try:
        sizes = {"rs-pod1": "200", "rs-pod2": "300", "rs-pod3": "450"}
        for (name, amount), priority in zip(sizes.items(), names, strict=False):
            made = workload("ReplicaSet", name)
            made["spec"]["template"]["spec"] = _asking("", priority=priority, **{resource: amount})["spec"]
            api.create("replicasets.apps", made)
            hollow.until(lambda name=name: api.get(f"replicasets.apps/{name}")["status"].get("availableReplicas") == 1)
        first = {name: _uids(hollow, name) for name in sizes}
        api.create("pods", _asking("pod4", priority=names[3], **{resource: "500"}))
        assert _node_of(hollow, "pod4") == node
        # The two that were in the way are made again, and wait; the third was never touched.
        for name in ("rs-pod1", "rs-pod2"):
            hollow.until(lambda name=name: len(_uids(hollow, name) - first[name]) == 1)
            _refused(hollow, next(p["metadata"]["name"] for p in hollow.pods(f"app={name}")))
        assert _uids(hollow, "rs-pod3") == first["rs-pod3"]
    finally:
        api.delete(CLASSES, labelSelector=f"of={api.namespace}")


def _uids(hollow: HollowNodes, name: str) -> set[str]:
    return {p["metadata"]["uid"] for p in hollow.pods(f"app={name}") if not p["metadata"].get("deletionTimestamp")}
