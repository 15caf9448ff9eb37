"""Kinds of storage.k8s.io."""

import pytest

from corral.api.kinds import rules

GROUP = "storage.k8s.io"


def made(kind, **fields):
    obj = {"metadata": {"name": "a"}, **fields}
    rules(GROUP, kind).default(obj)
    return obj


def faults(kind, obj, old=None):
    found = rules(GROUP, kind)
    errors = found.validate_create(obj) if old is None else found.validate_update(obj, old, "")
    return [str(e) for e in errors.items]


def test_a_class_deletes_volumes_and_binds_them_at_once():
    obj = made("StorageClass", provisioner="example.com/disk")
    assert (obj["reclaimPolicy"], obj["volumeBindingMode"]) == ("Delete", "Immediate")
    assert faults("StorageClass", obj) == []
    row = rules(GROUP, "StorageClass").cells(obj, 0.0)
    assert row == ["a", "example.com/disk", "Delete", "Immediate", False, "<unknown>"]


def test_a_default_class_is_marked_in_its_row():
    obj = made("StorageClass", provisioner="p")
    obj["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert rules(GROUP, "StorageClass").cells(obj, 0.0)[0] == "a (default)"


def test_a_provisioner_is_a_qualified_name():
    assert faults("StorageClass", made("StorageClass")) == ["provisioner: Required value"]
    (wrong,) = faults("StorageClass", made("StorageClass", provisioner="Not Valid"))
    assert wrong.startswith('provisioner: Invalid value: "not valid": name part must consist of')


def test_what_a_class_makes_volumes_from_stays():
    old, new = made("StorageClass", provisioner="p"), made("StorageClass", provisioner="q", parameters={"a": "b"})
    new["volumeBindingMode"] = "WaitForFirstConsumer"
    assert faults("StorageClass", new, old) == [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]


def test_an_attributes_class_has_parameters():
    assert faults("VolumeAttributesClass", made("VolumeAttributesClass", driverName="d")) == [
        "parameters: Required value: must contain at least one key/value pair"
    ]


def test_an_attachment_is_of_one_volume_to_one_node():
    obj = made("VolumeAttachment", spec={"attacher": "d", "nodeName": "n", "source": {"persistentVolumeName": "pv"}})
    assert faults("VolumeAttachment", obj) == []
    assert rules(GROUP, "VolumeAttachment").cells(obj, 0.0) == ["a", "d", "pv", "n", False, "<unknown>"]
    wrong = faults("VolumeAttachment", made("VolumeAttachment"))
    assert wrong[:2] == [
        "spec.attacher: Required value",
        "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
    ]


def test_a_nodes_drivers_have_names_and_ids():
    obj = made("CSINode", spec={"drivers": [{"name": "d", "nodeID": "1"}, {"name": "d"}]})
    assert faults("CSINode", obj) == [
        "spec.drivers[1].nodeID: Required value",
        'spec.drivers[1].name: Duplicate value: "d"',
    ]


def test_a_driver_attaches_persistent_volumes():
    obj = made("CSIDriver", spec={"tokenRequests": [{"audience": "x"}]})
    assert faults("CSIDriver", obj) == []
    row = rules(GROUP, "CSIDriver").cells(obj, 0.0)
    assert row == ["a", True, False, False, "x", False, "Persistent", "<unknown>"]


@pytest.mark.parametrize(("seconds", "why"), [(1, "less than 10 minutes"), (2**33, "larger than 2^32 seconds"), (600, None)])
def test_tokens_of_a_driver_live_ten_minutes_at_least(seconds, why):
    wrong = faults("CSIDriver", made("CSIDriver", spec={"tokenRequests": [{"expirationSeconds": seconds}]}))
    at = "spec.tokenRequests[0].expirationSeconds"
    assert wrong == ([] if why is None else [f"{at}: Invalid value: {seconds}: may not specify a duration {why}"])


def test_capacity_is_not_negative():
    obj = made("CSIStorageCapacity", storageClassName="c", capacity="-1Gi")
    assert faults("CSIStorageCapacity", obj) == ['capacity: Invalid value: "-1Gi": must be greater than or equal to 0']


CLAIMS = rules("", "PersistentVolumeClaim")


def claim(status=None, annotations=None, **spec):
    obj = {"metadata": {"name": "c", "namespace": "n", "annotations": annotations or {}}}
    obj["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}, **spec}
    if status is not None:
        obj["status"] = status
    CLAIMS.default(obj)
    return obj


def changed(new, old, subresource=""):
    return [str(e).split("\n")[0] for e in CLAIMS.validate_update(new, old, subresource).items]


def test_the_attributes_of_a_claims_volume_change_once_it_is_bound():
    assert changed(claim({"phase": "Bound"}, volumeAttributesClassName="b"), claim(volumeAttributesClassName="a")) == []
    (fault,) = changed(claim(volumeAttributesClassName="b"), claim(volumeAttributesClassName="a"))
    assert fault.startswith("spec: Forbidden: spec is immutable after creation")


def test_attributes_that_a_volume_has_do_not_go():
    old = claim({"phase": "Bound", "currentVolumeAttributesClassName": "a"}, volumeAttributesClassName="a")
    for value, shown in ((None, "nil"), ("", "empty string")):
        new = claim({"phase": "Bound"}, volumeAttributesClassName=value)
        assert changed(new, old) == [
            f"spec.volumeAttributesClassName: Forbidden: update to {shown} is forbidden when"
            " status.currentVolumeAttributesClassName is not nil"
        ]
    assert changed(claim({"phase": "Bound"}), claim({"phase": "Bound"}, volumeAttributesClassName="a")) == []


def test_the_class_of_a_claim_moves_from_its_annotation():
    beta = "volume.beta.kubernetes.io/storage-class"
    old = claim(annotations={beta: "fast"})
    assert changed(claim(storageClassName="fast"), old) == []
    assert changed(claim(annotations={beta: "fast"}, storageClassName="fast"), old) == []
    assert changed(claim(annotations={beta: "slow"}), old) == [
        f'metadata.annotations.{beta}: Invalid value: "slow": field is immutable'
    ]
    assert changed(claim(storageClassName="fast"), claim()) == []


def test_what_a_claim_was_given():
    status = {
        "allocatedResources": {"storage": "-1", "cpu": "1", "example.com/disks": "1"},
        "allocatedResourceStatuses": {"storage": "NodeResizePending", "memory": "Wrong"},
    }
    assert changed(claim(status), claim(), "status") == [
        'status.allocatedResourceStatuses: Unsupported value: "memory": supported values: "storage"',
        'status.allocatedResourceStatuses: Unsupported value: "memory": supported values: "ControllerResizeInfeasible",'
        ' "ControllerResizeInProgress", "NodeResizeInfeasible", "NodeResizeInProgress", "NodeResizePending"',
        'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
        'status.allocatedResources[storage]: Invalid value: "-1": must be greater than or equal to 0',
    ]


def volume(key="topology.kubernetes.io/zone", value="a"):
    rule = {"key": key, "operator": "In", "values": [value]}
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/d"}}
    spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}
    obj = {"metadata": {"name": "v"}, "spec": spec}
    rules("", "PersistentVolume").default(obj)
    return obj


def test_where_a_volume_is_stays_but_for_the_name_of_the_label():
    check = rules("", "PersistentVolume").validate_update
    beta = "failure-domain.beta.kubernetes.io/zone"
    assert [str(e) for e in check(volume(value="b"), volume(), "").items] == [
        'nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"topology.kubernetes.io/zone",'
        '"Operator":"In","Values":["b"]}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA'
    ]
    assert not check(volume(), volume(beta), "").items
    assert check(volume(beta), volume(), "").items
    assert check(volume(value="b"), volume(beta), "").items


def test_a_driver_gets_tokens_in_secrets_only_if_it_gets_tokens():
    kept = {"serviceAccountTokenInSecrets": False}
    assert faults("CSIDriver", made("CSIDriver", spec=kept)) == [
        "spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are"
        " specified"
    ]
    assert faults("CSIDriver", made("CSIDriver", spec={**kept, "tokenRequests": [{"audience": "a"}]})) == []


def test_how_a_driver_attaches_stays():
    assert faults("CSIDriver", made("CSIDriver", spec={"attachRequired": False}), made("CSIDriver", spec={})) == [
        "spec.attachedRequired: Invalid value: false: field is immutable"
    ]
