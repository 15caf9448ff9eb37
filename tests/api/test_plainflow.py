"""Brackets are read as the library reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.alike import read_here, read_here_or_left
from tests.examples import examples

from corral.api import plainyaml
from corral.api.plainquotes import UnusualError

PIECES = st.sampled_from(
    [
        *"[]{}[]{},,,:#'\"\\*?-\n ",
        "a",
        "b c",
        "1",
        "~",
        ": ",
        ", ",
        " #",
        "# c\n",
        "'q'",
        '"d"',
        "x:",
        "\n  ",
        "a: ",
        "<<: ",
        "||",
        "\t",
    ]
)


@examples(300)
@given(
    st.lists(PIECES, max_size=16).map("".join),
    st.sampled_from(["[{}]", "{{{}}}", "a: [{}]\nb: c", "- {{a: {}}}", "a: [\n {}\n ]"]),
)
def test_it_reads_what_the_library_reads(inside, around):
    read_here_or_left(around.format(inside))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[a b, c-d, `e`, f || g, h=i, 'j' , \"k\"]".replace("`e`", "'`e`'"), ["a b", "c-d", "`e`", "f || g", "h=i", "j", "k"]),
        ("{name:}", {"name:": None}),
        ("{a, b: , 'c', d: e:, f?g: h}", {"a": None, "b": None, "c": None, "d": "e:", "f?g": "h"}),
        ('{"a":1,"b":[true,null,-2.5],"c":{"d":"e"}}', {"a": 1, "b": [True, None, -2.5], "c": {"d": "e"}}),
        ("{n: 1, 2: b, c : d}", {"false": 1, "2": "b", "c": "d"}),
        ("[a, # the first\n\n  # the second\n  b,\n\n]", ["a", "b"]),
        ("[a\n b,\n\n 'c\n\n d',#e\n]", ["a b", "c\nd"]),
        ("a: [b,\nc]\nd: {\n}", {"a": ["b", "c"], "d": {}}),
        ("a:\n  [b,\n  c] # d\ne: f", {"a": ["b", "c"], "e": "f"}),
        ("- [[a], [{b: [c]}]]\n- [-, -x, a#b]", [[["a"], [{"b": ["c"]}]], ["-", "-x", "a#b"]]),
    ],
)
def test_what_is_read_here(text, value):
    assert read_here(text) == value


@pytest.mark.parametrize(
    "text",
    ["[a: b]", "{? a : b}", "[:80]", "[&x a]", "[!t a]", "[a]: b", "[`a]", "{a\n: b}", "{a: b", "[a] b", "[a, , b]", "{~: a}"],
)
def test_what_is_unusual_is_left_to_the_library(text):
    with pytest.raises(UnusualError):
        plainyaml.parse(text)
