"""Words are read as the library reads them: text, numbers, true, false and nothing."""

from hypothesis import given
from hypothesis import strategies as st
from tests.api.alike import read_here, read_here_or_left
from tests.examples import examples

PIECES = st.sampled_from(
    [*"0123456789abefxo._+-eE", "0x", "0b", "0o", "00", "inf", "nan", "²", "e5", "e-3", "1" * 20, "0" * 30]
)


@examples(300)
@given(st.lists(PIECES, min_size=1, max_size=8).map("".join), st.sampled_from(["- {}", "{}: a", "[{}]", "a: {} # c"]))
def test_numbers_are_what_they_are_to_the_library(text, around):
    read_here_or_left(around.format(text))


def test_numbers_of_every_kind_are_read_here():
    text = "[0, -0, 12, +1, 1_000, 010, -010, 089, 0x1F, 0b101, 0o17, 1., .5, -1.5, 1e6, 1.5E-3, 1e21, 12345678901234567890123]"
    numbers = [
        0,
        0,
        12,
        1,
        1000,
        8,
        -8,
        89,
        31,
        5,
        15,
        1,
        0.5,
        -1.5,
        1000000,
        0.0015,
        1e21,
        12345678901234567890123,
    ]
    assert read_here(text) == numbers


def test_what_only_looks_like_a_number_is_text():
    words = "1.2.3 12:30 2001-01-01 1e 1e+ 0x 0b2 0o8 . .. + +- _1 ._1 .infinite 1e400 -1e999 10Gi 1² e3 -x 1__x 0xg"
    assert read_here("\n".join(f"- {word}" for word in words.split())) == words.split()


def test_words_are_as_of_old():
    assert read_here("[y, Yes, ON, n, off, ~, null, Null, nULL, tRUE]") == [True] * 3 + [False] * 2 + [None] * 3 + [
        "nULL",
        "tRUE",
    ]
