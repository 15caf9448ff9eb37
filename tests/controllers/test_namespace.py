"""Namespaces: what is told while one ends."""

from corral.controllers import root_ca, serviceaccount
from corral.controllers.actions import Create, Update
from corral.controllers.namespace import with_progress
from corral.testing.objects import NOW_S, ago, meta, pod


def told(remaining, failure=""):
    return {c["type"].removeprefix("Namespace"): c for c in with_progress([], remaining, failure, NOW_S)}


def test_what_is_left_is_counted_by_resource_and_finalizer():
    held = pod("a", finalizers=["example.com/hold"])
    conditions = told({"pods.": [held, pod("b")], "things.example.com": [pod("c", finalizers=["example.com/hold"])]})
    assert conditions["ContentRemaining"]["message"] == (
        "Some resources are remaining: pods. has 2 resource instances, things.example.com has 1 resource instances"
    )
    assert conditions["FinalizersRemaining"]["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances"
    )


def test_an_empty_namespace_says_so():
    conditions = told({"pods.": []})
    assert {c["status"] for c in conditions.values()} == {"False"}
    assert conditions["ContentRemaining"]["reason"] == "ContentRemoved"


def test_a_failure_is_told_and_the_time_of_what_stays_does_not_move():
    before = with_progress([], {}, "", NOW_S)
    after = {c["type"]: c for c in with_progress(before, {}, "boom", NOW_S + 60)}
    assert after["NamespaceDeletionContentFailure"]["message"] == "boom"
    assert after["NamespaceDeletionContentFailure"]["lastTransitionTime"] != before[2]["lastTransitionTime"]
    assert after["NamespaceContentRemaining"] == before[3]


def namespace(**more):
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": meta("team", **more)}


def test_active_namespaces_get_an_account_and_the_root_certificate():
    (account,) = serviceaccount.plan(namespace(), None)
    assert account.object["metadata"] == {"name": "default", "namespace": "team"}
    (made,) = root_ca.plan(namespace(), None, "PEM")
    assert isinstance(made, Create)
    assert made.object["data"] == {"ca.crt": "PEM"}
    assert root_ca.plan(namespace(), made.object, "PEM") == []
    (mended,) = root_ca.plan(namespace(), {**made.object, "data": {}}, "PEM")
    assert isinstance(mended, Update)


def test_ending_namespaces_get_nothing():
    assert serviceaccount.plan(namespace(deletionTimestamp=ago(1)), None) == []
    assert root_ca.plan(namespace(deletionTimestamp=ago(1)), None, "PEM") == []
