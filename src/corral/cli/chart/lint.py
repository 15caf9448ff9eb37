"""Look for mistakes in charts: `corral chart lint FOLDER...`."""

import os
import sys

from corral.base.errors import CorralError
from corral.charts.chart.errors import ChartError
from corral.charts.lint.linter import lint
from corral.charts.lint.messages import ERROR, INFO, WARNING
from corral.cli.chart import chartpath, compiled
from corral.cli.chart.flags import Flag
from corral.cli.chart.options import VALUES, Options

USAGE = "lint FOLDER... [flags]"
FLAGS = (
    *VALUES,
    Flag("strict", "bool", "warnings are failures"),
    Flag("quiet", "bool", "only warnings and errors"),
    Flag("with-subcharts", "bool", "look into charts/, too"),
)


def run(options: Options, arguments: list[str]) -> None:
    """Print what is found; fails where there are errors."""
    paths = arguments or ["."]
    if options.with_subcharts:
        paths = paths + [sub for path in paths for sub in _within(os.path.normpath(os.path.join(path, "charts")))]
    values = chartpath.values(options)
    failed = told = 0
    for path in paths:
        is_failed, is_told = _one(options, path, values)
        failed += is_failed
        told += is_told
    total = f"{len(paths)} chart(s) linted, {failed} chart(s) failed"
    if failed:
        sys.stdout.flush()
        raise CorralError(total)
    if not options.quiet or told:
        print(total)


def _within(folder: str) -> list[str]:
    """The charts in a folder, folders and archives, however deep, in the order of a walk."""
    if not os.path.isdir(folder):
        return []
    found: list[str] = []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.is_dir(follow_symlinks=False):
            found += _within(entry.path)
        elif entry.name == "Chart.yaml":
            found.append(folder)
        elif entry.name.endswith((".tgz", ".tar.gz")):
            found.append(entry.path)
    return found


def _one(options: Options, path: str, values: dict[str, object]) -> tuple[bool, bool]:
    """Print what is found in one chart; whether it failed, and whether there were warnings or errors."""
    try:
        with compiled.Known(path):
            found = lint(path, values, chartpath.namespace(options))
    except ChartError as error:
        print(f"==> Linting {path}\nError {error.message}\n")
        return True, True
    is_told = found.worst(ERROR, WARNING)
    if is_told or not options.quiet:
        shown = [str(m) for m in found.messages if not (options.quiet and m.severity == INFO)]
        print("\n".join([f"==> Linting {path}", *shown]) + "\n")
    return is_told if options.strict else found.worst(ERROR), is_told
