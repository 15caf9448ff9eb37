"""Versions and constraints as Masterminds/semver 3.1 has them."""

from corral.base.annotations import Callable
from corral.base.patterns import pattern
from corral.charts.render.gotypes import Struct, Uint64

_PARTS = r"(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"
_VERSION = pattern(r"(?a)v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?" + _PARTS)
_LOOSE = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?" + _PARTS
_OPERATORS = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^"
_OPERATOR = r"(!=|>=|=>|<=|=<|~>|=|>|<|~|\^|)"
_CONSTRAINT = pattern(rf"(?a)\s*{_OPERATOR}\s*({_LOOSE})\s*")
_RANGE = pattern(rf"(?a)\s*({_LOOSE})\s+-\s+({_LOOSE})\s*")
_FIND = pattern(rf"(?a){_OPERATOR}\s*({_LOOSE})")
_VALID = pattern(rf"(?a)(?:\s*{_OPERATOR}\s*({_LOOSE})\s*,?)+")
_MAX_LENGTH = 4096
#: What stands for any number in a constraint.
_ANY = ("x", "X", "*")


class SemverError(ValueError):
    """A text is no version or no constraint; the text is the original's."""


class Version(Struct):
    """A semantic version."""

    __slots__ = ("major", "metadata", "minor", "original", "patch", "prerelease")
    go_type = "*semver.Version"
    methods = {  # noqa: RUF012
        **{name: (f"get_{name.lower()}", ()) for name in ("Major", "Minor", "Patch", "Prerelease", "Metadata", "Original")},
        "String": ("shown", ()),
        "Compare": ("compare", ("*semver.Version",)),
        "Equal": ("is_equal", ("*semver.Version",)),
        "LessThan": ("is_less", ("*semver.Version",)),
        "GreaterThan": ("is_greater", ("*semver.Version",)),
        "IncMajor": ("next_major", ()),
        "IncMinor": ("next_minor", ()),
        "IncPatch": ("next_patch", ()),
    }

    def __init__(self, numbers: tuple[int, int, int], prerelease: str, metadata: str, original: str) -> None:
        self.major, self.minor, self.patch = numbers
        self.prerelease = prerelease
        self.metadata = metadata
        self.original = original

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Major, minor and patch."""
        return self.major, self.minor, self.patch

    def shown(self) -> str:
        """The version in its normal form."""
        prerelease = f"-{self.prerelease}" if self.prerelease else ""
        metadata = f"+{self.metadata}" if self.metadata else ""
        return f"{self.major}.{self.minor}.{self.patch}{prerelease}{metadata}"

    as_json = shown

    def get_major(self) -> Uint64:
        """Its first number."""
        return Uint64(self.major)

    def get_minor(self) -> Uint64:
        """Its second number."""
        return Uint64(self.minor)

    def get_patch(self) -> Uint64:
        """Its third number."""
        return Uint64(self.patch)

    def get_prerelease(self) -> str:
        """What stands behind the dash."""
        return self.prerelease

    def get_metadata(self) -> str:
        """What stands behind the plus."""
        return self.metadata

    def get_original(self) -> str:
        """The text that it was read from."""
        return self.original

    def compare(self, other: "Version") -> int:
        """-1, 0 or 1; metadata does not count."""
        if self.numbers != other.numbers:
            return -1 if self.numbers < other.numbers else 1
        return _compare_prereleases(self.prerelease, other.prerelease)

    def is_equal(self, other: "Version") -> bool:
        """Whether it comes to the same."""
        return self.compare(other) == 0

    def is_less(self, other: "Version") -> bool:
        """Whether it is older."""
        return self.compare(other) < 0

    def is_greater(self, other: "Version") -> bool:
        """Whether it is newer."""
        return self.compare(other) > 0

    def next_major(self) -> "Version":
        """The next major version."""
        return self._next((self.major + 1, 0, 0))

    def next_minor(self) -> "Version":
        """The next minor version."""
        return self._next((self.major, self.minor + 1, 0))

    def next_patch(self) -> "Version":
        """The next patch; of a prerelease, its release."""
        return self._next((self.major, self.minor, self.patch + (not self.prerelease)))

    def _next(self, numbers: tuple[int, int, int]) -> "Version":
        mark = "v" if self.original.startswith("v") else ""
        made = _Value(numbers, "", "", "")
        made.original = mark + made.shown()
        return made


class _Value(Version):
    __slots__ = ()
    go_type = "semver.Version"
    pointer = False


def parse(text: str) -> Version:
    """NewVersion: what is missing is 0, a leading v may stand. Raises SemverError."""
    if len(text) > _MAX_LENGTH:
        raise SemverError("Invalid Semantic Version")
    plain = _plain(text)
    if plain is not None and not any(part in _ANY for part in plain[0]):
        (major, minor, patch), prerelease, metadata = plain[0], plain[1], ""
    else:
        match = _VERSION.fullmatch(text)
        if match is None:
            raise SemverError("Invalid Semantic Version")
        major, minor, patch = match[1], (match[2] or "")[1:], (match[3] or "")[1:]
        prerelease, metadata = match[5] or "", match[8] or ""
    numbers = (int(major), int(minor or "0"), int(patch or "0"))
    if max(numbers) >= 2**64:
        raise SemverError(f'Error parsing version segment: strconv.ParseUint: parsing "{max(numbers)}": value out of range')
    for part in prerelease.split("."):
        if part.isdigit() and len(part) > 1 and part[0] == "0":
            raise SemverError("Version segment starts with 0")
    return Version(numbers, prerelease, metadata, text)


def _plain(text: str) -> tuple[tuple[str, str, str], str] | None:
    """The numbers of a version, "" where there is none, and its prerelease, as most are; None where an expression must tell."""
    numbers, dash, prerelease = text.removeprefix("v").partition("-")
    parts = numbers.split(".")
    if not text.isascii() or len(parts) > 3 or (dash and not prerelease.isalnum()):
        return None
    if not all(part.isdigit() or part in _ANY for part in parts):
        return None
    major, minor, patch = (*parts, "", "")[:3]
    return (major, minor, patch), prerelease


def _compare_prereleases(one: str, two: str) -> int:
    if one == two:
        return 0
    if not one or not two:
        return 1 if not one else -1
    ones, twos = one.split("."), two.split(".")
    for a, b in zip(ones, twos, strict=False):
        if a != b:
            return _compare_parts(a, b)
    return -1 if len(ones) < len(twos) else 1


def _compare_parts(one: str, two: str) -> int:
    if one.isdigit() and two.isdigit():
        return -1 if int(one) < int(two) else 1
    if one.isdigit() or two.isdigit():
        return -1 if one.isdigit() else 1
    return -1 if one < two else 1


class _Constraint:
    """One comparison; dirty are those whose version has an x, or lacks a part."""

    def __init__(self, operator: str, version: str, numbers: tuple[str, str, str], prerelease: str) -> None:
        self.operator = operator
        self.dirty = self.minor_dirty = self.patch_dirty = False
        major, minor, patch = numbers
        if _is_x(major):
            self.dirty = True
            version = "0.0.0"
        elif _is_x(minor):
            self.dirty = self.minor_dirty = True
            version = f"{major}.0.0{prerelease}"
        elif _is_x(patch):
            self.dirty = self.patch_dirty = True
            version = f"{major}.{minor}.0{prerelease}"
        try:
            self.version = parse(version)
        except SemverError:
            raise SemverError("constraint Parser Error") from None

    def allows(self, version: Version) -> bool:
        if version.prerelease and not self.version.prerelease and (self.dirty or self.operator != "!="):
            return False
        return _CHECKS[self.operator](self, version)


def _is_x(part: str) -> bool:
    return not part or part in _ANY


def _constraint(text: str) -> _Constraint:
    """One comparison of a text. Raises SemverError."""
    match = _CONSTRAINT.fullmatch(text)
    if match is None:
        if text:
            raise SemverError(f"improper constraint: {text}")
        return _Constraint("", "", ("", "", ""), "")
    return _Constraint(match[1], match[2], (match[3], (match[4] or "")[1:], (match[5] or "")[1:]), match[6] or "")


def _plain_constraint(text: str) -> _Constraint | None:
    """The same, as most are: `>=1.19-0`, `~1.2`, `^2.x.x`; None where an expression has to tell."""
    text = text.strip(" ")
    version = text.lstrip("=!<>~^")
    operator = text[: len(text) - len(version)]
    version = version.lstrip(" ")
    plain = _plain(version)
    if plain is None or operator not in _CHECKS:
        return None
    numbers, prerelease = plain
    return _Constraint(operator, version, numbers, f"-{prerelease}" if prerelease else "")


def _not_equal(constraint: _Constraint, version: Version) -> bool:
    wanted = constraint.version
    if constraint.dirty:
        if wanted.major != version.major:
            return True
        if wanted.minor != version.minor and not constraint.minor_dirty:
            return True
        if constraint.minor_dirty:
            return False
        if wanted.patch != version.patch and not constraint.patch_dirty:
            return True
        if constraint.patch_dirty:
            return (
                bool(version.prerelease or wanted.prerelease)
                and _compare_prereleases(version.prerelease, wanted.prerelease) != 0
            )
    return not version.is_equal(wanted)


def _greater(constraint: _Constraint, version: Version) -> bool:
    wanted = constraint.version
    if not constraint.dirty:
        return version.is_greater(wanted)
    if version.major != wanted.major:
        return version.major > wanted.major
    if constraint.minor_dirty:
        return False
    if constraint.patch_dirty:
        return version.minor > wanted.minor
    return version.is_greater(wanted)


def _less_or_equal(constraint: _Constraint, version: Version) -> bool:
    wanted = constraint.version
    if not constraint.dirty:
        return not version.is_greater(wanted)
    if version.major > wanted.major:
        return False
    return not (version.major == wanted.major and version.minor > wanted.minor and not constraint.minor_dirty)


def _tilde(constraint: _Constraint, version: Version) -> bool:
    wanted = constraint.version
    if version.is_less(wanted):
        return False
    if wanted.numbers == (0, 0, 0) and not constraint.minor_dirty and not constraint.patch_dirty:
        return True
    if version.major != wanted.major:
        return False
    return version.minor == wanted.minor or constraint.minor_dirty


def _tilde_or_equal(constraint: _Constraint, version: Version) -> bool:
    return _tilde(constraint, version) if constraint.dirty else version.is_equal(constraint.version)


def _caret(constraint: _Constraint, version: Version) -> bool:
    wanted = constraint.version
    if version.is_less(wanted):
        return False
    if wanted.major > 0 or constraint.minor_dirty:
        return version.major == wanted.major
    if version.major > wanted.major:
        return False
    if wanted.minor > 0 or constraint.patch_dirty:
        return version.minor == wanted.minor
    return version.minor == 0 and version.patch == wanted.patch


_CHECKS: dict[str, Callable[[_Constraint, Version], bool]] = {
    "": _tilde_or_equal,
    "=": _tilde_or_equal,
    "!=": _not_equal,
    ">": _greater,
    "<": lambda constraint, version: version.is_less(constraint.version),
    ">=": lambda constraint, version: not version.is_less(constraint.version),
    "=>": lambda constraint, version: not version.is_less(constraint.version),
    "<=": _less_or_equal,
    "=<": _less_or_equal,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


class Constraints:
    """`>= 1.2, < 2 || 3.x`. Raises SemverError when it is made of what is none."""

    def __init__(self, text: str) -> None:
        if len(text) > _MAX_LENGTH:
            raise SemverError(f"improper constraint: {text[:40]}…")
        self._any: list[list[_Constraint]] = []
        one = _plain_constraint(text)
        if one is not None:
            self._any.append([one])
            return
        text = _RANGE.sub(lambda match: f">= {match[1]}, <= {match[11]}", text)
        for part in text.split("||"):
            if not _VALID.fullmatch(part):
                raise SemverError(f"improper constraint: {part}")
            self._any.append([_constraint(found[0]) for found in _FIND.finditer(part)] or [_constraint(part)])

    def allow(self, version: Version) -> bool:
        """Whether a version is one of those that are wanted."""
        return any(all(one.allows(version) for one in group) for group in self._any)
