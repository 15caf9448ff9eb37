"""Claims and volumes come together and part. Plans, without a server."""

import pytest

from corral.api.persistentvolumes import BIND_COMPLETED, BOUND_BY_CONTROLLER, PROVISIONED_BY, SELECTED_NODE
from corral.controllers.actions import Note, Patch, Update
from corral.controllers.volumebinding import Offer, plan_claim, plan_volume
from corral.testing.objects import meta

LATE = {"metadata": {"name": "late"}, "provisioner": "example.com/p", "volumeBindingMode": "WaitForFirstConsumer"}
SOON = {"metadata": {"name": "soon"}, "provisioner": "example.com/p", "volumeBindingMode": "Immediate"}


def claim(annotations=None, status=None, **spec):
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    return {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "metadata": meta("data", annotations=annotations or {}),
        "spec": {**size, "storageClassName": "", **spec},
        "status": status or {"phase": "Pending"},
    }


def volume(phase="Available", annotations=None, **spec):
    filled = {"capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, **spec}
    metadata = {"name": "disk", "uid": "volume", "resourceVersion": "1", "annotations": annotations or {}}
    return {"metadata": metadata, "spec": filled, "status": {"phase": phase}}


def ref(of, **more):
    m = of["metadata"]
    return {"namespace": m["namespace"], "name": m["name"], "uid": m["uid"], **more}


def notes(actions):
    return [(a.reason, a.message) for a in actions if isinstance(a, Note)]


def test_both_name_each_other_and_are_bound():
    wanting = claim()
    to_volume, volume_status, to_claim, claim_status = plan_claim(wanting, None, [volume()], Offer())
    assert isinstance(to_volume, Update)
    assert to_volume.object["spec"]["claimRef"]["uid"] == wanting["metadata"]["uid"]
    assert to_volume.object["metadata"]["annotations"] == {BOUND_BY_CONTROLLER: "yes"}
    assert volume_status.patch["status"]["phase"] == "Bound"
    assert to_claim.patch["spec"] == {"volumeName": "disk"}
    assert to_claim.patch["metadata"]["annotations"] == {BIND_COMPLETED: "yes", BOUND_BY_CONTROLLER: "yes"}
    assert claim_status.patch["status"] == {
        "phase": "Bound",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "2Gi"},
    }


def test_what_is_bound_stays_as_it_is():
    status = {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"}}
    bound = claim({BIND_COMPLETED: "yes"}, status, volumeName="disk")
    its = volume("Bound", claimRef=ref(bound))
    assert plan_claim(bound, its, [], Offer()) == []
    assert plan_volume(its, bound) == []


def test_what_users_chose_is_not_marked_as_chosen_by_the_controller():
    wanting = claim(volumeName="disk")
    to_volume, _, to_claim, _ = plan_claim(wanting, volume(claimRef=ref(wanting, uid="")), [], Offer())
    assert to_volume.object["metadata"]["annotations"] == {}
    assert to_claim.patch["metadata"]["annotations"] == {BIND_COMPLETED: "yes"}


def test_a_volume_asked_for_by_name_that_does_not_fit_or_is_anothers():
    wanting = claim(volumeName="disk", accessModes=["ReadWriteMany"])
    why = ("VolumeMismatch", 'Cannot bind to requested volume "disk": incompatible accessMode')
    assert notes(plan_claim(wanting, volume(), [], Offer())) == [why]
    anothers = volume(claimRef={"namespace": "other", "name": "x", "uid": "y"})
    why = ("FailedBinding", 'volume "disk" already bound to a different claim.')
    assert notes(plan_claim(wanting, anothers, [], Offer())) == [why]
    assert plan_claim(wanting, None, [], Offer()) == []


def test_without_a_class_nothing_is_made():
    text = "no persistent volumes available for this claim and no storage class is set"
    assert notes(plan_claim(claim(), None, [], Offer())) == [("FailedBinding", text)]


def test_a_claim_of_no_class_gets_the_default_even_afterwards():
    unnamed = claim()
    del unnamed["spec"]["storageClassName"]
    (action,) = plan_claim(unnamed, None, [], Offer(default_class="soon"))
    assert action.patch["spec"] == {"storageClassName": "soon"}
    assert notes(plan_claim(claim(), None, [], Offer(default_class="soon")))[0][0] == "FailedBinding"


def test_a_claim_waits_for_its_first_consumer_and_then_for_its_volume():
    (note,) = notes(plan_claim(claim(storageClassName="late"), None, [volume(storageClassName="late")], Offer(LATE)))
    assert note == ("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    chosen = claim({SELECTED_NODE: "n1"}, storageClassName="late")
    patch, note = plan_claim(chosen, None, [], Offer(LATE))
    assert patch.patch["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] == "example.com/p"
    assert note.reason == "ExternalProvisioning" and "by the external provisioner 'example.com/p' or manually" in note.message


def test_what_cannot_be_made_says_why():
    wanting = claim(storageClassName="gone")
    assert notes(plan_claim(wanting, None, [], Offer())) == [
        ("ProvisioningFailed", 'storageclass.storage.k8s.io "gone" not found')
    ]
    by_hand = {**SOON, "provisioner": "kubernetes.io/no-provisioner"}
    why = "no volume plugin matched name: kubernetes.io/no-provisioner"
    assert notes(plan_claim(wanting, None, [], Offer(by_hand))) == [("ProvisioningFailed", why)]


@pytest.mark.parametrize(
    ("name", "its", "reason"),
    [
        ("", None, "ClaimLost"),
        ("disk", None, "ClaimLost"),
        ("disk", volume(claimRef={"namespace": "default", "name": "data", "uid": "another"}), "ClaimMisbound"),
    ],
)
def test_a_claim_whose_volume_is_gone_is_lost_and_that_is_told_once(name, its, reason):
    bound = claim({BIND_COMPLETED: "yes"}, {"phase": "Bound", "capacity": {"storage": "2Gi"}}, volumeName=name)
    status, note = plan_claim(bound, its, [], Offer())
    assert status.patch["status"] == {"phase": "Lost", "capacity": None}
    assert note.reason == reason
    assert plan_claim({**bound, "status": {"phase": "Lost"}}, its, [], Offer()) == []


def test_a_volume_is_available_until_it_is_bound():
    assert plan_volume(volume("Pending"), None)[0].patch["status"]["phase"] == "Available"
    reserved = volume("Pending", claimRef={"namespace": "n", "name": "data"})
    assert plan_volume(reserved, None)[0].patch["status"]["phase"] == "Available"


def test_a_volume_whose_claim_is_gone_is_released_and_kept():
    former = claim()
    its = volume("Bound", claimRef=ref(former), persistentVolumeReclaimPolicy="Retain")
    (action,) = plan_volume(its, None)
    assert isinstance(action, Patch) and action.patch["status"]["phase"] == "Released"
    another = {**former, "metadata": {**former["metadata"], "uid": "another"}}
    assert plan_volume(its, another) == [action]
    assert plan_volume({**its, "status": {"phase": "Released"}}, None) == []


def test_what_nobody_can_delete_has_failed():
    its = volume("Released", claimRef=ref(claim()), persistentVolumeReclaimPolicy="Delete")
    status, note = plan_volume(its, None)
    assert status.patch["status"]["phase"] == "Failed" and note.reason == "VolumeFailedDelete"
    assert plan_volume({**its, "status": {"phase": "Failed"}}, None) == []
    made = volume("Released", {PROVISIONED_BY: "x"}, claimRef=ref(claim()), persistentVolumeReclaimPolicy="Delete")
    assert plan_volume(made, None) == []


def test_a_volume_whose_claim_got_another_is_free_again():
    elsewhere = claim({BIND_COMPLETED: "yes"}, volumeName="another")
    update, status = plan_volume(volume("Bound", {BOUND_BY_CONTROLLER: "yes"}, claimRef=ref(elsewhere)), elsewhere)
    assert "claimRef" not in update.object["spec"] and update.object["metadata"]["annotations"] == {}
    assert status.patch["status"]["phase"] == "Available"
    update, _ = plan_volume(volume("Bound", claimRef=ref(elsewhere)), elsewhere)
    assert update.object["spec"]["claimRef"] == {"namespace": "default", "name": "data"}


def test_a_volume_made_for_a_claim_that_got_another_goes():
    elsewhere = claim({BIND_COMPLETED: "yes"}, volumeName="another")
    its = volume("Bound", {PROVISIONED_BY: "x"}, claimRef=ref(elsewhere), persistentVolumeReclaimPolicy="Delete")
    assert plan_volume(its, elsewhere)[0].patch["status"]["phase"] == "Released"
