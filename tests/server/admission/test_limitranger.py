"""Defaults and ranges of a namespace."""

from collections.abc import Callable
from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission.limitranger import LimitRanger
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission

Write = Callable[..., Admission]


def pod(**resources: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "resources": resources}]}}


@pytest.fixture
def limit() -> Callable[..., LimitRanger]:
    def make(**item: Any) -> LimitRanger:
        lookup = MemoryLookup()
        limits = [{"type": "Container", **item}]
        lookup.put("limitranges", {"metadata": {"namespace": "x", "name": "l"}, "spec": {"limits": limits}})
        return LimitRanger(lookup)

    return make


def test_what_a_container_does_not_say_is_filled_in(limit: Callable[..., LimitRanger], write: Write) -> None:
    obj = pod(requests={"memory": "1Gi"})
    limit(default={"cpu": "200m", "memory": "2Gi"}, defaultRequest={"cpu": "100m", "memory": "1Mi"}).admit(write("pods", obj))
    resources = obj["spec"]["containers"][0]["resources"]
    assert resources == {"requests": {"memory": "1Gi", "cpu": "100m"}, "limits": {"cpu": "200m", "memory": "2Gi"}}
    assert obj["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c"
    )


@pytest.mark.parametrize(
    ("item", "resources", "why"),
    [
        ({"max": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, "maximum cpu usage per Container is 1, but limit is 2"),
        ({"max": {"cpu": "1"}}, {}, "maximum cpu usage per Container is 1.  No limit is specified"),
        ({"min": {"cpu": "50m"}}, {"requests": {"cpu": "1m"}}, "minimum cpu usage per Container is 50m, but request is 1m"),
        ({"min": {"cpu": "50m"}}, {}, "minimum cpu usage per Container is 50m.  No request is specified"),
        (
            {"maxLimitRequestRatio": {"memory": "2"}},
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "3Gi"}},
            "memory max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
        (
            {"type": "Pod", "max": {"memory": "1Gi"}},
            {"limits": {"memory": "2Gi"}},
            "maximum memory usage per Pod is 1Gi, but limit is 2Gi",
        ),
    ],
)
def test_what_is_out_of_range_is_refused(
    limit: Callable[..., LimitRanger], write: Write, item: Object, resources: Object, why: str
) -> None:
    with pytest.raises(ApiError) as refused:
        limit(**item).validate(write("pods", pod(**resources)))
    assert refused.value.message == f'pods "p" is forbidden: {why}'


def test_claims_have_a_range_too(limit: Callable[..., LimitRanger], write: Write) -> None:
    claim = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    with pytest.raises(ApiError, match="maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi"):
        limit(type="PersistentVolumeClaim", max={"storage": "2Gi"}).validate(write("persistentvolumeclaims", claim))
