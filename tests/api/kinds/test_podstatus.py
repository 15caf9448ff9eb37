"""What may be written to the status of a pod."""

import copy

import pytest

from corral.api.kinds import rules

POD = rules("", "Pod")


def pod(status=None, **spec):
    containers = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1", "example.com/gpu": "1"}}}]
    obj = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": containers, **spec}, "status": status or {}}
    POD.default(obj)
    return obj


def faults(status, before=None, **spec):
    new, old = pod(status, **copy.deepcopy(spec)), pod(before, **copy.deepcopy(spec))
    return [str(e) for e in POD.validate_update(new, old, "status").items]


def test_a_pod_on_a_node_is_not_nominated():
    assert faults({"nominatedNodeName": "n1"}) == []
    assert faults({"nominatedNodeName": "n1"}, nodeName="n2") == [
        "status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"
    ]
    assert faults({"nominatedNodeName": "n1"}, {"nominatedNodeName": "n1"}, nodeName="n2") == []


def test_generations_and_conditions():
    found = faults({"observedGeneration": -1, "conditions": [{"type": "Ready", "observedGeneration": -2}, {"type": "not!"}]})
    assert found[0] == "status.conditions[0].observedGeneration: Invalid value: -2: must be a non-negative integer"
    assert found[1].startswith('status.conditions[1].Type: Invalid value: "not!": name part must consist')
    assert found[2] == "status.observedGeneration: Invalid value: -1: must be a non-negative integer"


def ended(code):
    return {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": code}}}]}


@pytest.mark.parametrize(
    ("container", "policy", "code", "again"),
    [
        ({}, "Always", 0, True),
        ({}, "Never", 1, False),
        ({}, "OnFailure", 0, False),
        ({}, "OnFailure", 1, True),
        ({"restartPolicy": "Never"}, "Always", 1, False),
        ({"restartPolicy": "OnFailure"}, "Never", 1, True),
        (
            {
                "restartPolicy": "Never",
                "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
            },
            "Never",
            42,
            True,
        ),
        (
            {
                "restartPolicy": "Never",
                "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [42]}}],
            },
            "Never",
            42,
            False,
        ),
    ],
)
def test_a_container_runs_again_if_its_rules_say_so(container, policy, code, again):
    running = {"containerStatuses": [{"name": "c", "state": {"running": {}}}]}
    containers = [{"name": "c", "image": "i", **container}]
    found = faults(running, ended(code), containers=containers, restartPolicy=policy)
    assert found == (
        [] if again else ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]
    )


def test_devices_are_those_of_the_container():
    status = {"name": "c", "allocatedResourcesStatus": [{"name": "example.com/gpu", "resources": [{"resourceID": "1"}]}]}
    path = "status.containerStatuses[0].allocatedResourcesStatus[0]"
    assert faults({"containerStatuses": [status]}) == [
        f'{path}.resources[0].health: Unsupported value: "": supported values: "Healthy", "Unhealthy", "Unknown"'
    ]
    status["allocatedResourcesStatus"][0] = {
        "name": "other.com/gpu",
        "resources": [{"resourceID": "1", "health": "Healthy"}] * 2,
    }
    assert faults({"containerStatuses": [status]}) == [
        f'{path}.name: Invalid value: "other.com/gpu": must match one of the container\'s resource requests',
        f'{path}.resources[1].resourceID: Duplicate value: "1"',
    ]
    status["allocatedResourcesStatus"] = [{"name": "claim:a/b"}]
    containers = [{"name": "c", "image": "i", "resources": {"claims": [{"name": "a", "request": "b"}]}}]
    spec = {"containers": containers, "resourceClaims": [{"name": "a", "resourceClaimName": "x"}]}
    assert faults({"containerStatuses": [status]}, **spec) == []
    assert len(faults({"ephemeralContainerStatuses": [status]}, **spec)) == 1


def test_who_a_container_runs_as():
    status = {"containerStatuses": [{"name": "c", "user": {"linux": {"uid": -1, "gid": 0, "supplementalGroups": [1, 2**31]}}}]}
    assert faults(status) == [
        "status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        "status.containerStatuses[0].user.linux.supplementalGroups[1]: Invalid value: 2147483648: must be between 0 and 2147483647,"
        " inclusive",
    ]
    assert faults(status, os={"name": "windows"}) == [
        "status.containerStatuses[0].user.linux: Forbidden: cannot be set for a windows pod"
    ]


def test_the_claim_for_extended_resources():
    good = {"containerName": "c", "resourceName": "example.com/gpu", "requestName": "container-0-request-0"}
    claim = {"resourceClaimName": "x", "requestMappings": [good]}
    path = "status.extendedResourceClaimStatus"
    assert faults({"extendedResourceClaimStatus": claim}) == []
    assert faults({"extendedResourceClaimStatus": {}}) == [
        f"{path}.requestMappings: Required value: at least one request mapping is required",
        f"{path}.resourceClaimName: Required value",
    ]
    claim["requestMappings"] = [{**good, "containerName": "d"}, {**good, "resourceName": "e/f"}, good, good]
    assert [
        f.split(": ")[0].removeprefix(f"{path}.requestMappings") for f in faults({"extendedResourceClaimStatus": claim})
    ] == [
        "[0].containerName",
        "[1].resourceName",
        "[3].containerName",
        "[3].resourceName",
        "[3].requestName",
    ]
