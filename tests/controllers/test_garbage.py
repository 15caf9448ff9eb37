"""The garbage collector's plan for one object."""

from corral.api.objects import Key
from corral.controllers.actions import Delete, Patch
from corral.controllers.garbage import Node, plan
from corral.testing.objects import ago, meta, owned_by, replica_set


def thing(name, *owners, **more):
    references = [owned_by(o) for o in owners]
    obj = {"kind": "Thing", "apiVersion": "v1", "metadata": meta(name, ownerReferences=references, **more)}
    return Node("things", obj)


def refs(node, *states):
    return list(zip(node.object["metadata"]["ownerReferences"], states, strict=True))


OWNER, OTHER = replica_set("owner", 1), replica_set("other", 1)


def test_what_has_an_owner_stays():
    node = thing("a", OWNER)
    assert plan(node, refs(node, "there"), []) == []


def test_what_all_owners_have_left_is_deleted_if_it_is_still_the_same():
    node = thing("a", OWNER, OTHER)
    (action,) = plan(node, refs(node, "absent", "absent"), [])
    assert action == Delete("things", Key("default", "a"), node.uid, "Background")


def test_one_owner_that_is_left_keeps_it_and_the_other_reference_goes():
    node = thing("a", OWNER, OTHER)
    (action,) = plan(node, refs(node, "absent", "there"), [])
    assert isinstance(action, Patch)
    assert [o["uid"] for o in action.patch["metadata"]["ownerReferences"]] == [OTHER["metadata"]["uid"]]


def test_its_own_finalizers_decide_how_it_goes():
    for finalizer, how in (("orphan", "Orphan"), ("foregroundDeletion", "Foreground")):
        node = thing("a", OWNER, finalizers=[finalizer])
        assert plan(node, refs(node, "absent"), [])[0].propagation == how


def test_an_owner_that_waits_passes_the_waiting_on():
    node, child = thing("a", OWNER), thing("child")
    assert plan(node, refs(node, "waiting"), [child])[0].propagation == "Foreground"
    assert plan(node, refs(node, "waiting"), [])[0].propagation == "Background"


def test_foreground_deletion_waits_for_those_that_block_it():
    ending = thing("a", finalizers=["foregroundDeletion", "mine"], deletionTimestamp=ago(1))
    blocking, loose = thing("b", ending.object), thing("c", ending.object)
    loose.object["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = False
    assert plan(ending, [], [blocking, loose]) == []
    (patch,) = plan(ending, [], [loose])
    assert patch.patch["metadata"]["finalizers"] == ["mine"]


def test_orphaning_frees_the_dependents_first():
    ending = thing("a", finalizers=["orphan"], deletionTimestamp=ago(1))
    dependent = thing("b", ending.object, OTHER)
    free, last = plan(ending, [], [dependent])
    assert [o["uid"] for o in free.patch["metadata"]["ownerReferences"]] == [OTHER["metadata"]["uid"]]
    assert last.patch["metadata"]["finalizers"] is None


def test_two_that_block_each_other_are_let_go():
    node = thing("a", OWNER)
    other = thing("b", node.object, finalizers=["foregroundDeletion"], deletionTimestamp=ago(1))
    unblock, delete = plan(node, refs(node, "waiting"), [other])
    assert unblock.patch["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is False
    assert isinstance(delete, Delete)


def test_what_is_being_deleted_already_is_left_to_that():
    node = thing("a", OWNER, deletionTimestamp=ago(1))
    assert plan(node, refs(node, "absent"), []) == []
