"""What the node of a pod gives it, and keeps it from."""

import pytest

from corral.api.errors import ApiError
from corral.server.admission.podresize import PodResize
from corral.server.admission.podtopology import PodTopologyLabels
from corral.server.lookup import MemoryLookup

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


@pytest.fixture
def lookup():
    made = MemoryLookup()
    labels = {ZONE: "z", REGION: "r", "other": "o", "kubernetes.io/os": "linux"}
    allocatable = {"cpu": "2", "memory": "1Gi"}
    made.put("nodes", {"metadata": {"name": "n", "labels": labels}, "status": {"allocatable": allocatable}})
    made.put(
        "nodes", {"metadata": {"name": "w", "labels": {"kubernetes.io/os": "windows"}}, "status": {"allocatable": allocatable}}
    )
    return made


def test_bindings_and_pods_on_a_node_get_its_zone_and_region(lookup, write):
    binding = {"metadata": {"name": "p", "labels": {ZONE: "mine"}}, "target": {"kind": "Node", "name": "n"}}
    plugin = PodTopologyLabels(lookup)
    plugin.admit(write("pods", binding, subresource="binding", name="p"))
    assert binding["metadata"]["labels"] == {ZONE: "mine", REGION: "r"}
    on_node = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}}
    plugin.admit(write("pods", on_node))
    assert on_node["metadata"]["labels"] == {ZONE: "z", REGION: "r"}
    for spec in ({}, {"nodeName": "unknown"}):
        waiting = {"metadata": {"name": "p"}, "spec": spec}
        plugin.admit(write("pods", waiting))
        assert "labels" not in waiting["metadata"]


def resized(node: str, cpu: str, generation: int = 2) -> dict:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "2Gi"}}}
    return {"metadata": {"name": "p", "generation": generation}, "spec": {"nodeName": node, "containers": [container]}}


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (
            resized("n", "2500m"),
            "Node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; "
            "memory, requested: 2147483648, allocatable: 1073741824",
        ),
        (resized("gone", "1"), 'node "gone" not found'),
    ],
)
def test_a_pod_is_not_made_larger_than_its_node(lookup, write, pod, why):
    with pytest.raises(ApiError) as caught:
        PodResize(lookup).validate(write("pods", pod, resized("n", "1", 1), subresource="resize"))
    assert caught.value.message == f'pods "p" is forbidden: {why}'


def test_only_where_a_pod_can_be_resized(lookup, write):
    pod = resized("w", "1")
    pod["spec"]["containers"][0]["resources"] = {}
    with pytest.raises(ApiError, match='pod resize is only supported on linux nodes, node "w" is "windows"'):
        PodResize(lookup).validate(write("pods", pod, resized("w", "1", 1), subresource="resize"))
    PodResize(lookup).validate(write("pods", resized("w", "1", 1), resized("w", "1", 1), subresource="resize"))
