"""Long texts are folded where the original folds them."""

import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.charts.render import yamlwriter


def folded(text, indent, column):
    """The same, a character at a time: at a single space beyond the width."""
    made = ""
    for i, char in enumerate(text):
        if char == " " and column > 80 and " " not in (text[i - 1 : i], text[i + 1 : i + 2]) and 0 < i < len(text) - 1:
            made += "\n" + " " * indent
            column = indent
        else:
            made += char
            column += 1
    return made


WORDS = st.lists(st.integers(0, 30).map("w".__mul__), min_size=5, max_size=40).map(" ".join)


@examples(200)
@given(WORDS, st.integers(1, 9))
def test_long_texts_are_folded_at_single_spaces(words, depth):
    text = f"w{words}w"
    value = text
    for _ in range(depth):
        value = {"k": value}
    made = yamlwriter.dump(value)
    head, _, last = made.rpartition("k: ")
    assert last == folded(text, 2 * depth, 2 * depth + 1) + "\n"
    assert head == "".join("  " * n + "k:\n" for n in range(depth - 1)) + "  " * (depth - 1)
    assert yaml.safe_load(made) == value


@examples(200)
@given(st.recursive(st.text(st.sampled_from("ab :#'-\n1é"), max_size=100),
                    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab1 :", max_size=5), inner, max_size=3)),
                    max_leaves=8))  # fmt: skip
def test_what_is_written_is_read_again(value):
    assert yaml.safe_load(yamlwriter.dump(value)) == value
