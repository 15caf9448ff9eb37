"""What metadata may hold."""

from typing import Any

import pytest

from corral.api import facts, metadata
from corral.api.kinds import rules
from corral.api.objects import Object
from corral.api.rules import Rules

CATALOG = facts.catalog()


def faults(meta: Object, group_resource: str = "configmaps") -> list[str]:
    resource = CATALOG.named(group_resource)
    found = metadata.validate_create({"metadata": meta}, resource, rules(resource.group, resource.kind))
    return [str(e) for e in found.items]


def changes(new: Object, old: Object) -> list[str]:
    return [str(e) for e in metadata.validate_update({"metadata": new}, {"metadata": old}).items]


def meta(**more: Any) -> Object:
    return {"name": "a", "namespace": "default", **more}


def test_a_good_object_has_no_faults() -> None:
    good = meta(
        labels={"app.kubernetes.io/name": "x", "b": ""},
        annotations={"Example.com/Any-Case": "free text"},
        finalizers=["example.com/hold", "orphan"],
        ownerReferences=[{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": True}],
        generation=1,
    )
    assert faults(good) == []


def test_names_are_required_and_checked_as_the_kind_says() -> None:
    assert faults({"namespace": "default"}) == ["metadata.name: Required value: name or generateName is required"]
    assert faults(meta(name="a.b")) == []
    assert len(faults(meta(name="a_b"))) == 1
    assert "DNS-1035" in faults(meta(name="1a"), "services")[0]


def test_names_that_need_only_fit_in_a_path() -> None:
    class PathNamed(Rules):
        name_format = "path_segment"

    found = metadata.validate_create({"metadata": {"name": "system:a"}}, CATALOG.named("nodes"), PathNamed())
    assert not found


def test_namespaces_belong_to_namespaced_kinds_only() -> None:
    assert faults({"name": "a"}) == ["metadata.namespace: Required value"]
    assert faults(meta(), "persistentvolumes") == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_labels_are_reported_at_the_map() -> None:
    found = faults(meta(labels={"a b": "x", "c": "y!"}))
    assert [f.split(":")[0] for f in found] == ["metadata.labels"] * 2
    assert 'Invalid value: "a b": name part must consist of' in found[0]
    assert 'Invalid value: "y!": a valid label must be' in found[1]


def test_annotations_have_a_size_limit() -> None:
    assert faults(meta(annotations={"a": "x" * (256 * 1024 - 1)})) == []
    too_long = "metadata.annotations: Too long: may not be more than 262144 bytes"
    assert faults(meta(annotations={"a": "x" * 256 * 1024})) == [too_long]


def test_owners_must_be_complete_and_have_one_controller() -> None:
    assert faults(meta(ownerReferences=[{}])) == [
        'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
        'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": must not be empty',
        'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ]
    owner = {"uid": "u", "name": "o", "kind": "ConfigMap", "apiVersion": "v1", "controller": True}
    found = faults(meta(ownerReferences=[owner, {**owner, "name": "p"}]))
    assert found[0].startswith('metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"ConfigMap","name":"o"')
    assert found[0].endswith('Found "true" in references for ConfigMap/o and ConfigMap/p')


def test_events_own_nothing() -> None:
    owner = {"apiVersion": "v1", "kind": "Event", "name": "e", "uid": "u"}
    assert "Kind=Event is disallowed from being an owner" in faults(meta(ownerReferences=[owner]))[0]


def test_finalizers_need_a_domain() -> None:
    assert faults(meta(finalizers=["nodomain"])) == [
        'metadata.finalizers[0]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified'
    ]
    both = faults(meta(finalizers=["orphan", "foregroundDeletion"]))
    assert both == [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
        "finalizer orphan and foregroundDeletion cannot be both set"
    ]


@pytest.mark.parametrize("field", ["name", "namespace", "uid"])
def test_identity_is_immutable(field: str) -> None:
    assert changes(meta(**{field: "x"}), meta(uid="u") if field == "uid" else meta()) == [
        f'metadata.{field}: Invalid value: "x": field is immutable'
    ]


def test_generation_never_falls() -> None:
    assert changes(meta(generation=1), meta(generation=2)) == ["metadata.generation: Invalid value: 1: must not be decremented"]


def test_what_is_being_deleted_gets_no_new_finalizers() -> None:
    old = meta(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["example.com/a"])
    assert changes({**old, "finalizers": []}, old) == []
    assert changes({**old, "finalizers": ["example.com/a", "example.com/b"]}, old) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"example.com/b"}'
    ]


def test_managers_are_printable_and_short() -> None:
    entry = {"operation": "Update", "manager": "a\tb", "fieldsType": "FieldsV1"}
    assert faults(meta(managedFields=[entry])) == [
        'metadata.managedFields[0].manager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)'
    ]
    assert len(faults(meta(managedFields=[{"operation": "Patch", "manager": "x" * 129}]))) == 2
