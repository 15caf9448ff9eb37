"""Show a release."""

from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import OUTPUT, REVISION, Options
from corral.cli.chart.output import check_format, show
from corral.cli.chart.releaseview import as_object, summary
from corral.cli.chart.session import released

USAGE = "status NAME [flags]"
FLAGS = (OUTPUT, REVISION, Flag("show-desc", "bool", "show the description, too"))


def run(options: Options, arguments: list[str]) -> None:
    """Print it."""
    check_format(options.output)
    if len(arguments) != 1:
        raise UsageError('"corral chart status" requires 1 argument', f"Usage:  corral chart {USAGE}")
    release = released(options, arguments[0], options.revision)
    stored = {k: v for k, v in as_object(release).items() if k != "chart"}
    show(options.output, stored, lambda: summary(release, description=options.show_desc))
