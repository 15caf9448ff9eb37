"""Look for mistakes in charts: `corral chart lint FOLDER...`."""

import sys
from pathlib import Path

from corral.base.errors import CorralError
from corral.charts.chart.errors import ChartError
from corral.charts.lint.linter import lint
from corral.charts.lint.messages import ERROR, INFO, WARNING
from corral.cli.chart import chartpath
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
    paths = [Path(argument) for argument in arguments or ["."]]
    if options.with_subcharts:
        paths += [sub for path in paths for sub in sorted(path.glob("charts/*")) if sub.is_dir() or sub.suffix == ".tgz"]
    values = chartpath.values(options)
    failed = 0
    for path in paths:
        failed += _one(options, path, values)
    total = f"{len(paths)} chart(s) linted, {failed} chart(s) failed"
    if failed:
        sys.stdout.flush()
        raise CorralError(total)
    if not options.quiet:
        print(total)


def _one(options: Options, path: Path, values: dict[str, object]) -> bool:
    try:
        found = lint(path, values, chartpath.namespace(options))
    except ChartError as error:
        print(f"==> Linting {path}\nError {error.message}\n")
        return True
    shown = [m for m in found.messages if not (options.quiet and m.severity == INFO)]
    failed = found.worst(ERROR, WARNING) if options.strict else found.worst(ERROR)
    if shown or not options.quiet:
        print("\n".join([f"==> Linting {path}", *map(str, shown)]) + "\n")
    return failed
