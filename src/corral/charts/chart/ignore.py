"""Which files of a folder are no part of the chart: `.helmignore`.

https://helm.sh/docs/chart_template_guide/helm_ignore_file/
"""

from corral.base.annotations import TYPE_CHECKING, Callable, Iterable, NamedTuple
from corral.charts.chart.errors import ChartError

if TYPE_CHECKING:
    import re

_SPECIAL = frozenset("*?[\\")
#: Editors' leavings in it (`.?*`) are never templates.
_TEMPLATES = "templates"


class _Rule(NamedTuple):
    fits: Callable[[str], object]
    negate: bool
    only_folders: bool
    whole_path: bool


class Rules:
    """The rules of one chart."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._rules = [rule for line in lines if (rule := _rule(line.strip())) is not None]

    def ignores(self, path: str, is_folder: bool) -> bool:
        """Whether the file or folder at `path` (relative, with slashes) is left out."""
        folder, _, name = path.rpartition("/")
        if folder == _TEMPLATES and name[0] == "." and len(name) > 1:
            return True
        for rule in self._rules:
            found = rule.fits(path if rule.whole_path else name)
            if rule.negate:
                # As Helm has it: what a negated rule does not name is left out.
                if (rule.only_folders and not is_folder) or not found:
                    return True
            elif found and (is_folder or not rule.only_folders):
                return True
        return False


def _rule(line: str) -> _Rule | None:
    if not line or line.startswith("#"):
        return None
    if "**" in line:
        raise ChartError("double-star (**) syntax is not supported", "name each level of folders in .helmignore")
    negate = line.startswith("!")
    text = line.removeprefix("!") if negate else line
    only_folders = text.endswith("/")
    text = text.removesuffix("/")
    return _Rule(fitting(text.removeprefix("/")), negate, only_folders, "/" in text)


def fitting(pattern: str) -> Callable[[str], object]:
    """What tells whether a path fits a pattern; most patterns are names or endings, and need no regular expression."""
    if not _SPECIAL.intersection(pattern):
        return pattern.__eq__
    ending = pattern[1:]
    if pattern[0] == "*" and not _SPECIAL.intersection(ending) and "/" not in ending:
        return lambda path: path.endswith(ending) and "/" not in path
    return _glob(pattern).fullmatch


def _glob(pattern: str) -> "re.Pattern[str]":
    """A shell pattern as Go's path.Match reads it: `*` and `?` stop at slashes, `[a-z]`, `[^a]`, a backslash escapes."""
    import re

    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        i += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and i < len(pattern):
            out.append(re.escape(pattern[i]))
            i += 1
        elif char == "[":
            end = pattern.find("]", i + 1 if pattern[i : i + 1] != "^" else i + 2)
            if end < 0:
                raise ChartError("syntax error in pattern", f"close the bracket of {pattern}")
            inside = pattern[i:end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{inside}]")
            i = end + 1
        else:
            out.append(re.escape(char))
    return re.compile("".join(out), re.DOTALL)
