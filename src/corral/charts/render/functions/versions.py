"""Sprig's functions of semantic versions."""

from corral.charts.render import semver
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import Table

FUNCTIONS = Table()


@FUNCTIONS.add("semver", "string")
def _semver(text: str) -> semver.Version:
    try:
        return semver.parse(text)
    except semver.SemverError as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("semverCompare", "string", "string")
def _semver_compare(constraint: str, version: str) -> bool:
    try:
        return semver.Constraints(constraint).allow(semver.parse(version))
    except semver.SemverError as error:
        raise FunctionError(str(error)) from None
