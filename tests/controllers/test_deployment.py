"""Deployments: rollouts played step by step against a small model of ReplicaSets, without a server."""

import copy
import itertools

import pytest

from corral.controllers import revisions
from corral.controllers.actions import Again, Create, Delete, Note, Update
from corral.controllers.deployment import View, plan
from corral.controllers.rollout import fenceposts, size
from corral.testing.objects import NOW_S, ago, deployment, replica_set, template


class World:
    """Carries out what a plan says, and lets pods become available when told to."""

    def __init__(self, deployment):
        self.deployment, self.sets, self.notes, self.now_s = deployment, {}, [], NOW_S
        self._made = itertools.count()

    def step(self):
        actions = plan(self.deployment, View(list(self.sets.values()), old_pods_run=self.old_pods_run()), self.now_s)
        for action in actions:
            match action:
                case Create(_, obj):
                    made = copy.deepcopy(obj)
                    made["metadata"] |= {"uid": obj["metadata"]["name"], "generation": 1, "resourceVersion": "1"}
                    made["metadata"]["creationTimestamp"] = ago(1000 - next(self._made))
                    self.sets[made["metadata"]["name"]] = made
                case Update("deployments.apps", obj, _):
                    self.deployment = copy.deepcopy(obj)
                case Update(_, obj, _):
                    self.sets[obj["metadata"]["name"]] = copy.deepcopy(obj)
                case Delete(_, key, _):
                    del self.sets[key.name]
                case Note(_, _, reason, message):
                    self.notes.append((reason, message))
        return [action for action in actions if not isinstance(action, Again)]

    def old_pods_run(self):
        _, old = revisions.split(self.deployment, self.sets.values())
        return any(rs["status"].get("replicas", 0) for rs in old if rs.get("status"))

    def pods_follow(self, available=True):
        for rs in self.sets.values():
            count = size(rs)
            rs["status"] = {"replicas": count, "observedGeneration": 1, "readyReplicas": count if available else 0}
            rs["status"]["availableReplicas"] = count if available else 0

    def settle(self, check=lambda: None):
        for _ in range(100):
            if not self.step():
                return
            check()
            self.pods_follow()
            check()
        raise AssertionError("it does not come to rest")

    def edit(self, **spec):
        self.deployment = copy.deepcopy(self.deployment)
        self.deployment["spec"].update(spec)
        self.deployment["metadata"]["generation"] += 1

    def sizes(self):
        return {rs["spec"]["template"]["spec"]["containers"][0]["image"]: size(rs) for rs in self.sets.values()}

    def condition(self, type):
        return next(c for c in self.deployment["status"]["conditions"] if c["type"] == type)


def started(replicas=4, **spec):
    world = World(deployment(replicas, **spec))
    world.settle()
    return world


def test_a_new_deployment_makes_one_replica_set_of_full_size():
    world = started(3)
    (rs,) = world.sets.values()
    assert size(rs) == 3
    hash = rs["metadata"]["labels"]["pod-template-hash"]
    assert rs["metadata"]["name"] == f"web-{hash}"
    assert rs["spec"]["selector"]["matchLabels"] == rs["spec"]["template"]["metadata"]["labels"]
    assert world.deployment["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
    assert world.notes == [("ScalingReplicaSet", f"Scaled up replica set web-{hash} from 0 to 3")]
    assert world.condition("Progressing")["reason"] == "NewReplicaSetAvailable"
    assert world.condition("Available")["status"] == "True"


@pytest.mark.parametrize(("surge", "unavailable"), [("25%", "25%"), (1, 0), (0, 1), ("100%", 0), (0, 0), ("50%", "50%")])
def test_a_rolling_update_keeps_within_surge_and_availability(surge, unavailable):
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    world = started(10, strategy=strategy)
    more, fewer = fenceposts(world.deployment)

    def check():
        assert sum(map(size, world.sets.values())) <= 10 + more
        available = sum(min(size(rs), rs.get("status", {}).get("availableReplicas", 0)) for rs in world.sets.values())
        assert available >= 10 - fewer

    world.edit(template=template("nginx:2"))
    world.settle(check)
    assert world.sizes() == {"nginx:1": 0, "nginx:2": 10}
    assert world.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_recreate_stops_the_old_before_it_starts_the_new():
    world = started(3, strategy={"type": "Recreate"})
    world.edit(template=template("nginx:2"))
    world.step()
    assert world.sizes() == {"nginx:1": 0}
    world.step()
    assert world.sizes() == {"nginx:1": 0}, "old pods still run"
    world.pods_follow()
    world.settle()
    assert world.sizes() == {"nginx:1": 0, "nginx:2": 3}


def test_undo_gives_the_old_replica_set_the_newest_revision():
    world = started(2)
    world.edit(template=template("nginx:2"))
    world.settle()
    world.edit(template=template("nginx:1"))
    world.settle()
    assert world.sizes() == {"nginx:1": 2, "nginx:2": 0}
    annotations = next(rs for rs in world.sets.values() if size(rs))["metadata"]["annotations"]
    assert annotations["deployment.kubernetes.io/revision"] == "3"
    assert annotations["deployment.kubernetes.io/revision-history"] == "1"


def test_history_beyond_the_limit_is_deleted_oldest_first():
    world = started(1, revisionHistoryLimit=1)
    for version in "234":
        world.edit(template=template(f"nginx:{version}"))
        world.settle()
    assert sorted(world.sizes()) == ["nginx:3", "nginx:4"]


def test_scaling_during_a_rollout_is_shared_in_proportion():
    world = started(10)
    world.edit(template=template("nginx:2"))
    world.step()
    world.pods_follow(available=False)
    for rs in world.sets.values():
        if size(rs) > 5:
            rs["status"]["availableReplicas"] = size(rs)
    while world.step():
        pass
    before = world.sizes()
    world.edit(replicas=20)
    world.step()
    after = world.sizes()
    assert sum(after.values()) == 25
    assert after["nginx:1"] > before["nginx:1"]
    assert after["nginx:2"] > before["nginx:2"]


def test_a_paused_deployment_scales_but_does_not_roll():
    world = started(2)
    world.edit(paused=True, template=template("nginx:2"))
    world.settle()
    assert world.sizes() == {"nginx:1": 2}
    assert (world.condition("Progressing")["status"], world.condition("Progressing")["reason"]) == (
        "Unknown",
        "DeploymentPaused",
    )
    world.edit(replicas=5)
    world.settle()
    assert world.sizes() == {"nginx:1": 5}
    world.edit(paused=False)
    world.settle()
    assert world.sizes() == {"nginx:1": 0, "nginx:2": 5}


def test_a_rollout_that_stands_still_is_called_late_after_its_deadline():
    world = started(2)
    world.edit(template=template("broken"))
    for _ in range(10):
        world.step()
        world.pods_follow()
        for rs in world.sets.values():
            if rs["spec"]["template"]["spec"]["containers"][0]["image"] == "broken":
                rs["status"]["availableReplicas"] = rs["status"]["readyReplicas"] = 0
    assert world.condition("Progressing")["status"] == "True"
    world.now_s += 601
    world.step()
    progressing = world.condition("Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert progressing["message"].endswith("has timed out progressing.")


def test_annotations_are_handed_down_but_for_those_of_its_own():
    dep = deployment(1)
    dep["metadata"]["annotations"] = {"team": "a", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    world = World(dep)
    world.settle()
    (rs,) = world.sets.values()
    assert rs["metadata"]["annotations"]["team"] == "a"
    assert "kubectl.kubernetes.io/last-applied-configuration" not in rs["metadata"]["annotations"]


def test_a_name_taken_by_a_stranger_counts_as_a_collision():
    dep = deployment(1)
    stranger = replica_set(revisions.next_name(dep), 1)
    (action,) = plan(dep, View([], namesake=stranger), NOW_S)
    assert action.object["status"]["collisionCount"] == 1
    assert revisions.next_name(action.object) != stranger["metadata"]["name"]


def test_an_empty_selector_is_told_and_nothing_else():
    dep = deployment(1)
    dep["spec"]["selector"] = {}
    (note,) = plan(dep, View([]), NOW_S)
    assert note.reason == "SelectingAll"


def test_status_counts_replica_sets():
    dep = deployment(3)
    world = World(dep)
    world.step()
    world.pods_follow()
    world.step()
    status = world.deployment["status"]
    assert {k: v for k, v in status.items() if k != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
