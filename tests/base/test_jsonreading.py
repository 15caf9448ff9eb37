"""JSON is read as Python's json reads it, with less loaded."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.base.jsonreading import read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.text(" \t\r\n", max_size=3), st.sampled_from([None, 2]))
def test_what_json_writes_is_read(value, blank, indent):
    text = blank + json.dumps(value, indent=indent) + blank
    assert read(text) == read(text.encode()) == value


@given(st.text('{}[]:,"\\ \ntrufalsn0123456789.eE-+INaiy\ufeff'))
def test_what_is_none_is_refused_in_the_words_of_json(text):
    try:
        expected = json.loads(text)
    except json.JSONDecodeError as error:
        with pytest.raises(json.JSONDecodeError) as refused:
            read(text)
        assert str(refused.value) == str(error)
    else:
        assert repr(read(text)) == repr(expected)


def test_texts_in_utf_16_are_read_too():
    assert read('{"a": "é"}'.encode("utf-16")) == {"a": "é"}


def test_numbers_are_read_as_is_wished():
    assert repr(read("[1, -2, 3.5]", parse_int=float)) == "[1.0, -2.0, 3.5]"
    with pytest.raises(ValueError, match="no NaN"):
        read("[NaN]", parse_constant=lambda name: int(f"no {name}"))


def test_regular_expressions_are_not_loaded():
    asked = (
        "import sys; from corral.base.jsonreading import read; read('[1]'); print('re' in sys.modules, 'json' in sys.modules)"
    )
    where = {"PYTHONPATH": ":".join(sys.path)}  # Without site there are no editable installations.
    done = subprocess.run([sys.executable, "-S", "-c", asked], env=where, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
