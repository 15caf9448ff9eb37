"""What a pod reads of itself in files: its name, what its container may use, and with which modes.

One pod has the same items in a downwardAPI volume and in a projected one.
"""

from typing import Any

import pytest
from tests.conformance.pods import Pods, pod
from tests.conformance.storage.seeing import LOOK, Seen, seen

Object = dict[str, Any]

WAYS = ("plain", "projected")
LIMITS = {"limits": {"cpu": "1250m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "32Mi"}}


def resource(path: str, name: str, container: str, divisor: str = "0") -> Object:
    """An item about a container's resources."""
    return {"path": path, "resourceFieldRef": {"containerName": container, "resource": name, "divisor": divisor}}


ITEMS: list[Object] = [
    {"path": "podname", "fieldRef": {"fieldPath": "metadata.name"}},
    {"path": "private", "fieldRef": {"fieldPath": "metadata.name"}, "mode": 0o400},
    resource("cpu_limit", "limits.cpu", "c"),
    resource("cpu_limit_milli", "limits.cpu", "c", "1m"),
    resource("memory_limit", "limits.memory", "c"),
    resource("memory_limit_mi", "limits.memory", "c", "1Mi"),
    resource("cpu_request", "requests.cpu", "c"),
    resource("cpu_request_milli", "requests.cpu", "c", "1m"),
    resource("memory_request", "requests.memory", "c"),
    resource("free_cpu_limit", "limits.cpu", "free"),
    resource("free_memory_limit", "limits.memory", "free"),
]


@pytest.fixture(scope="module")
def itself(shared_pods: Pods) -> Seen:
    sources: dict[str, Object] = {}
    for mode, chosen in (("open", {}), ("private", {"defaultMode": 0o400})):
        sources[f"plain-{mode}"] = {"downwardAPI": {"items": ITEMS, **chosen}}
        sources[f"projected-{mode}"] = {"projected": {"sources": [{"downwardAPI": {"items": ITEMS}}], **chosen}}
    mounts = [{"name": name, "mountPath": f"/v/{name}"} for name in sources]
    container = {"name": "c", "command": ["sh", "-c", LOOK], "volumeMounts": mounts, "resources": LIMITS}
    volumes = [{"name": name, **source} for name, source in sources.items()]
    shared_pods.start(pod("itself", container, {"name": "free", "command": ["true"]}, volumes=volumes))
    return seen(shared_pods.output("itself", "c"))


@pytest.mark.parametrize("way", WAYS)
def test_its_name(itself: Seen, way: str) -> None:
    """[sig-storage] Downward API volume should provide podname only [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide podname only [NodeConformance] [Conformance]
    """
    assert itself.below(f"/v/{way}-open")["podname"] == ("644", "itself")


@pytest.mark.parametrize("way", WAYS)
def test_modes(itself: Seen, way: str) -> None:
    """[sig-storage] Downward API volume should set DefaultMode on files [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Downward API volume should set mode on item file [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should set DefaultMode on files [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should set mode on item file [LinuxOnly] [NodeConformance] [Conformance]
    """
    assert itself.below(f"/v/{way}-open")["private"] == ("400", "itself")
    assert itself.below(f"/v/{way}-private")["podname"] == ("400", "itself")


@pytest.mark.parametrize("way", WAYS)
def test_what_the_container_may_use(itself: Seen, way: str) -> None:
    """[sig-storage] Downward API volume should provide container's cpu limit [NodeConformance] [Conformance]
    [sig-storage] Downward API volume should provide container's memory limit [NodeConformance] [Conformance]
    [sig-storage] Downward API volume should provide container's cpu request [NodeConformance] [Conformance]
    [sig-storage] Downward API volume should provide container's memory request [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide container's cpu limit [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide container's memory limit [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide container's cpu request [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide container's memory request [NodeConformance] [Conformance]
    """
    files = {name: file.text for name, file in itself.below(f"/v/{way}-open").items()}
    assert (files["cpu_limit"], files["cpu_limit_milli"]) == ("2", "1250")
    assert (files["memory_limit"], files["memory_limit_mi"]) == (str(64 << 20), "64")
    assert (files["cpu_request"], files["cpu_request_milli"]) == ("1", "250")
    assert files["memory_request"] == str(32 << 20)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_limit_it_is_what_the_node_has_for_pods(shared_pods: Pods, itself: Seen, way: str) -> None:
    """[sig-storage] Downward API volume should provide node allocatable (cpu) as default cpu limit if the limit is not set [NodeConformance] [Conformance]
    [sig-storage] Downward API volume should provide node allocatable (memory) as default memory limit if the limit is not set [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide node allocatable (cpu) as default cpu limit if the limit is not set [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should provide node allocatable (memory) as default memory limit if the limit is not set [NodeConformance] [Conformance]
    """
    allocatable = shared_pods.get(f"/api/v1/nodes/{shared_pods.cluster.node}")["status"]["allocatable"]
    files = itself.below(f"/v/{way}-open")
    assert files["free_cpu_limit"].text == allocatable["cpu"]
    assert int(files["free_memory_limit"].text) == int(allocatable["memory"].removesuffix("Ki")) * 1024
