"""Text in quotes is read as the library reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.alike import read_here, read_here_or_left
from tests.examples import examples

PIECES = st.sampled_from(
    [
        *"'\"\\\\\n\n  \t",
        "a",
        "b c",
        "''",
        '\\"',
        "\\\\",
        "\\n",
        "\\\n",
        "\\ ",
        "\\\n  \\ ",
        "\\x41",
        "\\u20",
        "\\U0001F600",
        "# c",
        ": ",
        "é",
    ]
)


@examples(300)
@given(
    st.lists(PIECES, max_size=14).map("".join), st.sampled_from("'\""), st.sampled_from(["a: {}", "- {}\n- b", "[{}]", "{}: b"])
)
def test_it_reads_what_the_library_reads(inside, mark, around):
    read_here_or_left(around.format(mark + inside + mark))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s #1: a'", "it's #1: a"),
        ("a: 'one\n  two\n\n  # three'\nb: c", {"a": "one two\n# three", "b": "c"}),
        ("a: 'one\ntwo' # three", {"a": "one two"}),
        ("- 'one\n  '\n- '\n  two'", ["one ", " two"]),
        ('a: "one\n  two\\n\n\n  three\\\n  \\ four"', {"a": "one two\n\nthree four"}),
        ('"\\x41\\u00e9\\U0001F600\\t\\/\\e\\_"', "Aé😀\t/\x1b\xa0"),
        ("'\"a\\n\"'", '"a\\n"'),
    ],
)
def test_what_is_read_here(text, value):
    assert read_here(text) == value
