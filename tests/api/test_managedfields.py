from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api import facts
from corral.api.fieldsets import difference, intersection, item_key, paths, union, without
from corral.api.managedfields import ANCIENT, MAX_UPDATERS, manager_name, same_but_for_times, update_managed_fields

POD = facts.schema("", "v1", "Pod")
DEPLOYMENT = facts.schema("apps", "v1", "Deployment")
NOT_STATUS: dict[str, Any] = {"f:status": {}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d"}, "spec": spec}


def stored(obj: dict[str, Any], manager: str = "one", now_s: float = 0) -> dict[str, Any]:
    update_managed_fields(None, obj, manager, obj["apiVersion"], "", now_s, POD, NOT_STATUS)
    obj["metadata"]["uid"] = "u"
    return obj


def changed(live: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**live, "metadata": {**live["metadata"], **metadata}}


def fields(obj: dict[str, Any], manager: str) -> Any:
    return next((e["fieldsV1"] for e in obj["metadata"].get("managedFields", []) if e["manager"] == manager), None)


def test_a_create_owns_what_is_given_and_marks_only_what_an_empty_object_lacks() -> None:
    new = stored(pod(containers=[{"name": "a", "image": "x", "resources": {}, "args": ["1"]}], nodeSelector={"a": "b"}))
    item = {".": {}, "f:args": {}, "f:image": {}, "f:name": {}, "f:resources": {}}
    assert fields(new, "one") == {"f:spec": {"f:containers": {'k:{"name":"a"}': item}, "f:nodeSelector": {}}}
    assert new["metadata"]["managedFields"][0]["time"] == "1970-01-01T00:00:00Z"


def test_lists_are_keyed_with_the_defaults_of_their_keys() -> None:
    new = stored(pod(containers=[{"name": "a", "ports": [{"containerPort": 80}]}]))
    container = fields(new, "one")["f:spec"]["f:containers"]['k:{"name":"a"}']
    assert container["f:ports"] == {".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}


def test_who_changes_a_field_takes_it_from_its_owner() -> None:
    live = stored(pod(hostname="a", nodeName="n"))
    new = {**live, "spec": {**live["spec"], "hostname": "b"}, "metadata": {**live["metadata"], "labels": {"l": "1"}}}
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert fields(new, "two") == {"f:metadata": {"f:labels": {".": {}, "f:l": {}}}, "f:spec": {"f:hostname": {}}}
    assert fields(new, "one") == {"f:spec": {"f:nodeName": {}}}


def test_what_nobody_sets_any_more_is_nobodys() -> None:
    live = stored(pod(hostname="a", nodeName="n"))
    new = {**live, "spec": {"nodeName": "n"}}
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert [e["manager"] for e in new["metadata"]["managedFields"]] == ["one"]
    assert fields(new, "one") == {"f:spec": {"f:nodeName": {}}}


def test_a_write_that_changes_nothing_keeps_entries_and_times() -> None:
    live = stored(pod(hostname="a"))
    new = changed(live)
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert new["metadata"]["managedFields"] == live["metadata"]["managedFields"]


def test_writes_of_one_manager_share_an_entry_and_its_subresources_do_not() -> None:
    live = stored(pod(hostname="a"))
    new = changed(live, labels={"a": "b"})
    update_managed_fields(live, new, "one", "v1", "", 60, POD, NOT_STATUS)
    last = {**new, "status": {"phase": "Running"}}
    update_managed_fields(new, last, "one", "v1", "status", 61, POD, {"f:spec": {}})
    entries = last["metadata"]["managedFields"]
    assert [(e["manager"], e.get("subresource"), e["time"][-3:]) for e in entries] == [
        ("one", None, "00Z"),
        ("one", "status", "01Z"),
    ]
    assert fields(last, "one") == {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:hostname": {}}}
    assert entries[1]["fieldsV1"] == {"f:status": {"f:phase": {}}}


def test_fields_that_the_endpoint_does_not_write_change_no_owner() -> None:
    live = stored(pod(hostname="a"))
    new = {**live, "status": {"phase": "Running"}}
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert fields(new, "two") is None


@pytest.mark.parametrize("asked", [[], [{}]])
def test_owners_can_be_forgotten(asked: list[Any]) -> None:
    live = stored(pod(hostname="a"))
    new = changed(live, managedFields=asked, labels={"a": "b"})
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert "managedFields" not in new["metadata"]


def test_a_client_that_does_not_know_managed_fields_does_not_lose_them() -> None:
    live = stored(pod(hostname="a"))
    new = changed(live)
    del new["metadata"]["managedFields"]
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert fields(new, "one") == {"f:spec": {"f:hostname": {}}}


def test_objects_without_owners_are_not_tracked_from_an_update_on() -> None:
    live = pod(hostname="a")
    live["metadata"]["uid"] = "u"
    new = changed(live, labels={"a": "b"})
    update_managed_fields(live, new, "two", "v1", "", 60, POD, NOT_STATUS)
    assert "managedFields" not in new["metadata"]


def test_the_oldest_updaters_are_merged() -> None:
    live = stored(pod(hostname="a"), "m0")
    for i in range(1, MAX_UPDATERS + 3):
        new = changed(live, labels={**live["metadata"].get("labels", {}), f"l{i}": ""})
        update_managed_fields(live, new, f"m{i}", "v1", "", 60 * i, POD, NOT_STATUS)
        live = new
    names = [e["manager"] for e in live["metadata"]["managedFields"]]
    assert len(names) == MAX_UPDATERS
    assert names[0] == ANCIENT
    assert fields(live, ANCIENT)["f:spec"] == {"f:hostname": {}}


def test_items_that_share_a_key_are_one() -> None:
    container = {"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "X", "value": "2"}]}
    env = fields(stored(pod(containers=[container])), "one")["f:spec"]["f:containers"]['k:{"name":"a"}']["f:env"]
    assert list(env) == [".", 'k:{"name":"X"}']


def test_by_value_structs_are_not_marked_and_pointers_are() -> None:
    new: dict[str, Any] = {
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "strategy": {"type": "X", "rollingUpdate": {"maxSurge": 1}}},
    }
    update_managed_fields(None, new, "m", "apps/v1", "", 0, DEPLOYMENT)
    strategy = {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}}
    assert fields(new, "m") == {"f:spec": {"f:selector": {}, "f:strategy": strategy}}


def test_manager_names_come_from_the_user_agent() -> None:
    assert manager_name("", "kubectl/v1.30 (linux)") == "kubectl"
    assert manager_name("x", "kubectl/v1.30") == "x"
    assert manager_name("", "") == "unknown"


def test_only_times_differ() -> None:
    live = stored(pod(hostname="a"))
    later = changed(live, managedFields=[{**live["metadata"]["managedFields"][0], "time": "2030-01-01T00:00:00Z"}])
    assert same_but_for_times(live, later)
    assert not same_but_for_times(live, changed(later, labels={"a": "b"}))


def test_the_algebra_of_field_sets() -> None:
    a: dict[str, Any] = {"f:a": {}, "f:b": {".": {}, "f:c": {}}}
    b: dict[str, Any] = {"f:b": {"f:c": {}, "f:d": {}}}
    assert union(a, b) == {"f:a": {}, "f:b": {".": {}, "f:c": {}, "f:d": {}}}
    assert difference(a, b) == {"f:a": {}, "f:b": {}}
    assert intersection(a, b) == {"f:b": {"f:c": {}}}
    assert without(a, {"f:b": {}}) == {"f:a": {}}
    assert difference(a, a) is None


def test_paths_print_as_in_messages() -> None:
    tree = {"f:spec": {"f:containers": {'k:{"name":"a","port":1}': {".": {}, "f:image": {}}}, "f:x": {'v:"s"': {}}}}
    assert list(paths(tree)) == [
        '.spec.containers[name="a",port=1]',
        '.spec.containers[name="a",port=1].image',
        '.spec.x[="s"]',
    ]


def trees() -> st.SearchStrategy[Any]:
    leaf: st.SearchStrategy[Any] = st.just({})
    keys = st.sampled_from(["f:a", "f:b", "f:c", 'k:{"name":"x"}'])

    def node(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        children = st.dictionaries(keys, below, min_size=1, max_size=3)
        return children | children.map(lambda c: {".": {}, **c})

    return st.dictionaries(keys, st.recursive(leaf, node, max_leaves=8), min_size=1, max_size=3)


@given(trees(), trees())
def test_what_is_left_and_what_is_shared_make_the_whole(a: dict[str, Any], b: dict[str, Any]) -> None:
    left, shared = difference(a, b), intersection(a, b)
    assert set(paths(left)) == set(paths(a)) - set(paths(b))
    assert set(paths(shared)) == set(paths(a)) & set(paths(b))
    assert set(paths(union(a, b))) == set(paths(a)) | set(paths(b))
    assert union(left, shared) == a


def test_an_item_whose_key_is_true_is_not_the_one_whose_key_is_one() -> None:
    assert item_key(("port",), (1,)) == 'k:{"port":1}'
    assert item_key(("port",), (True,)) == 'k:{"port":true}'
