"""Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers: defaults, faults, what stays."""

import copy

import pytest

from corral.api.kinds import rules

KINDS = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]


def workload(**spec):
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "a", "image": "i"}]}}
    obj = {"metadata": {"name": "w", "namespace": "n"}}
    obj["spec"] = {"selector": {"matchLabels": {"app": "w"}}, "template": template, **spec}
    return obj


def made(kind, **spec):
    obj = workload(**spec)
    rules("apps", kind).default(obj)
    return obj


def faults(kind, obj, old=None, subresource=""):
    found = rules("apps", kind)
    errors = found.validate_create(obj) if old is None else found.validate_update(obj, old, subresource)
    return [str(e) for e in errors.items]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_one_has_no_fault_and_defaults_are_idempotent(kind):
    obj = made(kind)
    again = copy.deepcopy(obj)
    rules("apps", kind).default(again)
    assert again == obj
    assert faults(kind, obj) == []
    assert faults(kind, again, obj) == []


def test_defaults_of_a_deployment():
    spec = made("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)


@pytest.mark.parametrize("kind", KINDS)
def test_the_selector_matches_the_template(kind):
    obj = made(kind, selector={"matchLabels": {"app": "other"}})
    assert faults(kind, obj) == [
        'spec.template.metadata.labels: Invalid value: {"app":"w"}: `selector` does not match template `labels`'
    ]


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet"])
def test_the_selector_stays(kind):
    old, new = made(kind), made(kind)
    new["spec"]["selector"]["matchLabels"]["tier"] = "x"
    new["spec"]["template"]["metadata"]["labels"]["tier"] = "x"
    assert faults(kind, new, old) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"w","tier":"x"}}: field is immutable'
    ]


def test_a_statefulset_changes_in_some_fields_only():
    old, new = made("StatefulSet"), made("StatefulSet", replicas=3)
    assert faults("StatefulSet", new, old) == []
    new["spec"]["serviceName"] = "other"
    (fault,) = faults("StatefulSet", new, old)
    assert fault.startswith("spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals',")


def test_containers_of_a_statefulset_mount_its_claims():
    claims = [
        {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}
    ]
    obj = made("StatefulSet", volumeClaimTemplates=claims)
    obj["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    assert faults("StatefulSet", obj) == []
    obj["spec"]["volumeClaimTemplates"] = []
    assert faults("StatefulSet", obj) == ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"']


def test_pods_of_a_workload_are_always_restarted():
    obj = made("Deployment")
    obj["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    assert faults("Deployment", obj) == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'
    ]


def test_a_rolling_update_must_be_able_to_move():
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "0%"}}
    assert faults("Deployment", made("Deployment", strategy=strategy)) == [
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
    ]


def test_ready_pods_are_not_more_than_there_are():
    old, new = made("Deployment"), made("Deployment")
    new["status"] = {"replicas": 1, "readyReplicas": 2}
    assert faults("Deployment", new, old, "status") == [
        "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
    ]


def test_statuses_of_replicas():
    old, new = made("StatefulSet"), made("StatefulSet")
    old["status"] = {"collisionCount": 2}
    new["status"] = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 2, "currentReplicas": -1, "collisionCount": 1}
    assert faults("StatefulSet", new, old, "status") == [
        "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0",
        "status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas",
        "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas",
        "status.collisionCount: Invalid value: 1: cannot be decremented",
    ]
    new["status"] = {"replicas": 1, "fullyLabeledReplicas": 2, "terminatingReplicas": -1}
    assert faults("ReplicaSet", new, made("ReplicaSet"), "status") == [
        "status.terminatingReplicas: Invalid value: -1: must be greater than or equal to 0",
        "status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas",
    ]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_collisions_are_not_forgotten(kind):
    old, new = made(kind), made(kind)
    old["status"], new["status"] = {"collisionCount": 1}, {}
    assert faults(kind, new, old, "status") == ["status.collisionCount: Invalid value: 0: cannot be decremented"]


def test_the_service_of_a_statefulset_has_the_name_of_a_host():
    obj = made("StatefulSet", serviceName="Not_A_Label")
    (fault,) = faults("StatefulSet", obj)
    assert fault.startswith('spec.serviceName: Invalid value: "Not_A_Label": a lowercase RFC 1123 label')
    assert faults("StatefulSet", copy.deepcopy(obj), obj) == []
    assert rules("apps", "StatefulSet").name_format == "dns_label"


def test_rows():
    obj = made("Deployment", replicas=2)
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    obj["status"] = {"replicas": 2, "readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}
    assert rules("apps", "Deployment").cells(obj, 60) == ["w", "1/2", 2, 1, "60s", "a", "i", "app=w"]


def test_a_replication_controller_takes_selector_and_labels_from_its_template():
    obj = workload()
    del obj["spec"]["selector"]
    rc = rules("", "ReplicationController")
    rc.default(obj)
    assert obj["spec"]["selector"] == obj["metadata"]["labels"] == {"app": "w"}
    assert not rc.validate_create(obj)
