"""Which container of a pod is meant."""

import pytest

from corral.api.errors import ApiError
from corral.api.podcontainers import container_of

DEFAULT = "kubectl.kubernetes.io/default-container"


def pod(*names: str, init: tuple[str, ...] = (), ephemeral: tuple[str, ...] = (), **annotations: str) -> dict[str, object]:
    lists = {"containers": names, "initContainers": init, "ephemeralContainers": ephemeral}
    spec = {field: [{"name": name} for name in found] for field, found in lists.items() if found}
    return {"metadata": {"name": "p", "annotations": annotations}, "spec": spec}


def test_the_one_that_is_named_whatever_its_role() -> None:
    several = pod("a", "b", init=("i",), ephemeral=("e",))
    assert [container_of(several, name) for name in ("a", "b", "i", "e")] == ["a", "b", "i", "e"]


def test_without_a_name_the_only_one_or_the_one_that_the_pod_names() -> None:
    assert container_of(pod("a", init=("i",)), "") == "a"
    assert container_of(pod("a", "b", **{DEFAULT: "b"}), "") == "b"


@pytest.mark.parametrize(
    ("given", "wanted", "told"),
    [
        (pod("a"), "x", "container x is not valid for pod p"),
        (pod("a", "b"), "", "a container name must be specified for pod p, choose one of: [a b]"),
        (
            pod("a", "b", init=("i", "j"), ephemeral=("e",), **{DEFAULT: "gone"}),
            "",
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i j]"
            " or one of the ephemeral containers: [e]",
        ),
    ],
)
def test_why_none_is(given: dict[str, object], wanted: str, told: str) -> None:
    with pytest.raises(ApiError) as refusal:
        container_of(given, wanted)
    assert (refusal.value.code, refusal.value.message) == (400, told)
