"""Hosts in front of ports."""

import pytest

from corral.base.addresses import bracketed


@pytest.mark.parametrize(
    ("host", "shown"), [("fd00::1", "[fd00::1]"), ("10.0.0.1", "10.0.0.1"), ("node.example", "node.example")]
)
def test_only_addresses_with_colons_get_brackets(host: str, shown: str) -> None:
    assert bracketed(host) == shown
