"""The charts that a chart brings, and whether they are there."""

import os

from corral.charts.chart.load import load
from corral.charts.dependencies.present import state, unnamed, wanted
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options
from corral.cli.chart.output import table

USAGE = "dependency list [FOLDER] [flags]"
FLAGS = (Flag("max-col-width", "int", "how wide a column may be", default=80),)


def run(options: Options, arguments: list[str]) -> None:
    """Print a row for each."""
    if len(arguments) > 1:
        raise UsageError('"corral chart dependency list" accepts at most 1 argument', f"Usage:  corral chart {USAGE}")
    folder = arguments[0] if arguments else "."
    chart = load(folder)
    named = wanted(chart)
    if not named:
        print(f"WARNING: no dependencies at {os.path.normpath(os.path.join(folder, 'charts'))}")
        return
    rows = [(d.get("name", ""), d.get("version", ""), d.get("repository", ""), state(chart, folder, d)) for d in named]
    print(table([("NAME", "VERSION", "REPOSITORY", "STATUS"), *rows], max_width=options.max_col_width) + "\n")
    for path, is_chart in unnamed(chart, os.path.normpath(folder)):
        print(f'WARNING: "{path}" is not {"in Chart.yaml" if is_chart else "a chart"}.')
