"""Versions and ranges of charts, as Helm's library reads them, for templates as well as for charts (render/semver.py).

Here a text that is none gives None or False; templates are told what is wrong with it.
https://semver.org, https://helm.sh/docs/chart_best_practices/dependencies/#versions
"""

from corral.base.annotations import Any
from corral.base.memo import Memo
from corral.charts.render.semver import Constraints, SemverError, Version
from corral.charts.render.semver import parse as _parse

#: No version can be older.
OLDEST = Version((0, 0, 0), "0", "", "")
#: So many texts are known at a time, of versions and of ranges: an index can name thousands.
MAX_KNOWN = 100_000


def parse(text: str) -> Version | None:
    """The version that `text` is; None where it is none."""
    return _VERSIONS[text]


def parse_range(text: str) -> Constraints | None:
    """The range that `text` describes; None where it is none. An empty one allows all but prereleases."""
    return _RANGES[text]


def _version_of(text: str) -> Version | None:
    try:
        return _parse(text)
    except SemverError:
        return None


def _range_of(text: str) -> Constraints | None:
    try:
        return Constraints(text)
    except SemverError:
        return None


_VERSIONS = Memo(MAX_KNOWN, _version_of)
_RANGES = Memo(MAX_KNOWN, _range_of)


def satisfies(version: str, constraint: str) -> bool:
    """Whether a version is within a range; neither need be well formed."""
    found, within = parse(version), parse_range(constraint)
    return found is not None and within is not None and within.allow(found)


def order(version: Version | None) -> Any:
    """What versions are sorted by; None is older than all."""
    from functools import cmp_to_key

    return cmp_to_key(Version.compare)(version or OLDEST)
