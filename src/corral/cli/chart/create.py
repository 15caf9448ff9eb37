"""Make a chart to begin with: `corral chart create NAME`."""

from pathlib import Path

from corral.charts.chart import starter
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options

USAGE = "create NAME [flags]"
FLAGS = (Flag("starter", "string", "a folder with a chart to begin with; <CHARTNAME> in its files becomes the name", "p"),)


def run(options: Options, arguments: list[str]) -> None:
    """Write the files."""
    if len(arguments) != 1:
        raise UsageError('"corral chart create" requires 1 argument', f"Usage:  corral chart {USAGE}")
    print(f"Creating {arguments[0]}")
    starter.create(Path(arguments[0]), Path(options.starter) if options.starter else None)
