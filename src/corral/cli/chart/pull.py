"""Fetch charts into a folder: `corral chart pull REPOSITORY/NAME`, a URL, or oci://REGISTRY/NAME."""

from pathlib import Path

from corral.base.errors import CorralError
from corral.charts.chart import yamlfile
from corral.charts.chart.load import Budget, archive_files
from corral.cli.chart import fetching
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import CHART, Options

USAGE = "pull CHART... [flags]"
FLAGS = (
    *CHART,
    Flag("destination", "string", "the folder to write to", "d", default="."),
    Flag("untar", "bool", "unpack it"),
    Flag("untardir", "string", "the folder to unpack into, below the destination", default="."),
    Flag("prov", "bool", "fetch the provenance, too"),
)


def run(options: Options, arguments: list[str]) -> None:
    """Fetch them."""
    if not arguments:
        raise UsageError('"corral chart pull" requires at least 1 argument', f"Usage:  corral chart {USAGE}")
    for reference in arguments:
        name, data, provenance = fetching.archive(options, reference, tell=True)
        destination = Path(options.destination)
        if not options.untar or options.verify:
            path = fetching.keep(destination, name, data, provenance)
            if options.verify:
                from corral.charts.provenance import verify

                print(verify(path, options.keyring))
        if options.untar:
            unpack(data, name, destination / options.untardir)


def unpack(data: bytes, what: str, folder: Path) -> None:
    """Write an archive's files below `folder/NAME`. Raises ChartError for one that would write elsewhere."""
    files = archive_files(data, what, Budget())
    chart = next((yamlfile.read(f.data, "cannot load Chart.yaml") for f in files if f.name == "Chart.yaml"), None)
    if (
        not isinstance(chart, dict)
        or not isinstance(chart.get("name"), str)
        or "/" in chart["name"]
        or chart["name"] in (".", "..")
    ):
        raise CorralError(f"{what} holds no chart with a usable name", "do not use this archive")
    top = folder / chart["name"]
    if top.exists() and any(top.iterdir()):
        raise CorralError(
            f"failed to untar: a file or directory with the name {top} already exists", "choose another --untardir"
        )
    for file in files:
        path = top / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
