"""Which volume serves which claim."""

import pytest

from corral.api.persistentvolumes import allows, claim_of, class_of, hostnames, is_for, matches_of, mismatch, reaches


def volume(name, size="1Gi", modes=("ReadWriteOnce",), phase="Available", labels=None, **spec):
    filled = {"capacity": {"storage": size}, "accessModes": list(modes), "storageClassName": "slow", **spec}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": filled, "status": {"phase": phase}}


def claim(size="1Gi", modes=("ReadWriteOnce",), **spec):
    filled = {"resources": {"requests": {"storage": size}}, "accessModes": list(modes), "storageClassName": "slow", **spec}
    return {"metadata": {"name": "data", "namespace": "n", "uid": "u"}, "spec": filled}


def ref(uid="", name="data"):
    return {"namespace": "n", "name": name, **({"uid": uid} if uid else {})}


def ranked(*volumes, of=None):
    return [found["metadata"]["name"] for found in matches_of(of or claim(), volumes)]


def best(*volumes, of=None):
    return next(iter(ranked(*volumes, of=of)), None)


def test_the_smallest_that_is_large_enough_is_taken():
    assert best(volume("a", "5Gi"), volume("b", "2Gi"), volume("c", "500Mi")) == "b"
    assert best(volume("c", "500Mi")) is None


def test_one_that_can_do_no_more_than_is_asked_for_is_taken_before_one_that_can():
    assert best(volume("a", modes=["ReadWriteOnce", "ReadWriteMany"]), volume("b", "9Gi")) == "b"


@pytest.mark.parametrize(
    "unfit",
    [
        volume("v", modes=["ReadOnlyMany"]),
        volume("v", storageClassName="fast"),
        volume("v", volumeMode="Block"),
        volume("v", phase="Released"),
        volume("v", phase="Pending"),
        volume("v", claimRef=ref(name="other")),
        volume("v", claimRef=ref(uid="of-an-earlier-one")),
        {**volume("v"), "metadata": {"name": "v", "deletionTimestamp": "2026-01-01T00:00:00Z"}},
    ],
)
def test_what_does_not_fit_is_left(unfit):
    assert best(unfit) is None


def test_a_selector_chooses_by_labels():
    wanting = claim(selector={"matchLabels": {"tier": "gold"}})
    assert best(volume("a"), volume("b", labels={"tier": "gold"}), of=wanting) == "b"


def test_the_one_reserved_for_the_claim_is_the_only_one():
    reserved = volume("r", "9Gi", claimRef=ref(), storageClassName="any")
    assert ranked(volume("a"), reserved) == ["r"]


def test_others_come_after_the_best():
    assert ranked(volume("b", "2Gi"), volume("a"), volume("c", "3Gi")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (volume("v"), ""),
        (volume("v", "1Mi"), "requested PV is too small"),
        (volume("v", storageClassName="x"), "storageClassName does not match"),
        (volume("v", volumeMode="Block"), "incompatible volumeMode"),
        (volume("v", modes=["ReadOnlyMany"]), "incompatible accessMode"),
    ],
)
def test_why_a_volume_cannot_serve_a_claim(named, why):
    assert mismatch(named, claim()) == why


def test_a_volume_reaches_the_nodes_that_its_affinity_names():
    terms = [{"matchExpressions": [{"key": "host", "operator": "In", "values": ["a", "b"]}]}]
    local = volume("v", nodeAffinity={"required": {"nodeSelectorTerms": terms}})
    assert reaches(local, {"host": "a"}, "n") and not reaches(local, {"host": "c"}, "n")
    assert reaches(volume("w"), {}, "n")


def test_the_hosts_to_which_a_volume_is_tied():
    def tied(*terms):
        return volume("v", nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": list(t)} for t in terms]}})

    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["a", "b"]}
    zone = {"key": "zone", "operator": "In", "values": ["z"]}
    assert hostnames(tied([here])) == ["a", "b"]
    assert hostnames(tied([zone, here])) == ["a", "b"]
    assert hostnames(tied([zone])) is None
    assert hostnames(tied([here], [zone])) is None
    assert hostnames(volume("v")) is None


def test_topologies_of_a_class():
    terms = [{"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}]
    assert allows(terms, {"zone": "b"}) and not allows(terms, {"zone": "c"}) and allows(None, {})


def test_names():
    old = claim(storageClassName="new")
    old["metadata"]["annotations"] = {"volume.beta.kubernetes.io/storage-class": "old"}
    assert class_of(old) == "old"
    bound = volume("v", claimRef=ref(uid="u"))
    assert str(claim_of(bound)) == "n/data" and is_for(bound, claim()) and claim_of(volume("v")) is None
