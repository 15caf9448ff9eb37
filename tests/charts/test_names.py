"""Names of releases: what the pattern that errors tell says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.charts import names
from corral.charts.chart.errors import ChartError

PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


@given(st.text(st.sampled_from("a0-.A_é\n"), min_size=1, max_size=8))
def test_a_name_is_taken_if_the_pattern_takes_it(name):
    if re.fullmatch(PATTERN.strip("^$"), name):
        names.check(name)
    else:
        with pytest.raises(ChartError, match=re.escape(PATTERN)):
            names.check(name)


def test_a_name_has_at_most_53_characters():
    names.check("a" * 53)
    with pytest.raises(ChartError):
        names.check("a" * 54)
