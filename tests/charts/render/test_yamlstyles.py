"""What looks like a number to go-yaml."""

import pytest

from corral.charts.render import yamlstyles


@pytest.mark.parametrize(
    ("text", "is_text"),
    [
        ("1.16.0", True),
        ("10.0.0.1", True),
        ("1.25", False),
        ("1.", False),
        ("1.5e3", False),
        ("12:30.5", False),
        ("1.2.3:4", True),
        ("-1", False),
        ("+1_000", False),
        ("1a2b3c", True),
        ("0x1F", False),
        ("0x" + "F" * 17, True),
        ("9" * 30, False),
        ("089", False),
        ("1e400", True),
        ("2024-02-29", False),
        ("2023-02-29", True),
        (".5", False),
        (".a", True),
        ("-", True),
    ],
)
def test_versions_are_texts_and_numbers_are_not(text, is_text):
    assert yamlstyles.resolves_to_text(text) == is_text
