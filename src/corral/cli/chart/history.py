"""Show the revisions of a release."""

from corral.base.annotations import Any
from corral.charts import names
from corral.cli.chart import progress
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import OUTPUT, Options
from corral.cli.chart.output import check_format, show, table
from corral.cli.chart.releaseview import ansi_c, app_version_of, chart_of
from corral.cli.chart.session import stored

USAGE = "history NAME [flags]"
FLAGS = (OUTPUT, Flag("max", "int", "at most so many, the newest", default=256))
HEADING = ("REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION")


def run(options: Options, arguments: list[str]) -> None:
    """Print them."""
    check_format(options.output)
    if len(arguments) != 1:
        raise UsageError('"corral chart history" requires 1 argument', f"Usage:  corral chart {USAGE}")
    names.check(arguments[0])
    progress.debug(options, f"getting history for release {arguments[0]}")
    with stored(options) as releases:
        revisions = releases.history(arguments[0])[-options.max :]
    rows: list[dict[str, Any]] = [
        {
            "revision": r.version,
            "updated": r.last_deployed,
            "status": r.status,
            "chart": chart_of(r),
            "app_version": app_version_of(r),
            "description": r.description,
        }
        for r in revisions
    ]
    show(
        options.output,
        rows,
        lambda: table([HEADING, *(tuple(str(v) for v in {**r, "updated": ansi_c(r["updated"])}.values()) for r in rows)]),
    )
