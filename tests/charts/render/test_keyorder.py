"""The quick way gives the order of keys that the slow one gives."""

from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.charts.render import keyorder, yamlwriter


def compared(one, two):
    """Whether a key stands before another, as `cmp_to_key` has it."""
    return -1 if keyorder._before(one, two) else 1 if one != two else 0


@examples(300)
@given(st.lists(st.text(st.sampled_from("aZ./-_01é"), max_size=4), max_size=5, unique=True))
def test_keys_are_sorted_as_they_compare(keys):
    assert yamlwriter._sorted(keys) == sorted(keys, key=cmp_to_key(compared))


def test_digits_are_sorted_by_their_number():
    keys = ["b10", "b9", "b", "B", "a-1", "a1", "a", "1", "a01"]
    assert keyorder.natural(keys) == ["1", "B", "a", "a-1", "a1", "a01", "b", "b9", "b10"]
