"""From a chart and values to what a release stores: manifests, hooks and notes. No cluster is asked here (`live` does).

Little is imported: `corral chart template` takes no longer than Helm.
"""

from corral.base.annotations import Any, Callable, Mapping, NamedTuple, Sequence
from corral.charts.actions.assumed import Capabilities
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, Values
from corral.charts.manifests.split import Sorted, sort
from corral.charts.values.coalesce import coalesce

NOTES = "NOTES.txt"
Lookup = Callable[[str, str, str, str], Any]


class Rendering(NamedTuple):
    """What rendering depends on beside the chart, its values and the cluster."""

    sub_notes: bool = False
    post_renderer: str = ""
    post_renderer_args: Sequence[str] = ()
    include_crds: bool = False
    api_versions: Sequence[str] = ()
    strict: bool = False


class Facts(NamedTuple):
    """`.Release`."""

    name: str
    namespace: str
    revision: int = 1
    is_upgrade: bool = False


class UnparsableError(ChartError):
    """A rendered file that is no YAML; `files` is everything that was rendered."""

    def __init__(self, error: ChartError, files: Mapping[str, str]) -> None:
        super().__init__(error.message, error.remedy)
        self.files = files

    def text(self) -> str:
        """The files as one text, for those who want to see what is wrong."""
        return "".join(f"---\n# Source: {path}\n{text}\n" for path, text in sorted(self.files.items()) if text.strip())


def prepared(chart: Chart, values: Values) -> Values:
    """Check that the chart can be installed and leave in it the dependencies that are on; the values as given."""
    if chart.is_library:
        raise ChartError("library charts are not installable", "install a chart that depends on it")
    if chart.dependencies or chart.metadata.get("dependencies"):
        from corral.charts.dependencies.enabled import process  # most charts have none

        process(chart, values)
    return values


def with_chart_values(chart: Chart, values: Values) -> Values:
    """The user's values over the chart's own. Raises ChartError where they are not what a schema wants."""
    final = coalesce(chart, values)
    if any(_schemas(chart)):
        from corral.charts.values.schema import check

        check(chart, final)
    return final


def templates(
    chart: Chart,
    final: Values,
    facts: Facts,
    capabilities: Capabilities,
    *,
    lookup: Lookup | None = None,
    lint: Callable[[str], None] | None = None,
    strict: bool = False,
) -> dict[str, str]:
    """Every rendered file by its path; `final` are the values with the chart's own. Raises RenderError."""
    from corral.charts.render import Options, render
    from corral.charts.render.objects import capabilities as render_capabilities
    from corral.charts.render.scopes import templates_of

    release = {
        "Name": facts.name,
        "Namespace": facts.namespace,
        "IsUpgrade": facts.is_upgrade,
        "IsInstall": not facts.is_upgrade,
        "Revision": facts.revision,
        "Service": "Helm",
    }
    known = render_capabilities(capabilities.version, capabilities.api_versions)
    options = Options(lint=lint, strict=strict)
    if lookup is not None:
        options.lookup = lookup
    return render(templates_of(_source(chart), final, release, known), options)


def _schemas(chart: Chart) -> list[bool]:
    return [chart.schema is not None, *(found for sub in chart.dependencies for found in _schemas(sub))]


def _source(chart: Chart) -> Any:
    from corral.charts.render.scopes import ChartSource

    return ChartSource(
        chart.metadata,
        {file.name: file.data.decode("utf-8", "surrogateescape") for file in chart.templates},
        {file.name: file.data for file in chart.files},
        [_source(sub) for sub in chart.dependencies],
        chart.full_path,
    )


def without_notes(chart: Chart, files: dict[str, str], sub_notes: bool) -> str:
    """Take the notes out of `files`, which is changed; those of the chart, or of all charts."""
    own = f"{chart.name}/templates/{NOTES}"
    notes = [files[path] for path in sorted(files) if path.endswith(NOTES) and (sub_notes or path == own)]
    for path in [path for path in files if path.endswith(NOTES)]:
        del files[path]
    return "\n".join(notes)


def check_kube_version(chart: Chart, version: str) -> None:
    """Raise ChartError where the chart is not made for this version of Kubernetes."""
    wanted = chart.metadata.get("kubeVersion", "")
    if wanted and not _is_within(version, wanted):
        raise ChartError(
            f"chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}",
            "take a version of the chart made for it; without a cluster, say which it is for: --kube-version",
        )


def _is_within(version: str, wanted: str) -> bool:
    from corral.charts import versions

    return versions.satisfies(version, wanted)


def sorted_manifests(files: Mapping[str, str]) -> Sorted:
    """Manifests and hooks of rendered files. Raises UnparsableError."""
    try:
        return sort(files)
    except ChartError as error:
        raise UnparsableError(error, files) from None


def text_of(chart: Chart, parts: Sorted, rendering: Rendering) -> str:
    """The manifests as one text, definitions first where they are wanted, after the post-renderer."""
    crds = ""
    if rendering.include_crds:
        crds = "".join(f"---\n# Source: {c.file.name}\n{c.file.data.decode('utf-8', 'replace')}\n" for c in chart.crds())
    text = crds + parts.text()
    return post_rendered(text, rendering) if rendering.post_renderer else text


def post_rendered(text: str, rendering: Rendering) -> str:
    """What the post-renderer makes of the manifests: a program that reads them and writes others.

    https://helm.sh/docs/topics/advanced/#post-rendering
    """
    import shutil
    import subprocess

    program = shutil.which(rendering.post_renderer) or rendering.post_renderer
    try:
        done = subprocess.run([program, *rendering.post_renderer_args], input=text.encode(), capture_output=True, check=False)
    except OSError as error:
        raise ChartError(
            f"error while running post render on files: unable to find binary at {rendering.post_renderer}: {error.strerror}",
            "give the path of a program that can be run",
        ) from None
    if done.returncode != 0:
        raise ChartError(
            f"error while running post render on files: error while running command {program}. error output:\n"
            f"{done.stderr.decode('utf-8', 'replace')}: exit status {done.returncode}"
        )
    if not done.stdout.strip():
        raise ChartError(f'error while running post render on files: post-renderer "{program}" produced empty output')
    return done.stdout.decode("utf-8", "replace")
