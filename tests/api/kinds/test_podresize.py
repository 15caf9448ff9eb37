"""The resize subresource of pods: which changes of resources are taken."""

import copy

import pytest

from corral.api.kinds import rules
from corral.api.rules import Context

RULES = rules("", "Pod")


def pod(**spec):
    amounts = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}
    obj = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n"}}
    obj["spec"] = {"containers": [{"name": "a", "image": "i:1", "resources": amounts}], **spec}
    RULES.default(obj)
    RULES.prepare_create(obj, Context(now_s=0))
    return obj


def resized(old, change):
    new = copy.deepcopy(old)
    change(new)
    RULES.prepare_update(new, old, "resize", Context(now_s=0))
    return [str(error) for error in RULES.validate_update(new, old, "resize").items]


def amounts_of(obj, kind="containers"):
    return obj["spec"][kind][0]["resources"]


def test_cpu_and_memory_change():
    assert resized(pod(), lambda new: amounts_of(new)["requests"].update(cpu="150m", memory="32Mi")) == []
    assert resized(pod(), lambda new: amounts_of(new)["limits"].update(memory="64Mi")) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda new: amounts_of(new)["limits"].pop("cpu"),
            "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
        ),
        (
            lambda new: amounts_of(new)["limits"].update({"ephemeral-storage": "1Gi"}),
            "spec: Forbidden: only cpu and memory resources are mutable",
        ),
        (
            lambda new: amounts_of(new)["requests"].update(cpu="200m", memory="128Mi"),
            'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
        ),
    ],
)
def test_refused(change, fault):
    assert resized(pod(), change) == [fault]


def test_pods_that_are_not_resized():
    static = pod(nodeName="x")
    static["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    assert resized(static, lambda new: None) == [": Forbidden: static pods cannot be resized"]
    assert resized(pod(os={"name": "windows"}), lambda new: None)[-1] == ": Forbidden: windows pods cannot be resized"
    old = pod()
    old["status"]["containerStatuses"] = [{"name": "a", "state": {"running": {}}}]
    assert resized(old, lambda new: None) == ["spec: Forbidden: Pod running on node without support for resize"]
    old["status"]["containerStatuses"][0]["resources"] = {}
    assert resized(old, lambda new: None) == []


def test_init_containers():
    init = {"name": "b", "image": "i:1", "resources": {"requests": {"cpu": "1"}}}
    old = pod(initContainers=[init])
    assert resized(old, lambda new: amounts_of(new, "initContainers")["requests"].update(cpu="2")) == []
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    old = pod(initContainers=[{**init, "resizePolicy": policy}])
    assert resized(old, lambda new: amounts_of(new, "initContainers")["requests"].update(cpu="2")) == [
        "spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
    ]


def test_resources_of_the_pod_as_a_whole():
    old = pod(resources={"limits": {"cpu": "1", "memory": "1Gi"}})

    def less(new):
        new["spec"]["resources"]["limits"] = {"cpu": "2"}

    assert "spec.resources.limits: Forbidden: pod-level resource limits cannot be removed" in resized(old, less)
    assert resized(old, lambda new: new["spec"]["resources"]["limits"].update(cpu="2")) == []
