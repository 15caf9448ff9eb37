"""The resources of a pod as a whole: defaults, and what containers may have of them."""

import pytest

from corral.api.kinds import rules

RULES = rules("", "Pod")


def pod(resources, *containers, init=(), **spec):
    parts = [{"name": f"c{i}", "image": "i:1", "resources": one} for i, one in enumerate(containers or ({},))]
    inits = [{"name": f"i{i}", "image": "i:1", **one} for i, one in enumerate(init)]
    obj = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n"}}
    obj["spec"] = {"containers": parts, "initContainers": inits, "resources": resources, **spec}
    RULES.default(obj)
    return obj


def faults(obj):
    return [str(error) for error in RULES.validate_create(obj).items]


def test_requests_are_those_of_the_containers_or_the_limits():
    made = pod({"limits": {"cpu": "2", "memory": "1Gi"}}, {"requests": {"cpu": "500m"}}, {"requests": {"cpu": "1"}})
    assert made["spec"]["resources"]["requests"] == {"cpu": "1500m", "memory": "1Gi"}
    assert faults(made) == []


def test_pages_are_those_of_the_containers():
    made = pod({"limits": {"cpu": "1"}}, {"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}})
    assert made["spec"]["resources"]["limits"] == {"cpu": "1", "hugepages-2Mi": "4Mi"}


def test_without_limits_of_the_pod_nothing_is_filled_in():
    assert pod({"requests": {"cpu": "1"}})["spec"]["resources"] == {"requests": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("resources", "containers", "fault"),
    [
        (
            {"requests": {"cpu": "1"}},
            [{"requests": {"cpu": "600m"}}, {"requests": {"cpu": "500m"}}],
            'requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 1100m',
        ),
        (
            {"limits": {"memory": "1Gi"}},
            [{"limits": {"memory": "2Gi"}, "requests": {"memory": "1Mi"}}],
            'containers[0][memory].limits: Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi',
        ),
        (
            {"limits": {"cpu": "1"}, "claims": [{"name": "a"}]},
            [{}],
            "claims: Forbidden: claims cannot be set for Resources at pod-level",
        ),
        (
            {"limits": {"ephemeral-storage": "1Gi"}},
            [{}],
            'limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": '
            'supported values: "cpu", "hugepages-", "memory"',
        ),
        (
            {"limits": {"bogus": "1"}},
            [{}],
            'limits[bogus]: Invalid value: "bogus": must be a standard resource type or fully qualified',
        ),
    ],
)
def test_faults(resources, containers, fault):
    assert f"spec.resources.{fault}" in faults(pod(resources, *containers))


def test_sidecars_count_beside_the_containers():
    sidecar = {"restartPolicy": "Always", "resources": {"requests": {"cpu": "600m"}}}
    told = faults(pod({"requests": {"cpu": "1"}}, {"requests": {"cpu": "500m"}}, init=[sidecar]))
    assert [text for text in told if "aggregate container requests of 1100m" in text]


def test_pods_of_windows_have_none():
    made = pod({"limits": {"cpu": "1"}}, os={"name": "windows"})
    assert "spec.resources: Forbidden: may not be set for a windows pod" in faults(made)


@pytest.mark.parametrize(
    ("resources", "told"),
    [
        (
            {"limits": {"bogus": "1"}},
            [
                'limits[bogus]: Invalid value: "bogus": must be a standard resource type or fully qualified',
                'limits[bogus]: Invalid value: "bogus": must be a standard resource for containers',
                'requests[bogus]: Invalid value: "bogus": must be a standard resource type or fully qualified',
                'requests[bogus]: Invalid value: "bogus": must be a standard resource for containers',
            ],
        ),
        (
            {"limits": {"hugepages-2Mi": "3Mi", "cpu": "1"}, "requests": {"hugepages-2Mi": "3Mi"}},
            ['limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi'],
        ),
        (
            {"claims": [{"name": "a"}, {"name": "a", "request": "r"}]},
            [
                'claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims: b, c',
                'claims[1]: Duplicate value: "a"',
            ],
        ),
        (
            {"claims": [{"name": "b", "request": "r"}, {"name": "b", "request": "r"}, {"name": "b"}]},
            ['claims[1]: Duplicate value: "b/r"', 'claims[2]: Duplicate value: "b"'],
        ),
    ],
)
def test_resources_of_containers(resources, told):
    claims = [{"name": name, "resourceClaimName": "x"} for name in "bc"]
    found = faults(pod(None, resources, resourceClaims=claims))
    for text in told:
        assert f"spec.containers[0].resources.{text}" in found


def test_a_claim_of_a_pod_without_claims():
    assert (
        'spec.containers[0].resources.claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty'
        in faults(pod(None, {"claims": [{"name": "a"}]}))
    )
