"""The order of keys: the quick way gives what comparing them gives."""

from functools import cmp_to_key

from hypothesis import given, settings
from hypothesis import strategies as st

from corral.charts.render import yamlwriter


@settings(max_examples=300)
@given(st.lists(st.text(st.sampled_from("aZ./-_0é"), max_size=4), max_size=4, unique=True))
def test_keys_are_sorted_as_they_compare(keys):
    assert yamlwriter.sorted_keys(dict.fromkeys(keys)) == sorted(keys, key=cmp_to_key(yamlwriter._compare))
