from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api.errors import ApiError
from corral.api.patch.json import json_patch


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/b", "value": 1}, {"a": [1, 2], "b": 1}),
        ({"op": "add", "path": "/a/-", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "add", "path": "/a/0", "value": 0}, {"a": [0, 1, 2]}),
        ({"op": "add", "path": "/a/-1", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "remove", "path": "/a/1"}, {"a": [1]}),
        ({"op": "replace", "path": "/a", "value": None}, {"a": None}),
        ({"op": "replace", "path": "", "value": {"c": 1}}, {"c": 1}),
        ({"op": "move", "from": "/a/0", "path": "/b"}, {"a": [2], "b": 1}),
        ({"op": "copy", "from": "/a", "path": "/b~1c"}, {"a": [1, 2], "b/c": [1, 2]}),
        ({"op": "test", "path": "/a/0", "value": 1}, {"a": [1, 2]}),
    ],
)
def test_operations(operation: Any, result: Any) -> None:
    document = {"a": [1, 2]}
    assert json_patch(document, [operation]) == result
    assert document == {"a": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "remove", "path": "/x"},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "move", "from": "/x", "path": "/y"},
        {"op": "test", "path": "/a/0", "value": True},
        {"op": "jump", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "remove"},
    ],
)
def test_what_cannot_be_done_is_422(operation: Any) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch({"a": [1]}, [{"op": "add", "path": "/z", "value": 1}, operation])
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")


def test_a_patch_is_a_list() -> None:
    with pytest.raises(ApiError, match="cannot unmarshal object into Go value of type"):
        json_patch({}, {"op": "add"})


VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=2), v, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), st.text(max_size=3), VALUES)
def test_adding_then_removing_changes_nothing(document: dict[str, Any], name: str, value: Any) -> None:
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    if name not in document:
        steps = [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}]
        assert json_patch(document, [*steps, {"op": "remove", "path": path}]) == document
