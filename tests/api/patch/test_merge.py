from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.patch.merge import merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": {"e": None}}}, {"a": {"c": 2, "d": {}}}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_merging(document: Any, patch: Any, result: Any) -> None:
    assert merge_patch(document, patch) == result


def test_a_patch_is_an_object() -> None:
    with pytest.raises(ApiError, match="error decoding patch"):
        merge_patch({}, ["a"])
