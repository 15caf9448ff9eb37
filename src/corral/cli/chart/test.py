"""Run the tests of a release."""

import sys

from corral.base.errors import CorralError
from corral.charts.actions.tests import logs, run_tests
from corral.charts.releases.model import Release
from corral.cli.chart import progress
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import OUTPUT, TIMEOUT, Options
from corral.cli.chart.output import check_format, show
from corral.cli.chart.releaseview import as_object, summary
from corral.cli.chart.session import connected

USAGE = "test NAME [flags]"
FLAGS = (
    TIMEOUT,
    OUTPUT,
    Flag("filter", "strings", "only tests of a name: name=a, or all but one: !name=a"),
    Flag("logs", "bool", "print the logs of the test pods"),
)


def run(options: Options, arguments: list[str]) -> None:
    """Run them and print what became of each."""
    check_format(options.output)
    if len(arguments) != 1:
        raise UsageError('"corral chart test" requires 1 argument', f"Usage:  corral chart {USAGE}")
    release, failure, texts = _done(options, arguments[0])
    show(options.output, as_object(release), lambda: summary(release, debug=options.debug))
    for pod, text in texts:
        sys.stdout.write(f"POD LOGS: {pod}\n{text}\n")
    if failure is not None:
        sys.stdout.flush()
        raise failure


def _done(options: Options, name: str) -> tuple[Release, CorralError | None, list[tuple[str, str]]]:
    with connected(options, progress.tell) as context:
        failure = None
        try:
            release = run_tests(context, name, timeout_s=options.timeout, filters=options.filter)
        except CorralError as error:
            failure = error
            release = context.releases.get(name, 0)
        return release, failure, logs(context, release) if options.logs else []
