"""Versions and constraints: those that are read without an expression are read as by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.charts.render import semver

PARTS = st.sampled_from(["0", "1", "2", "10", "01", "x", "X", "*", "", "1x", "-1"])
VERSIONS = st.builds(
    lambda mark, parts, rest: mark + ".".join(parts) + rest,
    st.sampled_from(["", "", "v", "vv"]),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", "", "-0", "-rc1", "-rc.1", "-01", "+b", "-", "-a+b", "-é"]),
)
BLANKS = st.sampled_from(["", "", " ", "\t"])
CONSTRAINTS = st.builds(
    "{}{}{}{}{}".format,
    BLANKS,
    st.sampled_from(["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", "<<"]),
    BLANKS,
    VERSIONS,
    st.sampled_from(["", "", " ", ",", " || 2", ", <2", " - 2.1"]),
)
SOME = [
    semver.parse(text) for text in ("0.0.0", "0.1.2", "1.0.0", "1.19.3", "1.19.3-rc1", "2.3.4-0", "10.0.1", "1.2.3+b", "0.0.1")
]


def version_of(text):
    try:
        found = semver.parse(text)
    except semver.SemverError as error:
        return str(error)
    return found.numbers, found.prerelease, found.metadata, found.original


def allowed_by(text):
    try:
        found = semver.Constraints(text)
    except semver.SemverError as error:
        return str(error)
    return [found.allow(version) for version in SOME]


@examples(300)
@given(VERSIONS, CONSTRAINTS)
def test_what_is_read_without_an_expression_is_what_one_finds(version, constraint):
    quick = version_of(version), allowed_by(constraint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semver, "_plain", lambda text: None)
        assert quick == (version_of(version), allowed_by(constraint))


@pytest.mark.parametrize("text", ["1.2.3", "v1.25.0", "1.20"])
def test_usual_versions_need_no_expression(text):
    assert semver._plain(text) is not None


@pytest.mark.parametrize("text", [">=1.19-0", ">= 1.19.0-0", "~1.2", "^2.x.x", "1.2.3", "*"])
def test_usual_constraints_need_no_expression(text):
    assert semver._plain_constraint(text) is not None
