"""JSON texts: Go's messages, repeated keys."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api import jsontext
from corral.api.jsontext import TextError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "unexpected end of JSON input"),
        (b'{"a": ', "unexpected end of JSON input"),
        (b"{not json", "invalid character 'n' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b"nope", "invalid character 'o' in literal null (expecting 'u')"),
        (b"tru", "unexpected end of JSON input"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\\u12"', "invalid character '\"' in \\u hexadecimal character escape"),
        (b'"a\n"', "invalid character '\\n' in string literal"),
        (b"-a", "invalid character 'a' in numeric literal"),
        (b"1.a", "invalid character 'a' after decimal point in numeric literal"),
        (b"1e+a", "invalid character 'a' in exponent of numeric literal"),
        (b"'a'", "invalid character '\\'' looking for beginning of value"),
        (b"\x00", "invalid character '\\x00' looking for beginning of value"),
        ("ü".encode(), "invalid character 'Ã' looking for beginning of value"),
    ],
)
def test_faults_are_told_in_gos_words(text: bytes, message: str) -> None:
    with pytest.raises(TextError) as caught:
        jsontext.parse(text)
    assert str(caught.value) == message


def test_deep_texts_are_refused() -> None:
    with pytest.raises(TextError, match="exceeded max depth"):
        jsontext.parse(b"[" * 20_000 + b"]" * 20_000)


scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e300, 1e300) | st.text(max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_valid_texts_are_read_whatever_their_form(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert jsontext.parse(text) == value
    assert jsontext.parse_exactly(text) == value
    assert not jsontext.has_repeated_keys(text, value)


@given(st.binary(max_size=20))
def test_any_bytes_are_json_or_a_clear_error(data: bytes) -> None:
    try:
        jsontext.parse(data)
    except TextError as error:
        assert str(error)


def test_repeated_keys_are_found() -> None:
    text = b'{"a": "\\"x\\\\", "b": {"c": 1, "c": 2}}'
    value = jsontext.parse(text)
    assert jsontext.has_repeated_keys(text, value)
    found = jsontext.parse_exactly(text)
    assert found["b"].repeated == ("c",)
    assert found == value


def test_texts_that_are_too_deep_to_be_written_again_are_refused() -> None:
    for depth in (300, 900, 5000):
        with pytest.raises(TextError, match="exceeded max depth"):
            jsontext.parse(b'{"a":' * depth + b"1" + b"}" * depth)
    assert jsontext.parse(b"[" * 100 + b"]" * 100)


def test_half_a_pair_of_surrogates_is_the_replacement_character() -> None:
    text = rb'{"a":"\ud800","\udfffx":"\ud83d\ude00","b":"\\ud800"}'
    assert jsontext.parse(text) == {"a": "\ufffd", "\ufffdx": "\U0001f600", "b": "\\ud800"}


def test_an_integer_of_thousands_of_digits_is_read() -> None:
    assert jsontext.parse_exactly(b"[" + b"9" * 5000 + b"]")[0].text == "9" * 5000
