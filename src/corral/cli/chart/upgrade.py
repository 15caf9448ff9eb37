"""Upgrade a release: `corral chart upgrade NAME CHART`."""

from corral.charts.actions.context import Context
from corral.charts.actions.upgrade import Upgrade
from corral.charts.actions.upgrade import upgrade as act
from corral.charts.chart.model import Chart
from corral.charts.releases.model import UNINSTALLED, Release
from corral.charts.releases.storage import NotFoundError
from corral.cli.chart import chartpath, install, progress
from corral.cli.chart.failures import failing
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import HISTORY_MAX, Options
from corral.cli.chart.output import check_format, show, warn
from corral.cli.chart.releaseview import as_object, summary
from corral.cli.chart.session import connected

USAGE = "upgrade NAME CHART [flags]"
FLAGS = (
    *install.SHARED,
    HISTORY_MAX,
    Flag("install", "bool", "install it where there is no such release", "i"),
    Flag("atomic", "bool", "go back to the last good revision where it fails; implies --wait"),
    Flag("cleanup-on-fail", "bool", "delete what this upgrade made where it fails"),
    Flag("reset-values", "bool", "forget the values of the last revision"),
    Flag("reuse-values", "bool", "keep all values of the last revision, the chart's own too, and lay the new ones on them"),
    Flag("reset-then-reuse-values", "bool", "take the chart's new values, then those of the last revision, then the new ones"),
    Flag("recreate-pods", "bool", "of Helm 2: pods are made anew by what they are made of", hidden=True),
)


def run(options: Options, arguments: list[str]) -> None:
    """Upgrade and print the release."""
    check_format(options.output)
    if len(arguments) != 2:
        raise UsageError('"corral chart upgrade" requires 2 arguments', f"Usage:  corral chart {USAGE}")
    name, reference = arguments
    chartpath.check_post_renderer(options)
    with connected(options, progress.tell) as context:
        is_new = options.install and not _exists(options, context, name)
        if is_new and options.output == "table":
            print(f'Release "{name}" does not exist. Installing it now.')
        with install.loaded(options, reference) as chart:
            release = (install.installed if is_new else upgraded)(options, context, name, chart)
    if not is_new and options.output == "table":
        print(f'Release "{name}" has been upgraded. Happy Helming!')
    if options.recreate_pods:
        warn("note: --recreate-pods is of Helm 2; today a change of the pods' template makes them anew")
    show(options.output, as_object(release), lambda: summary(release, debug=options.debug))


def _exists(options: Options, context: Context, name: str) -> bool:
    """Whether there is a release to upgrade; one that was uninstalled and kept its history is installed over."""
    context.debug(f"getting history for release {name}")
    try:
        status = context.releases.status(name)
    except NotFoundError:
        return False
    options.values["replace"] = status == UNINSTALLED
    return status != UNINSTALLED


def wish_of(options: Options, name: str, chart: Chart) -> Upgrade:
    """What the flags ask for."""
    return Upgrade(
        install.shared(options, name, chart),
        cleanup_on_fail=options.cleanup_on_fail,
        reset_values=options.reset_values,
        reuse_values=options.reuse_values,
        reset_then_reuse_values=options.reset_then_reuse_values,
    )


def upgraded(options: Options, context: Context, name: str, chart: Chart) -> Release:
    """Upgrade it."""
    wish = wish_of(options, name, chart)
    with failing("UPGRADE FAILED"):
        return act(context, wish)
