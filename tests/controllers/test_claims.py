"""Claims: adopted by selector, released when labels no longer match, never taken from another."""

from corral.controllers.claims import plan_claims
from corral.testing.objects import ago, pod, replica_set


def matches(labels):
    return labels.get("app") == "web"


def claims(owner, *candidates):
    return plan_claims(owner, "pods", candidates, matches)


def test_a_matching_orphan_is_adopted_as_controller_and_guarded_by_uid():
    rs, orphan = replica_set("web", 1), pod("a")
    found = claims(rs, orphan)
    assert found.adopted == [orphan]
    (patch,) = found.actions
    (reference,) = patch.patch["metadata"]["ownerReferences"]
    assert reference["uid"] == rs["metadata"]["uid"]
    assert reference["controller"] is reference["blockOwnerDeletion"] is True
    assert patch.patch["metadata"]["uid"] == orphan["metadata"]["uid"]


def test_an_owned_pod_with_other_labels_is_released():
    rs = replica_set("web", 1)
    found = claims(rs, pod("a", owner=rs, labels={"app": "debug"}))
    assert (found.owned, found.adopted) == ([], [])
    assert found.actions[0].patch["metadata"]["ownerReferences"] == [{"$patch": "delete", "uid": rs["metadata"]["uid"]}]


def test_pods_of_others_ending_orphans_and_strangers_are_left_alone():
    rs, other = replica_set("web", 1), replica_set("other", 1)
    found = claims(rs, pod("a", owner=other), pod("b", deletionTimestamp=ago(1)), pod("c", labels={"app": "x"}))
    assert (found.owned, found.adopted, found.actions) == ([], [], [])


def test_an_owner_that_is_being_deleted_neither_adopts_nor_releases():
    rs = replica_set("web", 1, deletionTimestamp=ago(1))
    owned = pod("c", owner=rs)
    found = claims(rs, pod("a"), pod("b", owner=rs, labels={"app": "x"}), owned)
    assert (found.owned, found.adopted, found.actions) == ([owned], [], [])
