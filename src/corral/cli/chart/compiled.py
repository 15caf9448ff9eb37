"""Compiled templates are kept between commands, as Python keeps its modules: in the user's cache, one file for each chart and
version of Python.

What is kept is code, so a file counts only if it is the user's own and nobody else can write to it, in a folder of which the
same is true, and on the way to which nobody but the user and root can put another in its place. It is found by the chart's
path, and holds the texts themselves: a template that was changed is another text. What is not as expected, or cannot be
written, is passed over; the templates are compiled again then. Texts that were made of values, by `tpl`, are not kept: there
can be secrets in them.
"""

import marshal
import os
import stat
import sys

from corral import __version__
from corral.charts.render import units
from corral.charts.render.units import Unit

#: A file may have so many bytes, and there may be so many of them; the oldest go first.
MAX_BYTES = 8 * 1024 * 1024
MAX_FILES = 64
#: What decides about the code.
_READING = ("lexer", "scanner", "actions", "parser", "pipelines", "nodes", "numbers")
_WRITING = ("compiler", "branches", "expressions", "writing", "arguments", "functions/__init__", "paths", "units")
_SOURCES = (*_READING, *_WRITING)
_END = b"corral."


class Known:
    """Within it, what was compiled of the chart at this path before is known; what is compiled meanwhile is kept at its end."""

    def __init__(self, chart: str) -> None:
        try:
            self._file, self._stamp = _file(chart), _stamp()
        except OSError:
            self._file = None
        self._texts: dict[str, units.Kept] = {}

    def __enter__(self) -> None:
        units.begin()
        if self._file is None:
            return
        try:
            self._texts = _read(self._file, self._stamp)
            for text, parts in self._texts.items():
                units.keep(Unit(text, parts))
        except (OSError, ValueError, EOFError, TypeError):
            pass

    def __exit__(self, failed: object, *_: object) -> None:
        used = units.used()
        if failed or self._file is None or not any(unit.changed or unit.text not in self._texts for unit in used):
            return
        try:  # noqa: SIM105 (contextlib takes longer to load)
            _write(self._file, marshal.dumps((self._stamp, {unit.text: unit.parts for unit in used})))
        except OSError:
            pass


def _file(chart: str) -> str | None:
    """Where it is kept; None where there is no place that is the user's own. Raises OSError."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", ""), ".cache")
    if not os.path.isabs(base):
        return None
    folder = os.path.join(os.path.realpath(base), "corral", "templates")
    if not _is_safe(folder):
        return None  # of root, where a user's HOME is left to it, there is to be nothing in there
    missing = []
    while not os.path.exists(folder):
        folder, name = os.path.split(folder)
        missing.append(name)
    while missing:
        folder = os.path.join(folder, missing.pop())
        os.mkdir(folder, 0o700)
    name = os.path.realpath(chart).encode("utf-8", "surrogateescape").hex()
    return os.path.join(folder, f"{name[-200:]}.{sys.implementation.cache_tag}") if _is_own(os.lstat(folder)) else None


def _is_safe(path: str) -> bool:
    """Whether as much of a path as is there is the user's own, and nobody but the user and root can put another there."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    if not _is_own(os.lstat(path)):
        return False
    while path != "/":
        path = os.path.dirname(path)
        found = os.lstat(path)
        replaceable = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        if replaceable or found.st_uid not in (0, os.geteuid()):
            return False
    return True


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _stamp() -> tuple[str, str, tuple[int, ...]]:
    """What the code is made by: it is of no use to another."""
    folder = os.path.dirname(units.__file__)
    made = tuple(os.stat(os.path.join(folder, f"{source}.py")).st_mtime_ns for source in _SOURCES)
    return __version__, sys.version, made


def _read(file: str, stamp: object) -> dict[str, units.Kept]:
    with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode) or not _is_own(found) or found.st_size > MAX_BYTES:
            return {}
        data = opened.read()
    if not data.endswith(_END):
        return {}
    made_by, texts = marshal.loads(data)
    return texts if made_by == stamp else {}


def _write(file: str, data: bytes) -> None:
    if len(data) > MAX_BYTES:
        return
    part = f"{file}.{os.getpid()}"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as opened:
        opened.write(data + _END)
    os.replace(part, file)
    folder = os.path.dirname(file)
    files = [os.path.join(folder, name) for name in os.listdir(folder)]
    if len(files) > MAX_FILES:
        for old in sorted(files, key=os.path.getmtime)[:-MAX_FILES]:
            os.unlink(old)
