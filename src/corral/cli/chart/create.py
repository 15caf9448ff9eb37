"""Make a chart to begin with: `corral chart create NAME`."""

from pathlib import Path

from corral.charts.chart import starter
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options, home

USAGE = "create NAME [flags]"
FLAGS = (
    Flag(
        "starter",
        "string",
        "a chart to begin with, a folder or one of $HELM_DATA_HOME/starters; <CHARTNAME> in its templates becomes the name",
        "p",
    ),
)


def run(options: Options, arguments: list[str]) -> None:
    """Write the files."""
    if len(arguments) != 1:
        raise UsageError('"corral chart create" requires 1 argument', f"Usage:  corral chart {USAGE}")
    print(f"Creating {arguments[0]}")
    starter.create(Path(arguments[0]), home("DATA") / "starters" / options.starter if options.starter else None)
