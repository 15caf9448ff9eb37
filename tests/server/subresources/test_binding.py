"""Pods get their nodes."""

import pytest

from corral.api.errors import ApiError
from corral.server.subresources.binding import bound


def pod(**status):
    return {"metadata": {"name": "p", "uid": "u"}, "spec": {}, "status": status}


def test_a_pod_on_its_node_is_scheduled_and_nominated_for_none():
    made = bound(pod(nominatedNodeName="other"), {}, "n", 0)
    assert made["spec"]["nodeName"] == "n"
    assert "nominatedNodeName" not in made["status"]
    assert made["status"]["conditions"][0]["type"] == "PodScheduled"


@pytest.mark.parametrize(
    ("spec", "meta", "part"),
    [
        ({"nodeName": "m"}, {}, 'pod p is already assigned to node "m"'),
        ({"schedulingGates": [{"name": "g"}]}, {}, "has non-empty .spec.schedulingGates"),
        ({}, {"uid": "w"}, "UID in precondition: w, UID in object meta: u"),
    ],
)
def test_a_pod_that_cannot_be_bound(spec, meta, part):
    with pytest.raises(ApiError) as refused:
        bound({**pod(), "spec": spec}, meta, "n", 0)
    assert refused.value.code == 409 and part in str(refused.value)
