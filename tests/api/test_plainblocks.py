"""Literal and folded text is read as the library reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.alike import read_here, read_here_or_left
from tests.examples import examples

LINES = st.lists(
    st.builds(lambda indent, text: " " * indent + text, st.integers(0, 5), st.sampled_from(["", "", "a", "b c", "# d", "- e", "\tf", "g "])),
    max_size=9,
)  # fmt: skip
HEADERS = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from("|>"),
    st.sampled_from(["", "", "1", "2", "3", "-", "+"]),
    st.sampled_from(["", "", "", "2", "-", "+", " # c", " "]),
)


@examples(300)
@given(
    HEADERS,
    LINES,
    st.sampled_from(["{}{}", "a: {}\n{}", "- {}\n{}", "a:\n  b: {}\n{}\nc: d", "- - {}\n{}"]),
    st.sampled_from(["", "\n"]),
)
def test_it_reads_what_the_library_reads(header, lines, around, end):
    read_here_or_left(around.format(header, "\n".join(lines)) + end)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: |\n  b\n   c\n\n  d\n\ne: f", {"a": "b\n c\n\nd\n", "e": "f"}),
        ("a: |2-\n    b\n  c\n", {"a": "  b\nc"}),
        ("a: |-2\n   b\n", {"a": " b"}),
        ("a: >+\n  b\n  c\n\n\nd: e", {"a": "b c\n\n\n", "d": "e"}),
        ("a: >\n  b\n  c\n    d\n    e\n\n  f\n\n\n  g", {"a": "b c\n  d\n  e\n\nf\n\ng"}),
        ("a: >-\n\n  b\n", {"a": "\nb"}),
        ("a: |\nb: |+\n\n\nc: d", {"a": "", "b": "\n\n", "c": "d"}),
        ("- |\n a\n- >  # c\n b", ["a\n", "b"]),
        ("a: |\n  b\n # c\nd: e", {"a": "b\n", "d": "e"}),
        ("a: |\n  {\n    \"b\": [\n\t1]\n  }\n".replace("\t", "      "), {"a": "{\n  \"b\": [\n    1]\n}\n"}),
    ],
)  # fmt: skip
def test_what_is_read_here(text, value):
    assert read_here(text) == value
