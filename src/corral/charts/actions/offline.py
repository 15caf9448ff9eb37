"""Rendering without a cluster: `corral chart template`, `lint`, and names made by a template."""

from corral.base.errors import CorralError
from corral.charts.actions.assumed import Capabilities
from corral.charts.actions.rendering import (
    Facts,
    Rendering,
    UnparsableError,
    check_kube_version,
    prepared,
    sorted_manifests,
    templates,
    text_of,
    with_chart_values,
    without_notes,
)
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, Values
from corral.charts.manifests.split import Sorted


def rendered(
    chart: Chart,
    values: Values,
    *,
    name: str,
    namespace: str,
    capabilities: Capabilities,
    rendering: Rendering,
    is_upgrade: bool = False,
    debug: bool = False,
) -> tuple[str, Sorted]:
    """The manifests as one text, and their parts. With `debug`, text that is no YAML is printed all the same."""
    if rendering.api_versions:
        known = capabilities.api_versions
        capabilities = capabilities._replace(api_versions=lambda: [*known(), *rendering.api_versions])
    final = with_chart_values(chart, prepared(chart, values))
    facts = Facts(name, namespace, 1, is_upgrade)
    try:
        check_kube_version(chart, capabilities.version)
        files = templates(chart, final, facts, capabilities, strict=rendering.strict)
        without_notes(chart, files, rendering.sub_notes)
        parts = sorted_manifests(files)
        return text_of(chart, parts, rendering), parts
    except CorralError as error:
        if debug:
            print(error.text() if isinstance(error, UnparsableError) else "", end="")
            raise
        raise ChartError(f"{error.message}\n\nUse --debug flag to render out invalid YAML", error.remedy) from None


def name_of_template(text: str) -> str:
    """The name that a template makes: `--name-template`."""
    from corral.charts.render import Options, Template, render

    return render({"name-template": Template(text, {}, "")}, Options())["name-template"]
