"""Pack charts into archives: `corral chart package FOLDER...`."""

import os
import sys
import time
from pathlib import Path

from corral.base.errors import CorralError
from corral.charts.chart import packing
from corral.charts.chart.load import load
from corral.cli.chart import chartpath
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options

USAGE = "package FOLDER... [flags]"
FLAGS = (
    Flag("destination", "string", "the folder to write to", "d", default="."),
    Flag("version", "string", "the version to give the chart"),
    Flag("app-version", "string", "the appVersion to give the chart"),
    Flag("dependency-update", "bool", "fetch the dependencies first", "u"),
    Flag("sign", "bool", "sign the archive"),
    Flag("key", "string", "the key to sign with"),
    Flag("keyring", "string", "where the keys are"),
    Flag("passphrase-file", "string", "a file with the key's passphrase"),
)


def run(options: Options, arguments: list[str]) -> None:
    """Pack them and say where they are."""
    if not arguments:
        raise UsageError("need at least one argument, the path to the chart", f"Usage:  corral chart {USAGE}")
    if options.sign and not options.key:
        raise UsageError("--key is required for signing a package")
    for argument in arguments:
        folder = Path(argument)
        if options.dependency_update:
            from corral.cli.chart import dependency

            dependency.update(options, folder)
        chart = packing.versioned(load(folder), options.version, options.app_version)
        chartpath.with_dependencies(options, chart, argument)
        folder = Path.cwd() if options.destination == "." else Path(os.path.normpath(options.destination))
        path = packing.save(chart, folder, time.time())
        if options.sign:
            from corral.charts.provenance import sign

            sign(path, options.key, options.keyring, _passphrase(options.passphrase_file))
        print(f"Successfully packaged chart and saved it to: {path}")


def _passphrase(name: str) -> str | None:
    if not name:
        return None
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
    except OSError as error:
        raise CorralError(f"open {name}: {(error.strerror or str(error)).lower()}") from None
    return text.splitlines()[0] if text else None
