"""Preemption: the least sacrifice, and a snapshot that is as before."""

from random import Random

from corral.api.objects import Key
from corral.scheduler.placement import Waiting, place_all
from corral.scheduler.preemption import Budgets, preempt
from corral.scheduler.shape import Shapes
from corral.scheduler.snapshot import Snapshot


class Cluster:
    def __init__(self, *nodes):
        self.snapshot, self.shapes, self.count = Snapshot(), Shapes(), 0
        for name in nodes:
            allocatable = {"cpu": "1", "memory": "8Gi", "pods": "10"}
            self.snapshot.set_node({"metadata": {"name": name}, "spec": {}, "status": {"allocatable": allocatable}})

    def waiting(self, name, cpu, priority, **spec):
        self.count += 1
        container = {"resources": {"requests": {"cpu": cpu}}}
        meta = {"name": name, "namespace": "default", "labels": {"app": name[0]}}
        shape = self.shapes.of({"metadata": meta, "spec": {"containers": [container], "priority": priority, **spec}})
        return Waiting(Key("default", name), shape, ("", self.count))

    def put(self, node, name, cpu, priority):
        pod = self.waiting(name, cpu, priority)
        self.snapshot.place(pod.key, pod.shape, node)

    def preempt(self, cpu, priority, budgets=(), **spec):
        pod = self.waiting("new", cpu, priority, **spec)
        (decision,) = place_all([pod], self.snapshot, Random(0))
        assert not decision.node
        before = {node.name: (dict(node.pods), dict(node.requested)) for node in self.snapshot.nodes()}
        outcome = preempt(pod, self.snapshot, decision.refusal, Budgets(budgets))
        assert {node.name: (dict(node.pods), dict(node.requested)) for node in self.snapshot.nodes()} == before
        return outcome

    def victims(self, *args, **options):
        sacrifice = self.preempt(*args, **options).sacrifice
        return sacrifice.node, sorted(key.name for key in sacrifice.victims)


def test_no_more_go_than_have_to_and_the_least_important_of_them():
    cluster = Cluster("a")
    cluster.put("a", "x", "400m", 5)
    cluster.put("a", "y", "300m", 1)
    cluster.put("a", "z", "300m", 3)
    assert cluster.victims("300m", 10) == ("a", ["y"])
    assert cluster.victims("500m", 10) == ("a", ["y", "z"])


def test_the_node_whose_victims_matter_least_is_chosen():
    cluster = Cluster("a", "b", "c")
    cluster.put("a", "x", "1", 5)
    cluster.put("b", "y", "1", 2)
    cluster.put("c", "z1", "500m", 2)
    cluster.put("c", "z2", "500m", 2)
    assert cluster.victims("1", 10) == ("b", ["y"])


def test_equals_and_betters_stay():
    cluster = Cluster("a")
    cluster.put("a", "x", "1", 10)
    outcome = cluster.preempt("1", 10)
    assert outcome.sacrifice is None
    assert outcome.text == "0/1 nodes are available: 1 No preemption victims found for incoming pod."


def test_what_would_not_help_is_told():
    cluster = Cluster("a")
    cluster.put("a", "x", "500m", 10)
    cluster.put("a", "y", "500m", 1)
    assert cluster.preempt("700m", 5).text == "0/1 nodes are available: 1 Insufficient cpu."
    assert cluster.preempt("2", 50).text == "0/1 nodes are available: 1 Preemption is not helpful for scheduling."


def test_a_pod_may_renounce_it():
    cluster = Cluster("a")
    cluster.put("a", "x", "1", 1)
    assert cluster.preempt("1", 10, preemptionPolicy="Never").text == "not eligible due to preemptionPolicy=Never."


def test_budgets_are_kept_where_another_choice_is():
    cluster = Cluster("a", "b")
    cluster.put("a", "x", "1", 1)
    cluster.put("b", "y", "1", 3)
    budget = {"metadata": {"namespace": "default"}, "spec": {"selector": {"matchLabels": {"app": "x"}}}, "status": {}}
    assert cluster.victims("1", 10) == ("a", ["x"])
    assert cluster.victims("1", 10, budgets=[budget]) == ("b", ["y"])
