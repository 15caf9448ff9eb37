"""Go back to an older revision: `corral chart rollback NAME [REVISION]`; without one, to the one before the newest."""

from corral.charts.actions.rollback import Rollback
from corral.charts.actions.rollback import rollback as act
from corral.cli.chart import progress
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.install import waits
from corral.cli.chart.options import HISTORY_MAX, NO_HOOKS, TIMEOUT, WAIT, WAIT_FOR_JOBS, Options
from corral.cli.chart.session import connected

USAGE = "rollback NAME [REVISION] [flags]"
FLAGS = (
    TIMEOUT,
    WAIT,
    WAIT_FOR_JOBS,
    NO_HOOKS,
    HISTORY_MAX,
    Flag("cleanup-on-fail", "bool", "delete what this rollback made where it fails"),
    Flag("dry-run", "bool", "change nothing"),
    Flag("force", "bool", "replace objects instead of patching them"),
    Flag("recreate-pods", "bool", "delete the pods, so that they are made anew"),
)


def run(options: Options, arguments: list[str]) -> None:
    """Roll back."""
    if not arguments:
        raise UsageError('"corral chart rollback" requires at least 1 argument', f"Usage:  corral chart {USAGE}")
    revision = arguments[1] if len(arguments) > 1 else "0"
    if not revision.removeprefix("-").isdigit():
        raise UsageError(
            f'could not convert revision to a number: strconv.Atoi: parsing "{revision}": invalid syntax',
            "see the revisions: corral chart history NAME",
        )
    wish = Rollback(
        arguments[0],
        int(revision),
        waits(options),
        force=options.force,
        cleanup_on_fail=options.cleanup_on_fail,
        dry_run=options.dry_run,
        recreate_pods=options.recreate_pods,
    )
    with connected(options, progress.tell) as context:
        act(context, wish)
    print("Rollback was a success! Happy Helming!")
