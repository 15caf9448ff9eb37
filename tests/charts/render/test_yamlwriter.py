"""The quick ways give what the slow ones give: the order of keys, what looks like a number."""

from functools import cmp_to_key

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corral.charts.render import yamlwriter


@settings(max_examples=300)
@given(st.lists(st.text(st.sampled_from("aZ./-_0é"), max_size=4), max_size=4, unique=True))
def test_keys_are_sorted_as_they_compare(keys):
    assert yamlwriter.sorted_keys(dict.fromkeys(keys)) == sorted(keys, key=cmp_to_key(yamlwriter._compare))


@pytest.mark.parametrize(
    ("text", "is_text"),
    [
        ("1.16.0", True),
        ("10.0.0.1", True),
        ("1.25", False),
        ("1.", False),
        ("1.5e3", False),
        ("12:30.5", False),
        ("1.2.3:4", True),
    ],
)
def test_versions_are_texts_and_numbers_are_not(text, is_text):
    assert yamlwriter.resolves_to_text(text) == is_text
