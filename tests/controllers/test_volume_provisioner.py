"""Volumes on the disks of nodes: what is ordered, made, grown and let go. Plans, without a server."""

import pytest

from corral.api.persistentvolumes import BIND_COMPLETED, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER
from corral.controllers.actions import Delete, Note, Patch
from corral.controllers.volume_provisioner import (
    FINALIZER,
    PROVISIONER,
    Order,
    is_to_be_removed,
    node_of,
    plan_growth,
    plan_order,
    plan_parting,
    volume_of,
)
from corral.testing.objects import meta

LATE = {"metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Retain"}
SOON = {"metadata": {"name": "soon"}, "volumeBindingMode": "Immediate"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def node(name, status=READY, **spec):
    return {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": f"host-{name}"}}, "spec": spec, "status": status}


def claim(size="1Gi", annotations=None, status=None, **spec):
    notes = {STORAGE_PROVISIONER: PROVISIONER, **(annotations or {})}
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"metadata": meta("data", annotations=notes), "spec": asked, "status": status or {"phase": "Pending"}}


def volume(phase="Bound", size="1Gi", policy="Delete", by=PROVISIONER, **metadata):
    about = {"name": "pvc-1", "uid": "v", "annotations": {PROVISIONED_BY: by}, "finalizers": [FINALIZER], **metadata}
    spec = {"capacity": {"storage": size}, "persistentVolumeReclaimPolicy": policy}
    return {"metadata": about, "spec": spec, "status": {"phase": phase}}


def test_a_volume_is_ordered_on_the_node_that_was_chosen():
    wanting = claim(annotations={SELECTED_NODE: "n2"})
    order = plan_order(wanting, LATE, [node("n1"), node("n2")])
    assert isinstance(order, Order) and order.node["metadata"]["name"] == "n2"
    made = volume_of(order, "/disk/x")
    assert made["metadata"]["name"] == f"pvc-{wanting['metadata']['uid']}"
    assert made["spec"]["local"] == {"path": "/disk/x"}
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["spec"]["claimRef"]["uid"] == wanting["metadata"]["uid"]
    assert node_of(made, [node("n1"), node("n2")]) == "n2"
    assert node_of(made, [node("n1")]) == ""


@pytest.mark.parametrize(
    ("waits", "storage_class"),
    [
        (claim(), LATE),
        (claim(), None),
        (claim(annotations={STORAGE_PROVISIONER: "example.com/p"}), SOON),
        (claim(volumeName="pvc-1"), SOON),
        ({**claim(), "metadata": {**claim()["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}, SOON),
    ],
)
def test_nothing_is_ordered_for(waits, storage_class):
    assert plan_order(waits, storage_class, [node("n1")]) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"volumeMode": "Block"}, "block device"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "claim Selector is not supported"),
        ({"dataSourceRef": {"kind": "VolumeSnapshot", "name": "s"}}, "data source"),
    ],
)
def test_what_a_folder_cannot_be(asked, why):
    found = plan_order(claim(**asked), SOON, [node("n1")])
    assert isinstance(found, str) and why in found


def test_a_class_that_does_not_wait_takes_a_node_that_is_ready():
    nodes = [node("n1", status={}), node("n2", unschedulable=True), node("n3"), node("n4")]
    assert plan_order(claim(), SOON, nodes).node["metadata"]["name"] == "n3"
    assert plan_order(claim(), SOON, nodes[:2]) == "no node is ready"


def test_a_claim_grows_with_its_volume_and_says_so_once():
    bound = {BIND_COMPLETED: "yes"}
    larger = claim("2Gi", bound, {"phase": "Bound", "capacity": {"storage": "1Gi"}}, volumeName="pvc-1")
    to_volume, to_claim, note = plan_growth(larger, volume())
    assert to_volume.patch == {"spec": {"capacity": {"storage": "2Gi"}}}
    assert to_claim.patch["status"] == {"capacity": {"storage": "2Gi"}}
    assert isinstance(note, Note)
    grown = {**larger, "status": {"phase": "Bound", "capacity": {"storage": "2Gi"}}}
    assert plan_growth(grown, volume(size="2Gi")) == []


def test_a_claim_that_is_only_just_bound_does_not_grow():
    assert plan_growth(claim(annotations={BIND_COMPLETED: "yes"}, volumeName="pvc-1"), volume()) == []
    larger = claim("2Gi", {BIND_COMPLETED: "yes"}, {"phase": "Bound", "capacity": {"storage": "1Gi"}}, volumeName="pvc-1")
    assert plan_growth(larger, volume(by="example.com/p")) == []


@pytest.mark.parametrize(
    ("phase", "policy", "removed"),
    [("Bound", "Delete", False), ("Released", "Delete", True), ("Failed", "Delete", True), ("Released", "Retain", False)],
)
def test_data_goes_when_its_claim_is_gone_and_the_policy_says_so(phase, policy, removed):
    assert is_to_be_removed(volume(phase, policy=policy)) is removed


def test_a_volume_goes_after_its_data():
    delete, patch = plan_parting(volume("Released", finalizers=[FINALIZER, "example.com/other"]))
    assert isinstance(delete, Delete) and delete.uid == "v"
    assert isinstance(patch, Patch) and patch.patch["metadata"]["finalizers"] == ["example.com/other"]
    (patch,) = plan_parting(volume("Released", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert patch.patch["metadata"]["finalizers"] is None
