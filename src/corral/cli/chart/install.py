"""Install a chart: `corral chart install NAME CHART`.

The chart is a folder, an archive, REPOSITORY/NAME, a URL or oci://REGISTRY/NAME. `install -n NAME CHART` of the documents of
2017 works, too: where no name is given and -n is, that is the name.
"""

from contextlib import contextmanager

from corral.base.annotations import Iterator
from corral.base.errors import CorralError
from corral.charts.actions.context import Context, Waits
from corral.charts.actions.install import Install
from corral.charts.actions.install import install as act
from corral.charts.actions.wish import Wish
from corral.charts.chart.model import Chart
from corral.charts.releases.model import Release
from corral.cli.chart import chartpath, compiled, progress
from corral.cli.chart.failures import failing
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import (
    CHART,
    DESCRIPTION,
    NO_HOOKS,
    OUTPUT,
    POST_RENDER,
    TIMEOUT,
    VALUES,
    WAIT,
    WAIT_FOR_JOBS,
    Options,
)
from corral.cli.chart.output import check_format, show, warn
from corral.cli.chart.releaseview import as_object, summary
from corral.cli.chart.session import connected

USAGE = "install [NAME] CHART [flags]"
SHARED = (
    *CHART,
    *VALUES,
    *POST_RENDER,
    OUTPUT,
    TIMEOUT,
    WAIT,
    WAIT_FOR_JOBS,
    NO_HOOKS,
    DESCRIPTION,
    Flag("create-namespace", "bool", "make the namespace where it is not there"),
    Flag("dependency-update", "bool", "fetch missing dependencies first"),
    Flag("disable-openapi-validation", "bool", "leave the check of fields to the server"),
    Flag("dry-run", "bool", "show what would be done"),
    Flag("force", "bool", "replace objects instead of patching them"),
    Flag("labels", "strings", "labels of the release: a=b,c=d", "l"),
    Flag("render-subchart-notes", "bool", "show the notes of subcharts, too"),
    Flag("skip-crds", "bool", "install no custom resource definitions"),
)
FLAGS = (
    *SHARED,
    Flag("atomic", "bool", "take everything away again where it fails; implies --wait"),
    Flag("generate-name", "bool", "make a name", "g"),
    Flag("name-template", "string", "a template of the name"),
    Flag("replace", "bool", "take the name of a release that was uninstalled and kept its history"),
    Flag("name", "string", "the name, as in the documents of 2017", hidden=True),
)


def run(options: Options, arguments: list[str]) -> None:
    """Install and print the release."""
    check_format(options.output)
    if not arguments:
        raise UsageError('"corral chart install" requires at least 1 argument', f"Usage:  corral chart {USAGE}")
    chartpath.check_post_renderer(options)
    with failing("INSTALLATION FAILED"):
        name, reference = _named(options, arguments)
        with loaded(options, reference) as chart, connected(options, progress.tell) as context:
            release = installed(options, context, name, chart)
    show(options.output, as_object(release), lambda: summary(release, debug=options.debug))


def _named(options: Options, arguments: list[str]) -> tuple[str, str]:
    if len(arguments) == 1 and not options.generate_name and not options.name_template:
        if options.values["name"]:
            warn("note: --name is of Helm 2; today it is: corral chart install NAME CHART")
            return options.values["name"], arguments[0]
        if "-n" in options.given:
            name = options.namespace
            options.values["namespace"] = ""
            warn(
                "note: -n is the namespace today; without a name, it is taken for the name: "
                f"corral chart install {name} {arguments[0]}"
            )
            return name, arguments[0]
    return chartpath.name_and_chart(options, arguments)


@contextmanager
def loaded(options: Options, reference: str) -> Iterator[Chart]:
    """The chart, with its dependencies; within it, what was compiled of it before is known."""
    path = chartpath.locate(options, reference)
    with compiled.Known(path):
        yield chartpath.loaded(options, path, reference)


def waits(options: Options) -> Waits:
    """How long, and for what."""
    atomic = bool(options.values.get("atomic"))
    return Waits(options.wait or atomic, options.wait_for_jobs, options.timeout, not options.no_hooks)


def labels(options: Options) -> dict[str, str]:
    """The labels of the release."""
    pairs = [text.partition("=") for text in options.values.get("labels") or ()]
    if any(not equals for _, equals, _ in pairs):
        raise CorralError("a label is written KEY=VALUE", "--labels a=b")
    return {key: value for key, _, value in pairs}


def shared(options: Options, name: str, chart: Chart) -> Wish:
    """What the flags ask for of installs and upgrades alike."""
    return Wish(
        name=name,
        chart=chart,
        values=chartpath.values(options),
        rendering=chartpath.rendering(options),
        waits=waits(options),
        atomic=options.atomic,
        dry_run=options.dry_run,
        force=options.force,
        validate=not options.disable_openapi_validation,
        description=options.description,
        labels=labels(options),
    )


def installed(options: Options, context: Context, name: str, chart: Chart) -> Release:
    """Install it."""
    wish = Install(
        shared(options, name, chart),
        create_namespace=options.create_namespace,
        replace=bool(options.values.get("replace")),
        skip_crds=options.skip_crds,
    )
    return act(context, wish)
