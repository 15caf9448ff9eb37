"""Files of variables (KEP-3721)."""

import pytest

from corral.node.envfile import value_in

FILE = """# comment
DB_ADDRESS='address'

  SPACED = 'a b'
MULTI='line1
# not a comment
line2'
EMPTY=''
DB_ADDRESS='later'
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_ADDRESS", "address"),
        ("SPACED", "a b"),
        ("MULTI", "line1\n# not a comment\nline2"),
        ("EMPTY", ""),
        ("NONE", None),
    ],
)
def test_values_are_what_stands_between_single_quotes(name, value):
    assert value_in(FILE, name) == value


@pytest.mark.parametrize("line", ["A=plain", 'A="double"', "A='a''b'", "A='a'$B", "A='open", "A", "A='a' # more"])
def test_other_forms_are_refused(line):
    with pytest.raises(ValueError, match="line 2 is not of the form"):
        value_in(f"B='b'\n{line}\n", "A")


def test_the_last_line_may_have_no_end():
    assert value_in("A='a'", "A") == "a"
    assert value_in("A='a'\r\nB='b'\r\n", "B") == "b"
