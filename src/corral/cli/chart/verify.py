"""Verify an archive's provenance: that it is what somebody whose key you have has signed."""

from pathlib import Path

from corral.charts.provenance import verify
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options

USAGE = "verify ARCHIVE [flags]"
FLAGS = (Flag("keyring", "string", "the keys to verify with"),)


def run(options: Options, arguments: list[str]) -> None:
    """Verify it and say who signed it."""
    if len(arguments) != 1:
        raise UsageError('"corral chart verify" requires 1 argument', f"Usage:  corral chart {USAGE}")
    print(verify(Path(arguments[0]), options.keyring))
