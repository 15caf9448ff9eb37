"""Versions and ranges as Helm reads them: SemVer 2, a `v` before it and parts left out; `^1.2`, `~1.2`, `>=1 <3 || 5.x`.

https://semver.org, https://helm.sh/docs/chart_best_practices/dependencies/#versions
"""

from collections.abc import Callable
from functools import cache, total_ordering

from corral.base.annotations import TYPE_CHECKING, NamedTuple
from corral.base.patterns import pattern

if TYPE_CHECKING:
    import re

_VERSION = pattern(
    r"(?a)v?(\d+)(\.\d+)?(\.\d+)?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_NUMBERS = r"v?([0-9|xX\*]+)(\.[0-9|xX\*]+)?(\.[0-9|xX\*]+)?"
_PART = _NUMBERS + r"(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_CONSTRAINT = pattern(rf"\s*(=||!=|>|<|>=|=>|<=|=<|~|~>|\^)\s*{_PART}\s*(?:,|\s|$)")
_HYPHEN = pattern(rf"\s*({_PART})\s+-\s+({_PART})\s*")
_WILD = ("x", "X", "*")


@total_ordering
class Version(NamedTuple):
    """A version; build metadata does not count when two are compared."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""
    original: str = ""

    @property
    def order(self) -> tuple[object, ...]:
        """What versions are sorted by: a prerelease comes before its release, numbers before words."""
        parts = (
            tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in self.prerelease.split(".")) if self.prerelease else ()
        )
        return self.major, self.minor, self.patch, not self.prerelease, parts

    def __lt__(self, other: tuple[object, ...]) -> bool:
        return isinstance(other, Version) and self.order < other.order

    def __gt__(self, other: tuple[object, ...]) -> bool:
        return isinstance(other, Version) and self.order > other.order

    def __le__(self, other: tuple[object, ...]) -> bool:
        return not self > other

    def __ge__(self, other: tuple[object, ...]) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order)

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        return text + (f"-{self.prerelease}" if self.prerelease else "") + (f"+{self.build}" if self.build else "")


@cache
def parse(text: str) -> Version | None:
    """The version that `text` is; None where it is none."""
    match = _VERSION.fullmatch(text)
    if match is None or len(text) > 256:
        return None
    major, minor, patch, prerelease, build = match.groups()
    return Version(int(major), int((minor or ".0")[1:]), int((patch or ".0")[1:]), prerelease or "", build or "", text)


class _Bound(NamedTuple):
    operator: str
    version: Version
    any_minor: bool
    any_patch: bool
    dirty: bool


class Range(NamedTuple):
    """A constraint: any of several sets of bounds, all of which hold."""

    any_of: tuple[tuple[_Bound, ...], ...]

    def allows(self, version: Version) -> bool:
        """Whether `version` is within."""
        return any(all(_CHECKS[bound.operator](version, bound) for bound in bounds) for bounds in self.any_of)


@cache
def parse_range(text: str) -> Range | None:
    """The range that `text` describes; None where it is none. An empty one allows all but prereleases."""
    if len(text) > 4096:
        return None
    text = _HYPHEN.sub(lambda m: f">={m[1]} <={m[6]} ", text)
    any_of = []
    for alternative in text.split("||"):
        bounds = []
        at = 0
        part = alternative.strip()
        if not part:
            bounds.append(_Bound("", Version(0, 0, 0), False, False, True))
        while at < len(part):
            match = _CONSTRAINT.match(part, at)
            bound = _bound(match) if match else None
            if match is None or bound is None:
                return None
            bounds.append(bound)
            at = match.end()
        any_of.append(tuple(bounds))
    return Range(tuple(any_of))


def _bound(match: "re.Match[str]") -> _Bound | None:
    operator, major, minor, patch, prerelease = match.groups()
    minor, patch = (minor or "").removeprefix("."), (patch or "").removeprefix(".")
    if major in _WILD:
        return _Bound(operator, Version(0, 0, 0), False, False, True)
    any_minor = minor in ("", *_WILD)
    any_patch = not any_minor and patch in ("", *_WILD)
    text = f"{major}.{'0' if any_minor else minor}.{'0' if any_minor or any_patch else patch}{prerelease or ''}"
    version = parse(text)
    return None if version is None else _Bound(operator, version, any_minor, any_patch, any_minor or any_patch)


def satisfies(version: str, constraint: str) -> bool:
    """Whether a version is within a range; neither need be well formed."""
    found, within = parse(version), parse_range(constraint)
    return found is not None and within is not None and within.allows(found)


def _skips(v: Version, c: _Bound) -> bool:
    """A prerelease is meant only by those who name one."""
    return bool(v.prerelease) and not c.version.prerelease


def _tilde(v: Version, c: _Bound) -> bool:
    if _skips(v, c) or v < c.version:
        return False
    if c.version[:3] == (0, 0, 0) and not c.any_minor and not c.any_patch:
        return True
    return v.major == c.version.major and (v.minor == c.version.minor or c.any_minor)


def _equal(v: Version, c: _Bound) -> bool:
    if _skips(v, c):
        return False
    return _tilde(v, c) if c.dirty else v == c.version


def _not_equal(v: Version, c: _Bound) -> bool:
    if not c.dirty:
        return v != c.version
    if _skips(v, c):
        return False
    if v.major != c.version.major:
        return True
    if c.any_minor:
        return False
    if v.minor != c.version.minor:
        return True
    return c.any_patch and v.prerelease != c.version.prerelease


def _greater(v: Version, c: _Bound) -> bool:
    if _skips(v, c):
        return False
    if not c.dirty or v.major != c.version.major:
        return v > c.version if not c.dirty else v.major > c.version.major
    if c.any_minor:
        return False
    return v.minor > c.version.minor if c.any_patch else v > c.version


def _less_or_equal(v: Version, c: _Bound) -> bool:
    if _skips(v, c):
        return False
    if not c.dirty:
        return v <= c.version
    if v.major > c.version.major:
        return False
    return not (v.major == c.version.major and v.minor > c.version.minor and not c.any_minor)


def _caret(v: Version, c: _Bound) -> bool:
    if _skips(v, c) or v < c.version:
        return False
    if c.version.major > 0 or c.any_minor:
        return v.major == c.version.major
    if v.major > c.version.major:
        return False
    if c.version.minor > 0 or c.any_patch:
        return v.minor == c.version.minor
    if v.minor > c.version.minor:
        return False
    return v.patch == c.version.patch


_CHECKS: dict[str, Callable[[Version, _Bound], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": lambda v, c: not _skips(v, c) and v < c.version,
    ">=": lambda v, c: not _skips(v, c) and v >= c.version,
    "=>": lambda v, c: not _skips(v, c) and v >= c.version,
    "<=": _less_or_equal,
    "=<": _less_or_equal,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
