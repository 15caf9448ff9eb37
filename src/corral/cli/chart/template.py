"""Render a chart and print its manifests; no cluster is asked, unless --validate says so."""

import sys

from corral.charts.actions.assumed import Capabilities, assumed
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, Values
from corral.charts.manifests.split import Hook, Sorted
from corral.cli.chart import chartpath, compiled
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import CHART, POST_RENDER, VALUES, Options

USAGE = "template [NAME] CHART [flags]"
FLAGS = (
    *CHART,
    *VALUES,
    *POST_RENDER,
    Flag("api-versions", "array", "API versions that the cluster is said to have", "a"),
    Flag("kube-version", "string", "the version that the cluster is said to have"),
    Flag("include-crds", "bool", "print custom resource definitions, too"),
    Flag("skip-tests", "bool", "leave the tests out"),
    Flag("no-hooks", "bool", "leave the hooks out"),
    Flag("is-upgrade", "bool", "render as for an upgrade"),
    Flag("output-dir", "string", "write files into this folder instead"),
    Flag("release-name", "bool", "put the release's name into the folder's path"),
    Flag("show-only", "array", "only the manifests of these templates", "s"),
    Flag("generate-name", "bool", "make a name", "g"),
    Flag("name-template", "string", "a template of the name"),
    Flag("dependency-update", "bool", "fetch missing dependencies first"),
    Flag("render-subchart-notes", "bool", "render the notes of subcharts, too"),
    Flag("validate", "bool", "ask the cluster what it can do, and check the manifests"),
    *(
        Flag(name, kind, "taken, as it has no meaning here", hidden=True)
        for kind, names in (
            ("bool", "atomic create-namespace replace skip-crds dry-run wait wait-for-jobs disable-openapi-validation"),
            ("string", "description"),
            ("duration", "timeout"),
        )
        for name in names.split()
    ),
)
DEFAULT_NAME = "release-name"
_SOURCE = "# Source: "


def run(options: Options, arguments: list[str]) -> None:
    """Render and print."""
    name, reference = named(options, arguments)
    # What is wrong with the flags is told before what is wrong with the chart.
    chartpath.check_post_renderer(options)
    cluster = None if options.validate else assumed(options.values.get("kube_version", ""))
    path = chartpath.locate(options, reference)
    values = chartpath.values(options)
    chart = chartpath.loaded(options, path, reference)
    with compiled.Known(path):
        text, parts = render(options, name, chart, values, cluster or chartpath.capabilities(options))
    if options.output_dir:
        _write(options, name, parts, chart)
        print()
        return
    printed = text.strip() + "\n"
    if not options.no_hooks:
        printed += "".join(f"---\n# Source: {hook.path}\n{hook.manifest}\n" for hook in _shown(options, parts.hooks))
    sys.stdout.write(only(printed, options.show_only) if options.show_only else printed)


def named(options: Options, arguments: list[str]) -> tuple[str, str]:
    """The release's name and the chart's reference of a command line."""
    if not arguments:
        raise UsageError('"corral chart template" requires at least 1 argument', f"Usage:  corral chart {USAGE}")
    return chartpath.name_and_chart(options, arguments, DEFAULT_NAME)


def render(options: Options, name: str, chart: Chart, values: Values, cluster: Capabilities) -> tuple[str, Sorted]:
    """The manifests as one text, and their parts."""
    from corral.charts import names
    from corral.charts.actions import offline

    names.check(name)
    return offline.rendered(
        chart,
        values,
        name=name,
        namespace=chartpath.namespace(options),
        capabilities=cluster,
        is_upgrade=options.is_upgrade,
        rendering=chartpath.rendering(options, include_crds=options.include_crds),
        debug=options.debug,
    )


def _shown(options: Options, hooks: list[Hook]) -> list[Hook]:
    return [hook for hook in hooks if not (options.skip_tests and "test" in hook.events)]


def only(text: str, wanted: list[str]) -> str:
    """The manifests of the templates that are wanted. Raises ChartError where there is none."""
    from corral.charts.chart.ignore import fitting
    from corral.charts.manifests.split import documents

    parts = [(path, part) for part in documents(text) if (path := _source(part))]
    found = []
    for pattern in wanted:
        matching = [part for path, part in parts if fitting(pattern)(path)]
        if not matching:
            raise ChartError(f"could not find template {pattern} in chart", "name it as in the chart: templates/NAME.yaml")
        found += matching
    return "".join(f"---\n{part}\n" for part in found)


def _source(part: str) -> str:
    """The path below the chart's folder of the template that a document comes of; empty where that is not told."""
    for told in part.split(_SOURCE)[1:]:
        chart, _, path = told.partition("\n")[0].partition("/")
        if chart and path:
            return path
    return ""


def _write(options: Options, name: str, parts: Sorted, chart: Chart) -> None:
    from pathlib import Path

    whole = Path(options.output_dir)
    folder = whole / name if options.release_name else whole
    begun: set[Path] = set()
    wanted = [(folder, m.path, m.content) for m in parts.manifests]
    if options.include_crds:
        # As Helm: they belong to no release.
        wanted = [(whole, c.path, c.file.data.decode("utf-8", "replace")) for c in chart.crds()] + wanted
    if not options.no_hooks:
        wanted += [(folder, hook.path, hook.manifest) for hook in _shown(options, parts.hooks)]
    for where, path, content in wanted:
        file = where / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a" if file in begun else "w") as out:
            out.write(f"---\n# Source: {path}\n{content}\n")
        print(f"wrote {file}")
        begun.add(file)
