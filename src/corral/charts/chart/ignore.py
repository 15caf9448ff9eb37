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
    """The rules of one chart. Most are names and endings, and asked for at once."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._folders: set[str] = set()
        self._endings: tuple[str, ...] = ()
        self._rules: list[_Rule] = []
        for line in lines:
            self._add(line.strip())

    def _add(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        if "**" in line:
            raise ChartError("double-star (**) syntax is not supported", "name each level of folders in .helmignore")
        negate = line.startswith("!")
        text = line.removeprefix("!") if negate else line
        only_folders = text.endswith("/")
        text = text.removesuffix("/")
        pattern = text.removeprefix("/")
        whole_path = "/" in text
        if not negate and not whole_path and _is_name(pattern):
            (self._folders if only_folders else self._names).add(pattern)
        elif not negate and not whole_path and not only_folders and _is_ending(pattern):
            self._endings += (pattern[1:],)
        else:
            self._rules.append(_Rule(fitting(pattern), negate, only_folders, whole_path))

    def ignores(self, path: str, is_folder: bool) -> bool:
        """Whether the file or folder at `path` (relative, with slashes) is left out."""
        folder, _, name = path.rpartition("/")
        if folder == _TEMPLATES and name[0] == "." and len(name) > 1:
            return True
        if name in self._names or name.endswith(self._endings) or (is_folder and name in self._folders):
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


def fitting(pattern: str) -> Callable[[str], object]:
    """What tells whether a path fits a pattern; most patterns are names or endings, and need no regular expression."""
    if _is_name(pattern):
        return pattern.__eq__
    if _is_ending(pattern):
        ending = pattern[1:]
        return lambda path: path.endswith(ending) and "/" not in path
    return _glob(pattern).fullmatch


def _is_name(pattern: str) -> bool:
    return not _SPECIAL.intersection(pattern)


def _is_ending(pattern: str) -> bool:
    ending = pattern[1:]
    return pattern[0] == "*" and not _SPECIAL.intersection(ending) and "/" not in ending


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
