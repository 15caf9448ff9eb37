"""Volumes and places: the filters that look at them, and what is promised to pods. No server."""

from random import Random

import pytest

from corral.api.objects import Key
from corral.scheduler import explain
from corral.scheduler.placement import Waiting, place_all
from corral.scheduler.shape import Shapes
from corral.scheduler.snapshot import Snapshot

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


class Cluster:
    """A snapshot with nodes and storage, and short ways to ask it."""

    def __init__(self, nodes=("n1", "n2"), labels=None):
        self.snapshot, self.shapes, self.count = Snapshot(), Shapes(), 0
        self.claims, self.volumes, self.classes = {}, {}, {}
        known = self.snapshot.volumes
        known.claim, known.volume = self.claims.get, self.volumes.get
        known.storage_class = self.classes.get
        known.candidates = lambda claim: list(self.volumes.values())
        for name in nodes:
            meta = {"name": name, "labels": {HOST: name, **((labels or {}).get(name, {}))}}
            self.snapshot.set_node({"metadata": meta, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}}})

    def add_class(self, name, provisioner="example.com/p", mode="WaitForFirstConsumer", **more):
        self.classes[name] = {"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode, **more}

    def add_claim(self, name, volume="", modes=("ReadWriteOnce",), annotations=None, of="late", **status):
        notes = {**(annotations or {}), **({"pv.kubernetes.io/bind-completed": "yes"} if volume else {})}
        meta = {"name": name, "namespace": "default", "uid": name, "annotations": notes}
        spec = {"storageClassName": of, "accessModes": list(modes), "resources": {"requests": {"storage": "1Gi"}}}
        spec |= {"volumeName": volume} if volume else {}
        self.claims[Key("default", name)] = {"metadata": meta, "spec": spec, "status": status}

    def add_volume(self, name, node="", labels=None, **more):
        spec = {"storageClassName": "late", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, **more}
        if node:
            here = {"key": HOST, "operator": "In", "values": [node]}
            spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
        meta = {"name": name, "labels": labels or {}}
        self.volumes[name] = {"metadata": meta, "spec": spec, "status": {"phase": "Available"}}

    def decide(self, *claims, name="", **spec):
        self.count += 1
        name = name or f"p{self.count}"
        volumes = [{"name": f"v{i}", "persistentVolumeClaim": {"claimName": c}} for i, c in enumerate(claims)]
        pod = {"metadata": {"namespace": "default", "name": name}, "spec": {"containers": [], "volumes": volumes, **spec}}
        waiting = Waiting(Key("default", name), self.shapes.of(pod), ("", self.count))
        (decision,) = place_all([waiting], self.snapshot, Random(0))
        return decision

    def why(self, *claims):
        decision = self.decide(*claims)
        assert decision.node == ""
        return explain.message(decision.refusal, "")

    def promise(self, name):
        return self.snapshot.volumes.promises[Key("default", name)]


@pytest.fixture
def cluster():
    made = Cluster()
    made.add_class("late")
    made.add_class("by-hand", "kubernetes.io/no-provisioner")
    made.add_class("soon", mode="Immediate")
    return made


def test_a_pod_goes_where_its_volume_is(cluster):
    cluster.add_volume("v", "n2")
    cluster.add_claim("data", "v")
    assert [cluster.decide("data").node for _ in range(3)] == ["n2"] * 3
    cluster.add_volume("w", "n9")
    cluster.add_claim("far", "w")
    assert cluster.why("far") == "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity."


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (None, 'persistentvolumeclaim "data" not found'),
        ({"of": "soon"}, "pod has unbound immediate PersistentVolumeClaims"),
        ({"of": "unknown"}, "pod has unbound immediate PersistentVolumeClaims"),
        ({"volume": "v", "phase": "Lost"}, 'persistentvolumeclaim "data" bound to non-existent persistentvolume "v"'),
    ],
)
def test_what_no_node_can_help_is_said_once(cluster, claim, text):
    if claim is not None:
        cluster.add_claim("data", **claim)
    assert cluster.why("data") == f"0/2 nodes are available: {text}."


def test_a_volume_that_is_gone(cluster):
    cluster.add_claim("data", "gone")
    text = "2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
    assert cluster.why("data") == f"0/2 nodes are available: {text}."


def test_free_volumes_are_promised_to_one_pod_each(cluster):
    for name in ("a", "b", "c"):
        cluster.add_claim(name, of="by-hand")
    for name, node in (("v1", "n1"), ("v2", "n2")):
        cluster.add_volume(name, node, storageClassName="by-hand")
    nodes = {cluster.decide("a", name="a").node, cluster.decide("b", name="b").node}
    assert nodes == {"n1", "n2"}
    assert {*cluster.promise("a").volumes.values(), *cluster.promise("b").volumes.values()} == {"v1", "v2"}
    assert cluster.why("c") == "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
    cluster.snapshot.volumes.release(Key("default", "a"))
    assert cluster.decide("c").node


def test_all_claims_of_a_pod_need_a_volume_on_the_same_node(cluster):
    cluster.add_claim("a", of="by-hand")
    cluster.add_claim("b", of="by-hand")
    for name, node in (("v1", "n1"), ("v2", "n2")):
        cluster.add_volume(name, node, storageClassName="by-hand")
    assert "didn't find available" in cluster.why("a", "b")
    cluster.add_volume("v3", "n2", storageClassName="by-hand")
    assert cluster.decide("a", "b").node == "n2"


def test_a_claim_that_is_mounted_twice_needs_one_volume(cluster):
    cluster.add_claim("data", of="by-hand")
    cluster.add_volume("v", "n2", storageClassName="by-hand")
    assert cluster.decide("data", "data", name="p").node == "n2"
    assert cluster.promise("p").volumes == {Key("default", "data"): "v"}


def test_what_can_be_made_is_made_where_the_pod_goes_and_others_follow(cluster):
    cluster.add_claim("data")
    first = cluster.decide("data", name="first")
    assert cluster.promise("first").made == (Key("default", "data"),)
    assert {cluster.decide("data").node for _ in range(3)} == {first.node}


def test_a_place_that_was_chosen_before_stays(cluster):
    cluster.add_claim("data", annotations={"volume.kubernetes.io/selected-node": "n2"})
    assert cluster.decide("data").node == "n2"


def test_a_class_says_where_volumes_can_be_made():
    cluster = Cluster(labels={"n1": {ZONE: "a"}, "n2": {ZONE: "b"}})
    cluster.add_class("late", allowedTopologies=[{"matchLabelExpressions": [{"key": ZONE, "values": ["b"]}]}])
    cluster.add_claim("data")
    assert cluster.decide("data").node == "n2"


def test_a_volume_reserved_for_the_claim_is_the_only_one(cluster):
    cluster.add_claim("data")
    cluster.add_volume("mine", "n2", claimRef={"namespace": "default", "name": "data"})
    cluster.add_volume("other", "n1")
    assert cluster.decide("data", name="p").node == "n2"
    assert cluster.promise("p").volumes == {Key("default", "data"): "mine"}


def test_one_pod_at_a_time(cluster):
    cluster.add_volume("v")
    cluster.add_claim("data", "v", modes=["ReadWriteOncePod"])
    assert cluster.decide("data", name="first").node
    text = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    assert cluster.why("data") == f"0/2 nodes are available: 2 {text}."
    cluster.snapshot.displace(Key("default", "first"))
    assert cluster.decide("data").node


def test_zones_of_older_volumes():
    cluster = Cluster(labels={"n1": {ZONE: "a"}, "n2": {ZONE: "b"}})
    cluster.add_volume("v", labels={ZONE: "b__c"})
    cluster.add_claim("data", "v")
    assert cluster.decide("data").node == "n2"
    cluster.add_volume("v", labels={ZONE: "d"})
    assert cluster.why("data") == "0/2 nodes are available: 2 node(s) had no available volume zone."
