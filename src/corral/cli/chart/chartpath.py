"""From what a command line says to a chart on disk, its values, and the name of a release."""

import os

from corral.charts.actions.assumed import Capabilities
from corral.charts.actions.rendering import Rendering
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load
from corral.charts.chart.model import Chart, Values
from corral.charts.values.options import ValueOptions
from corral.cli.chart.flags import UsageError
from corral.cli.chart.options import Options, access
from corral.cli.chart.progress import debug


def values(options: Options) -> Values:
    """The values that `-f` and the `--set` family give."""
    wish = ValueOptions(
        options.values["values"],
        options.set_json,
        options.set,
        options.set_string,
        options.set_file,
        options.set_literal,
    )
    return wish.merged(lambda url: _fetched(options, url))


def _fetched(options: Options, url: str) -> bytes:
    from corral.cli.chart import fetching

    return fetching.content(options, url)


def name_and_chart(options: Options, arguments: list[str], default: str = "") -> tuple[str, str]:
    """The release's name and the chart's reference: `NAME CHART`, or `CHART` where the name is made."""
    if len(arguments) > 2:
        raise UsageError(f"expected at most two arguments, unexpected arguments: {', '.join(arguments[2:])}")
    if len(arguments) == 2:
        if options.generate_name:
            raise UsageError("cannot set --generate-name and also specify a name")
        if options.name_template:
            raise UsageError("cannot set --name-template and also specify a name")
        return arguments[0], arguments[1]
    if options.name_template:
        from corral.charts.actions.offline import name_of_template

        return name_of_template(options.name_template), arguments[0]
    if options.generate_name:
        import time

        from corral.charts.names import generated

        return generated(arguments[0], int(time.time())), arguments[0]
    if default:
        return default, arguments[0]
    raise UsageError("must either provide a name or specify --generate-name", "corral chart install NAME CHART")


def locate(options: Options, reference: str) -> str:
    """The chart's folder or archive on disk, fetched where it is elsewhere. Raises ChartError."""
    debug(options, f'Original chart version: "{options.values.get("version", "")}"')
    path = _located(options, reference.strip())
    debug(options, f"CHART PATH: {os.path.abspath(path)}\n")
    return path


def _located(options: Options, reference: str) -> str:
    if os.path.exists(reference):
        if options.values.get("verify"):
            from pathlib import Path

            from corral.charts.provenance import verify

            verify(Path(reference), options.keyring)
        return os.path.normpath(reference)
    if os.path.isabs(reference) or reference.startswith("."):
        raise ChartError(f'path "{reference}" not found', "give the path of a chart's folder or .tgz")
    from corral.cli.chart import fetching

    return str(fetching.chart(options, reference))


def loaded(options: Options, path: str, reference: str) -> Chart:
    """The chart at a path, to be rendered: with its dependencies; a deprecated one is told of. Raises ChartError."""
    chart = load(path)
    if chart.metadata.get("deprecated"):
        from corral.cli.chart.output import warn

        warn("WARNING: This chart is deprecated")
    return with_dependencies(options, chart, reference)


def with_dependencies(options: Options, chart: Chart, reference: str) -> Chart:
    """The chart, with its dependencies fetched where they are missing and that is wished. Raises ChartError."""
    if not chart.metadata.get("dependencies"):
        return chart
    from corral.charts.dependencies.present import missing  # most charts have none

    absent = missing(chart)
    if not absent:
        return chart
    if not options.values.get("dependency_update"):
        raise ChartError(
            "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch "
            "missing "
            f"dependencies: found in Chart.yaml, but missing in charts/ directory: {', '.join(absent)}",
            f"fetch them: corral chart dependency build {reference}",
        )
    from pathlib import Path

    from corral.cli.chart import dependency

    path = locate(options, reference)
    dependency.update(options, Path(path))
    return load(path)


def namespace(options: Options) -> str:
    """The namespace: the one given, Helm's variable, or that of the kubeconfig's context."""
    if options.namespace:
        return str(options.namespace)
    if named := os.environ.get("HELM_NAMESPACE"):
        return named
    from corral.client.kubeconfig import namespace_of

    return namespace_of(access(options))


def rendering(options: Options, *, include_crds: bool = False) -> Rendering:
    """What the flags say about rendering."""
    return Rendering(
        sub_notes=options.render_subchart_notes,
        post_renderer=options.post_renderer,
        post_renderer_args=tuple(options.post_renderer_args),
        include_crds=include_crds,
        api_versions=tuple(options.values.get("api_versions") or ()),
    )


def check_post_renderer(options: Options) -> None:
    """Raise UsageError for a post-renderer that cannot be run."""
    name = options.post_renderer
    if not name:
        return
    import shutil

    if shutil.which(name) is not None:
        return
    if "/" not in name:
        reason = "executable file not found in $PATH"
    else:
        reason = "permission denied" if os.path.exists(name) else f"stat {name}: no such file or directory"
    raise UsageError(
        f'invalid argument "{name}" for "--post-renderer" flag: unable to find binary at {name}: exec: "{name}": {reason}',
        "give the path of a program that can be run",
    )


def capabilities(options: Options) -> Capabilities:
    """What the cluster can do."""
    from corral.charts.actions.capabilities import of_cluster
    from corral.cli.chart.session import reached

    with reached(options) as (api, _):
        found = of_cluster(api)
        known = found.api_versions()
    return found._replace(api_versions=lambda: known)
