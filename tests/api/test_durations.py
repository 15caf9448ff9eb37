"""Durations as tables show them."""

import pytest

from corral.api.durations import elapsed, human


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (12660, "3h31m"),
        (28800, "8h"),
        (172800, "2d"),
        (180000, "2d2h"),
        (691200, "8d"),
        (63072000, "2y"),
        (63158400, "2y1d"),
        (252288000, "8y"),
    ],
)
def test_precision_fades_with_length(duration_s, text):
    assert human(duration_s) == text


def test_no_time_is_unknown():
    assert elapsed(None, 5) == elapsed("", 5) == "<unknown>"
    assert elapsed("1970-01-01T00:00:00Z", 5) == "5s"
