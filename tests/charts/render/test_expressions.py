"""Random expressions and statements come out as the real Helm has them."""

import re
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.charts.render import expressions, helm, statements

from corral.charts.render import yamlreader, yamlwriter

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.floats(-1e15, 1e15) | expressions.TEXTS | expressions.LONG,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(expressions.TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(_PLAIN)
def test_what_is_written_as_yaml_is_read_again(value: object) -> None:
    assert yamlreader.load(yamlwriter.dump(value)) == value


@pytest.mark.skipif(helm.find() is None, reason="no Helm here: scripts/setup --dev gets it")
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(expressions.templates(), min_size=150, max_size=150))
def test_expressions_come_out_as_with_helm(texts: list[str]) -> None:
    _compare(texts)


@pytest.mark.skipif(helm.find() is None, reason="no Helm here: scripts/setup --dev gets it")
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(statements.templates(), min_size=60, max_size=60))
def test_statements_come_out_as_with_helm(texts: list[str]) -> None:
    _compare(texts)


def _compare(texts: list[str]) -> None:
    time.tzset()
    binary = helm.find()
    assert binary
    with tempfile.TemporaryDirectory() as folder:
        theirs = helm.by_helm(binary, texts, Path(folder))
    for text, wanted in zip(texts, theirs, strict=True):
        assert (text, _shown(helm.by_corral(text))) == (text, _shown(wanted))


def _shown(result: helm.Result) -> helm.Result:
    """A result without addresses in memory; which of several errors Helm tells first depends on the batch."""
    return result[0], re.sub(r"_t\d+|out\.yaml:\d+:\d+|0xc[0-9a-f]+", "", result[1])
