from copy import deepcopy
from typing import Any

import pytest

from corral.api import facts
from corral.api.errors import ApiError
from corral.api.patch.strategic import strategic_merge_patch

POD = facts.schema("", "v1", "Pod")
DEPLOYMENT = facts.schema("apps", "v1", "Deployment")


def patched(spec: dict[str, Any], patch: dict[str, Any], schema: facts.Type = POD) -> Any:
    document = {"spec": spec}
    before = deepcopy(document)
    result = strategic_merge_patch(document, {"spec": patch}, schema)["spec"]
    assert document == before
    return result


def containers(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "image": "x"} for name in names]


def names(spec: dict[str, Any]) -> list[str]:
    return [c["name"] for c in spec["containers"]]


def test_lists_merge_by_key_and_new_items_come_first() -> None:
    spec = patched(
        {"containers": containers("a", "b")}, {"containers": [{"name": "c"}, {"name": "b", "image": "y", "tty": None}]}
    )
    assert spec["containers"] == [{"name": "c"}, {"name": "a", "image": "x"}, {"name": "b", "image": "y"}]


def test_lists_without_a_strategy_are_replaced() -> None:
    assert patched({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}) == {"tolerations": [{"key": "b"}]}


def test_null_removes() -> None:
    assert patched(
        {"hostname": "a", "nodeSelector": {"x": "1", "y": "2"}}, {"hostname": None, "nodeSelector": {"x": None}}
    ) == {"nodeSelector": {"y": "2"}}


def test_an_item_can_be_deleted() -> None:
    spec = patched({"containers": containers("a", "b")}, {"containers": [{"name": "a", "$patch": "delete"}]})
    assert names(spec) == ["b"]


def test_a_list_can_be_replaced() -> None:
    spec = patched({"containers": containers("a", "b")}, {"containers": [{"$patch": "replace"}, {"name": "c"}]})
    assert names(spec) == ["c"]


def test_a_map_can_be_replaced_or_emptied() -> None:
    old = {"securityContext": {"runAsUser": 1}, "containers": []}
    assert patched(old, {"securityContext": {"$patch": "replace", "fsGroup": 1}})["securityContext"] == {"fsGroup": 1}
    assert patched(old, {"securityContext": {"$patch": "delete"}})["securityContext"] == {}


def test_retain_keys_clears_the_others() -> None:
    old = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    new = patched(old, {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}, DEPLOYMENT)
    assert new == {"strategy": {"type": "Recreate"}}


def test_retain_keys_must_name_what_the_patch_sets() -> None:
    with pytest.raises(ApiError, match="invalid patch format of retainKeys"):
        patched({"strategy": {}}, {"strategy": {"$retainKeys": ["a"], "type": "b"}}, DEPLOYMENT)


def test_primitive_lists_merge_and_lose_items() -> None:
    document = {"metadata": {"finalizers": ["a", "b"]}}
    merged = strategic_merge_patch(document, {"metadata": {"finalizers": ["b", "c"]}}, POD)
    assert sorted(merged["metadata"]["finalizers"]) == ["a", "b", "c"]
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert strategic_merge_patch(document, patch, POD) == {"metadata": {"finalizers": ["b"]}}


def test_the_order_of_elements_can_be_set() -> None:
    order = [{"name": "c"}, {"name": "a"}]
    spec = patched({"containers": containers("a", "s")}, {"$setElementOrder/containers": order, "containers": [{"name": "c"}]})
    assert names(spec) == ["c", "a", "s"]
    spec = patched({"containers": containers("a", "b", "c")}, {"$setElementOrder/containers": order})
    assert names(spec) == ["b", "c", "a"]


def test_kubectls_apply_patch() -> None:
    patch = {
        "$setElementOrder/containers": [{"name": "b"}],
        "containers": [{"$patch": "delete", "name": "a"}, {"name": "b", "image": "z"}],
    }
    assert patched({"containers": containers("a", "b")}, patch)["containers"] == [{"name": "b", "image": "z"}]


def test_the_patch_must_be_in_the_order_it_sets() -> None:
    patch = {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}], "containers": [{"name": "b"}, {"name": "a"}]}
    with pytest.raises(ApiError, match="doesn't match"):
        patched({"containers": containers("a", "b")}, patch)


def test_new_values_carry_no_directives_or_nulls() -> None:
    assert patched({}, {"securityContext": {"fsGroup": None, "$retainKeys": ["runAsUser"], "runAsUser": 1}}) == {
        "securityContext": {"runAsUser": 1}
    }


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        ({"containers": [{"image": "x"}]}, 500, "map: map[image:x] does not contain declared merge key: name"),
        ({"containers": [{"name": "a", "$patch": "x"}]}, 500, "unknown patch type: x in map: map[$patch:x name:a]"),
        ({"$setElementOrder/containers": 1}, 400, "invalid patch format of setElementOrder list"),
    ],
)
def test_bad_patches(patch: dict[str, Any], code: int, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        patched({"containers": containers("a")}, patch)
    assert (caught.value.code, caught.value.message) == (code, message)
