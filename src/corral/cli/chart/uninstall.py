"""Take releases away: `corral chart uninstall NAME...`; `delete --purge NAME` of the documents of 2017 means the same."""

from corral.charts.actions.context import Context, Waits
from corral.charts.actions.uninstall import Uninstall
from corral.charts.actions.uninstall import uninstall as act
from corral.charts.releases.storage import NotFoundError
from corral.cli.chart import progress
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import DESCRIPTION, NO_HOOKS, TIMEOUT, WAIT, Options
from corral.cli.chart.output import warn
from corral.cli.chart.session import connected

USAGE = "uninstall NAME... [flags]"
FLAGS = (
    DESCRIPTION,
    NO_HOOKS,
    TIMEOUT,
    WAIT,
    Flag("dry-run", "bool", "change nothing"),
    Flag("ignore-not-found", "bool", "a release that is not there is no error"),
    Flag("keep-history", "bool", "keep the release's revisions"),
    Flag("cascade", "string", "what happens to dependents: background, foreground or orphan", default="background"),
    Flag("purge", "bool", "of Helm 2: what happens anyway", hidden=True),
)
PROPAGATION = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


def run(options: Options, arguments: list[str]) -> None:
    """Uninstall and say so."""
    if not arguments:
        raise UsageError('"corral chart uninstall" requires at least 1 argument', f"Usage:  corral chart {USAGE}")
    if options.cascade not in PROPAGATION:
        raise UsageError(f"invalid cascade value ({options.cascade})", "use background, foreground or orphan")
    if options.purge:
        warn("note: --purge is of Helm 2; today nothing is kept anyway (--keep-history keeps it): corral chart uninstall NAME")
    _done(options, arguments)


def _done(options: Options, names: list[str]) -> None:
    with connected(options, progress.tell) as context:
        for name in names:
            wish = Uninstall(
                name,
                Waits(options.wait, False, options.timeout, not options.no_hooks),
                keep_history=options.keep_history,
                dry_run=options.dry_run,
                description=options.description,
                propagation=PROPAGATION[options.cascade],
            )
            if options.ignore_not_found and not _is_there(context, name):
                print(f'release "{name}" not found; nothing to do')
                continue
            _, kept = act(context, wish)
            if kept:
                print(kept)
            print(f'release "{name}" uninstalled')


def _is_there(context: Context, name: str) -> bool:
    try:
        context.releases.status(name)
    except NotFoundError:
        return False
    return True
