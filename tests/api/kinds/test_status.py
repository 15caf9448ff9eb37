"""What the status endpoint of a kind leaves alone besides the spec."""

import pytest

from corral.api.kinds import rules
from corral.api.rules import Context

CONTEXT = Context(0.0)
OLD = {"labels": {"a": "old"}, "annotations": {"b": "old"}, "finalizers": ["old"]}
NEW = {"labels": {"a": "new"}, "annotations": {"b": "new"}, "ownerReferences": [{"name": "new"}], "managedFields": [{}]}


@pytest.mark.parametrize(
    ("group", "kind", "written"),
    [
        ("apps", "ReplicaSet", NEW),
        ("apps", "Deployment", {**NEW, "labels": OLD["labels"]}),
        ("", "Pod", {name: value for name, value in NEW.items() if name != "ownerReferences"}),
        *(
            (group, kind, {**OLD, "managedFields": [{}]})
            for group, kind in (
                ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
                ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
                ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
                ("resource.k8s.io", "ResourceClaim"),
                ("storage.k8s.io", "VolumeAttachment"),
            )
        ),
    ],
)
def test_metadata_by_the_status_endpoint(group, kind, written):
    new = {"metadata": dict(NEW), "spec": {"is": "new"}, "status": {"is": "new"}}
    rules(group, kind).prepare_update(new, {"metadata": dict(OLD), "spec": {"is": "old"}, "status": {}}, "status", CONTEXT)
    assert new == {"metadata": written, "spec": {"is": "old"}, "status": {"is": "new"}}
