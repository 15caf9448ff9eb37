"""StatefulSets: names and order, played against a small model of pods."""

import copy

import pytest

from corral.controllers import history
from corral.controllers.statefulclaims import is_of, plan_missing, plan_owners
from corral.controllers.statefulset import plan, pod_of
from corral.testing.objects import NOW_S, ago, meta, template


def owner(replicas=3, image="db:1", **spec):
    return {
        "kind": "StatefulSet",
        "apiVersion": "apps/v1",
        "metadata": meta("db"),
        "spec": {
            "replicas": replicas,
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "updateStrategy": {"type": "RollingUpdate"},
            **spec,
        },
        "status": {},
    }


class World:
    """Carries out plans; pods become ready or end when told to."""

    def __init__(self, owner):
        self.owner, self.pods, self.revisions, self.log = owner, {}, {}, []

    def step(self):
        found = history.plan(self.owner, self.revisions.values())
        for action in found.actions:
            self.revisions[action.object["metadata"]["name"]] = copy.deepcopy(action.object)
        wanted = self.owner["status"].get("currentRevision")
        current = self.revisions.get(wanted, found.present)
        todo = plan(self.owner, list(self.pods.values()), found, current, NOW_S)
        self.owner["status"] = todo.status
        for planned in todo.create:
            name = planned["metadata"]["name"]
            made = {**copy.deepcopy(planned), "status": {"phase": "Pending"}}
            made["metadata"] |= {"uid": name, "creationTimestamp": ago(5)}
            self.pods[name] = made
            self.log.append(f"+{name}")
        for pod in todo.delete:
            self.pods[pod["metadata"]["name"]]["metadata"]["deletionTimestamp"] = ago(0)
            self.log.append(f"-{pod['metadata']['name']}")
        return bool(todo.create or todo.delete)

    def pods_follow(self):
        for name, pod in list(self.pods.items()):
            if pod["metadata"].get("deletionTimestamp"):
                del self.pods[name]
            else:
                ready = {"type": "Ready", "status": "True", "lastTransitionTime": ago(1)}
                pod["status"] = {"phase": "Running", "conditions": [ready]}

    def settle(self):
        for _ in range(50):
            if not self.step():
                self.pods_follow()
                if not self.step():
                    return self
            self.pods_follow()
        raise AssertionError("it does not come to rest")

    def images(self):
        return {name: pod["spec"]["containers"][0]["image"] for name, pod in sorted(self.pods.items())}


def test_pods_come_one_after_the_other_each_when_the_last_is_ready():
    world = World(owner())
    world.step()
    world.step()
    assert world.log == ["+db-0"], "the second waits for the first to be ready"
    world.settle()
    assert world.log == ["+db-0", "+db-1", "+db-2"]
    assert world.owner["status"]["readyReplicas"] == 3


def test_in_parallel_all_come_at_once():
    world = World(owner(podManagementPolicy="Parallel"))
    world.step()
    assert world.log == ["+db-0", "+db-1", "+db-2"]


def test_the_last_goes_first_and_one_at_a_time():
    world = World(owner()).settle()
    world.log.clear()
    world.owner["spec"]["replicas"] = 1
    world.step()
    world.step()
    assert world.log == ["-db-2"]
    world.settle()
    assert world.log == ["-db-2", "-db-1"]


def test_ordinals_may_start_elsewhere():
    assert sorted(World(owner(2, ordinals={"start": 5})).settle().pods) == ["db-5", "db-6"]


@pytest.mark.parametrize(
    ("partition", "expected"), [(0, ["-db-2", "+db-2", "-db-1", "+db-1", "-db-0", "+db-0"]), (2, ["-db-2", "+db-2"])]
)
def test_an_update_goes_from_the_last_down_to_the_partition(partition, expected):
    world = World(owner(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": partition}})).settle()
    world.log.clear()
    world.owner["spec"]["template"] = template("db:2")
    world.settle()
    assert world.log == expected
    status = world.owner["status"]
    assert (status["currentRevision"] == status["updateRevision"]) is (partition == 0)
    assert status["updatedReplicas"] == 3 - partition


def test_below_the_partition_a_lost_pod_comes_back_as_it_was():
    world = World(owner(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})).settle()
    world.owner["spec"]["template"] = template("db:2")
    world.settle()
    del world.pods["db-0"]
    world.settle()
    assert world.images() == {"db-0": "db:1", "db-1": "db:1", "db-2": "db:2"}


def test_on_delete_waits_for_somebody_to_delete():
    world = World(owner(updateStrategy={"type": "OnDelete"})).settle()
    world.log.clear()
    world.owner["spec"]["template"] = template("db:2")
    world.settle()
    assert world.log == []


def test_a_failed_pod_is_replaced():
    world = World(owner(1)).settle()
    world.pods["db-0"]["status"] = {"phase": "Failed"}
    world.log.clear()
    world.settle()
    assert world.log == ["-db-0", "+db-0"]


def test_a_pod_has_its_name_everywhere_and_its_own_claims():
    claims = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    stateful = owner(volumeClaimTemplates=claims)
    (action,) = history.plan(stateful, []).actions
    pod = pod_of(stateful, 1, action.object)
    assert (pod["metadata"]["name"], pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-1", "db-1", "db")
    assert pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "db-1"
    assert pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
    assert pod["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}}]
    (claim,) = plan_missing(stateful, 1, lambda name: None)
    assert claim.object["metadata"]["name"] == "data-db-1"


def test_an_old_template_gets_its_old_revision_with_the_highest_number():
    stateful, other = owner(image="db:1"), owner(image="db:2")
    first = history.plan(stateful, []).present
    second = history.plan(other, [first]).present
    back = history.plan(stateful, [first, second])
    assert (first["revision"], second["revision"], back.present["revision"]) == (1, 2, 3)
    assert back.present["metadata"]["name"] == first["metadata"]["name"]


def _claim(*owners):
    return {"metadata": meta("data-db-1", ownerReferences=list(owners))}


def _set(**policy):
    retention = {"whenScaled": "Retain", "whenDeleted": "Retain", **policy}
    claims = [{"metadata": {"name": "data"}, "spec": {}}]
    return owner(volumeClaimTemplates=claims, persistentVolumeClaimRetentionPolicy=retention)


def _owners(stateful, claim, *, condemned):
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "db-1", "uid": "pod"}}
    actions = plan_owners(stateful, pod, 1, condemned=condemned, find={"data-db-1": claim}.get)
    if not actions:
        return None
    return [ref["kind"] for ref in actions[0].patch["metadata"]["ownerReferences"] or ()]


@pytest.mark.parametrize(
    ("policy", "condemned", "kinds"),
    [
        ({}, True, None),
        ({"whenDeleted": "Delete"}, False, ["StatefulSet"]),
        ({"whenDeleted": "Delete"}, True, ["StatefulSet"]),
        ({"whenScaled": "Delete"}, False, None),
        ({"whenScaled": "Delete"}, True, ["Pod"]),
        ({"whenScaled": "Delete", "whenDeleted": "Delete"}, True, ["Pod"]),
    ],
)
def test_claims_belong_to_whom_they_are_to_go_with(policy, condemned, kinds):
    assert _owners(_set(**policy), _claim(), condemned=condemned) == kinds


def test_claims_are_let_go_when_they_are_to_be_kept_again():
    stateful = _set()
    ours = {"kind": "StatefulSet", "name": "db", "uid": stateful["metadata"]["uid"]}
    others = {"kind": "Other", "name": "o", "uid": "other"}
    assert _owners(stateful, _claim(ours, others), condemned=False) == ["Other"]
    former = {"kind": "Pod", "name": "db-1", "uid": "an-earlier-one"}
    assert _owners(stateful, _claim(former), condemned=False) == []


def test_only_claims_that_are_missing_are_made():
    stateful = _set(whenDeleted="Delete")
    assert plan_missing(stateful, 1, {"data-db-1": _claim()}.get) == []
    (action,) = plan_missing(stateful, 1, {}.get)
    assert action.object["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"
    assert is_of(stateful, "data-db-1") and not is_of(stateful, "data-db-x") and not is_of(stateful, "logs-db-1")
