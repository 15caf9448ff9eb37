"""Where pods go: filters, scores, batches, and the words for why not. No server."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.api.objects import Key
from corral.scheduler import explain
from corral.scheduler.filters.contract import Wake
from corral.scheduler.placement import Waiting, place_all
from corral.scheduler.shape import Shapes
from corral.scheduler.snapshot import Snapshot

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


class Cluster:
    """A snapshot with short ways to fill it and to ask it."""

    def __init__(self):
        self.snapshot, self.shapes, self.random, self.count = Snapshot(), Shapes(), Random(7), 0

    def node(self, name, cpu="4", memory="8Gi", pods="110", labels=None, taints=None, images=None, **spec):
        node = {
            "metadata": {"name": name, "labels": {HOST: name, **(labels or {})}},
            "spec": {**spec, "taints": taints or []},
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}, "images": images or []},
        }
        self.snapshot.set_node(node)

    def waiting(self, pod):
        self.count += 1
        pod["metadata"]["name"] = name = pod["metadata"].get("name") or f"p{self.count}"
        return Waiting(Key("default", name), self.shapes.of(pod), ("", self.count))

    def decide(self, *pods):
        return place_all([self.waiting(p) for p in pods], self.snapshot, self.random)

    def place(self, *pods):
        """The nodes, in the order of the pods."""
        by_key = {d.pod.key.name: d.node for d in self.decide(*pods)}
        return [by_key[p["metadata"]["name"]] for p in pods]

    def why(self, p):
        (decision,) = self.decide(p)
        assert decision.node == ""
        return explain.message(decision.refusal, explain.without_victims(decision.refusal))


def pod(cpu=None, memory=None, labels=None, owner="", **spec):
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    meta = {"namespace": "default", "labels": labels or {}}
    if owner:
        meta["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {"metadata": meta, "spec": {"containers": [{"image": "app", "resources": {"requests": requests}}], **spec}}


@pytest.fixture
def cluster():
    return Cluster()


def test_a_pod_goes_where_most_is_free(cluster):
    cluster.node("small", cpu="1")
    cluster.node("large", cpu="16", memory="32Gi")
    assert cluster.place(pod(cpu="500m")) == ["large"]


def test_equal_pods_are_spread_over_equal_nodes(cluster):
    for i in range(4):
        cluster.node(f"n{i}")
    assert sorted(cluster.place(*(pod(cpu="100m") for _ in range(8)))) == sorted([f"n{i}" for i in range(4)] * 2)


def test_the_message_counts_nodes_by_reason_as_the_reference_does(cluster):
    cluster.node("a", cpu="1")
    cluster.node("b", cpu="1", pods="0")
    cluster.node("c", taints=[{"key": "team", "effect": "NoSchedule"}])
    cluster.node("d", unschedulable=True)
    assert cluster.why(pod(cpu="2")) == (
        "0/4 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, "
        "2 Insufficient cpu. no new claims to deallocate, preemption: 0/4 nodes are available: "
        "4 Preemption is not helpful for scheduling."
    )


def test_without_nodes_the_message_is_another(cluster):
    assert cluster.why(pod()) == "no nodes available to schedule pods"


def test_a_full_node_could_be_helped_by_preemption_a_small_one_not(cluster):
    cluster.node("a", cpu="1")
    assert cluster.place(pod(cpu="800m")) == ["a"]
    assert cluster.why(pod(cpu="500m")).endswith(
        "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    assert cluster.why(pod(cpu="2")).endswith("1 Preemption is not helpful for scheduling.")


def test_more_important_pods_come_first(cluster):
    cluster.node("a", cpu="1")
    assert cluster.place(pod(cpu="1"), pod(cpu="1", priority=10)) == ["", "a"]


def test_init_containers_sidecars_and_overhead_are_counted():
    shape = Shapes().of(
        pod(
            cpu="100m",
            initContainers=[
                {"image": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}},
                {"image": "i", "resources": {"requests": {"cpu": "300m", "memory": "1Gi"}}},
            ],
            overhead={"cpu": "10m"},
        )
    )
    assert shape.requests == {"cpu": 300 + 50 + 10, "memory": 1024**3}


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, True),
        ({"nodeSelector": {"disk": "hdd"}}, False),
        ({"affinity": {"key": "disk", "operator": "In", "values": ["ssd"]}}, True),
        ({"affinity": {"key": "disk", "operator": "NotIn", "values": ["ssd"]}}, False),
        ({"affinity": {"key": "gpu", "operator": "DoesNotExist"}}, True),
        ({"affinity": {"key": "cores", "operator": "Gt", "values": ["7"]}}, True),
        ({"affinity": {"key": "cores", "operator": "Lt", "values": ["8"]}}, False),
    ],
)
def test_node_selectors_and_affinity(cluster, spec, fits):
    cluster.node("a", labels={"disk": "ssd", "cores": "8"})
    if "affinity" in spec:
        terms = {"nodeSelectorTerms": [{"matchExpressions": [spec["affinity"]]}]}
        spec = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
    if fits:
        assert cluster.place(pod(**spec)) == ["a"]
    else:
        assert "1 node(s) didn't match Pod's node affinity/selector" in cluster.why(pod(**spec))


def test_preferred_node_affinity_and_taints_weigh(cluster):
    cluster.node("plain")
    cluster.node("liked", labels={"disk": "ssd"})
    preference = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
    terms = [{"weight": 50, "preference": preference}]
    liked = pod(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}})
    assert cluster.place(liked) == ["liked"]
    cluster.node("plain", taints=[{"key": "a", "effect": "PreferNoSchedule"}])
    cluster.node("liked", taints=[])
    assert cluster.place(*(pod() for _ in range(3))) == ["liked"] * 3


def test_tolerations_open_tainted_and_cordoned_nodes(cluster):
    cluster.node("a", taints=[{"key": "team", "value": "x", "effect": "NoSchedule"}], unschedulable=True)
    tolerations = [
        {"key": "team", "operator": "Equal", "value": "x"},
        {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"},
    ]
    assert cluster.place(pod(tolerations=tolerations)) == ["a"]
    assert cluster.place(pod(tolerations=[{"operator": "Exists"}])) == ["a"]
    assert "untolerated" in cluster.why(pod(tolerations=tolerations[1:]))


def test_a_host_port_is_taken_once_per_address_and_protocol(cluster):
    cluster.node("a")

    def on(port, **more):
        return pod(containers=[{"ports": [{"containerPort": 1, "hostPort": port, **more}]}])

    assert (
        cluster.place(on(80), on(81), on(80, protocol="UDP"), on(90, hostIP="10.0.0.1"), on(90, hostIP="10.0.0.2")) == ["a"] * 5
    )
    assert "1 node(s) didn't have free ports for the requested pod ports" in cluster.why(on(80))
    assert "free ports" in cluster.why(on(90))


def anti(key=HOST, **labels):
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def near(key=HOST, **labels):
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": key}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_anti_affinity_keeps_pods_apart_within_a_batch_and_in_both_directions(cluster):
    for name in "abc":
        cluster.node(name)
    loners = [pod(labels={"app": "db"}, affinity=anti(app="db")) for _ in range(3)]
    assert sorted(cluster.place(*loners)) == ["a", "b", "c"]
    again = cluster.why(pod(labels={"app": "db"}, affinity=anti(app="db")))
    assert "3 node(s) didn't match pod anti-affinity rules" in again
    plain = cluster.why(pod(labels={"app": "db"}))
    assert "3 node(s) didn't satisfy existing pods anti-affinity rules" in plain


def test_affinity_follows_pods_into_their_zone_and_the_first_may_begin(cluster):
    for name, zone in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        cluster.node(name, labels={ZONE: zone})
    group = [pod(labels={"app": "web"}, affinity=near(ZONE, app="web")) for _ in range(6)]
    zones = {name[0] for name in cluster.place(*group)}
    assert len(zones) == 1
    assert "3 node(s) didn't match pod affinity rules" in cluster.why(pod(affinity=near(app="nobody")))


def test_namespaces_bound_what_a_term_means(cluster):
    cluster.node("a")
    cluster.snapshot.namespaces = {"default": {}, "other": {"team": "x"}}
    there = pod(labels={"app": "db"})
    there["metadata"]["namespace"] = "other"
    cluster.place(there)
    assert cluster.place(pod(affinity=anti(app="db"))) == ["a"]
    term = {
        "labelSelector": {"matchLabels": {"app": "db"}},
        "topologyKey": HOST,
        "namespaceSelector": {"matchLabels": {"team": "x"}},
    }
    wide = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert "anti-affinity" in cluster.why(pod(affinity=wide))


def spread(when="DoNotSchedule", skew=1, key=ZONE, **more):
    selector = {"matchLabels": {"app": "web"}}
    return [{"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector, **more}]


def test_spread_constraints_hold_within_a_batch(cluster):
    for name, zone in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")):
        cluster.node(name, labels={ZONE: zone})
    pods = [pod(labels={"app": "web"}, topologySpreadConstraints=spread()) for _ in range(9)]
    zones = [name[0] for name in cluster.place(*pods)]
    assert sorted(zones) == list("aaabbbccc")


def test_a_zone_without_room_stops_what_may_not_skew(cluster):
    cluster.node("a", labels={ZONE: "a"})
    cluster.node("b", labels={ZONE: "b"}, pods="0")
    cluster.node("c")
    strict = pod(labels={"app": "web"}, topologySpreadConstraints=spread())
    assert cluster.place(strict) == ["a"]
    why = cluster.why(pod(labels={"app": "web"}, topologySpreadConstraints=spread()))
    assert "1 node(s) didn't match pod topology spread constraints, " in why
    assert "1 node(s) didn't match pod topology spread constraints (missing required label)" in why
    loose = pod(labels={"app": "web"}, topologySpreadConstraints=spread("ScheduleAnyway"))
    assert cluster.place(loose) == ["a"]


def test_pods_of_one_controller_are_spread_and_images_draw(cluster):
    cluster.node("bare")
    cluster.node("stocked", images=[{"names": ["app:latest"], "sizeBytes": 900 * 1024 * 1024}])
    assert cluster.place(pod()) == ["stocked"]
    assert sorted(cluster.place(pod(owner="rs"), pod(owner="rs"))) == ["bare", "stocked"]


def test_the_same_chance_gives_the_same_places():
    def places():
        cluster = Cluster()
        for i in range(10):
            cluster.node(f"n{i}")
        return cluster.place(*(pod(cpu=f"{100 + i % 3}m") for i in range(40)))

    assert places() == places()


def test_a_refusal_tells_which_changes_could_help(cluster):
    cluster.node("a", cpu="1")
    (decision,) = cluster.decide(pod(cpu="2"))
    assert explain.wakes(decision.refusal) == Wake.NODE | Wake.FREED
    (decision,) = cluster.decide(pod(affinity=near(app="x")))
    assert Wake.PLACED in explain.wakes(decision.refusal)


@examples(40)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 12)), min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from([100, 500, 1500]), st.integers(0, 2)), max_size=60),
)
def test_no_node_is_ever_overbooked_and_nobody_waits_who_would_fit(nodes, pods):
    cluster = Cluster()
    for i, (cpu, room) in enumerate(nodes):
        cluster.node(f"n{i}", cpu=str(cpu), pods=str(room))
    decisions = cluster.decide(*(pod(cpu=f"{milli}m", priority=priority) for milli, priority in pods))
    for node in cluster.snapshot.nodes():
        assert node.requested.get("cpu", 0) <= node.allocatable["cpu"]
        assert len(node.pods) <= node.allocatable["pods"]
    for decision in decisions:
        if not decision.node:
            asked = decision.pod.shape.requests["cpu"]
            for node in cluster.snapshot.nodes():
                full = len(node.pods) >= node.allocatable["pods"]
                assert full or node.requested.get("cpu", 0) + asked > node.allocatable["cpu"]


def test_what_leaves_gives_back_what_it_took(cluster):
    cluster.node("a", cpu="1")
    (decision,) = cluster.decide(pod(cpu="1", affinity=anti(app="x")))
    assert cluster.snapshot.displace(decision.pod.key)
    node = cluster.snapshot.node("a")
    assert (node.requested["cpu"], node.shapes, cluster.snapshot.anti_affine) == (0, {}, 0)
    assert not cluster.snapshot.displace(decision.pod.key)
