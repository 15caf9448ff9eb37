"""Every template of the corpus comes out as the real Helm has it, to the byte, errors included."""

import time
from pathlib import Path

import pytest
from tests.charts.render import corpus, helm

CASES = [case for feature in corpus.features() for case in corpus.read(feature)]
#: Each error costs a Helm process, so that only some are asked for again.
ERRORS_ASKED = 4


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_there_are_enough() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.feature}: {case.name}")
def test_a_template_comes_out_as_recorded(case: corpus.Case) -> None:
    assert helm.by_corral(case.template) == (case.rendered, case.text)


@pytest.mark.skipif(helm.find() is None, reason="no Helm here: scripts/setup --dev gets it")
@pytest.mark.parametrize("feature", corpus.features())
def test_the_records_are_what_helm_says(feature: str, tmp_path: Path) -> None:
    binary = helm.find()
    assert binary
    cases = corpus.read(feature)
    rendered = [case for case in cases if case.rendered]
    failing = [case for case in cases if not case.rendered][:ERRORS_ASKED]
    # Alone, as the others would be rendered again after each that fails.
    results = helm.by_helm(binary, [case.template for case in rendered], tmp_path)
    results += [result for case in failing for result in helm.by_helm(binary, [case.template], tmp_path)]
    assert results == [(case.rendered, case.text) for case in rendered + failing]
