"""The templates: their names, and whether they render."""

from corral.base.errors import CorralError
from corral.charts.actions.assumed import assumed
from corral.charts.actions.rendering import Facts, prepared, templates, with_chart_values
from corral.charts.chart.model import Chart, Values
from corral.charts.lint import manifests
from corral.charts.lint.messages import ERROR, WARNING, Findings
from corral.charts.render.strconv import quote
from corral.charts.values.coalesce import coalesce, warn

PATH = "templates/"
ENDINGS = (".yaml", ".yml", ".tpl", ".txt")
RELEASE_NAME, RELEASE_NAMESPACE = "test-release", ""


def examine(chart: Chart, values: Values, namespace: str, findings: Findings) -> None:
    """Render as for an install, where what is required may be missing, and look at the result."""
    try:
        merged = coalesce(chart, values if chart.is_library else prepared(chart, values))
    except CorralError:
        return  # as Helm, which says nothing of values that do not fit the dependencies
    try:
        capabilities = assumed()
        facts = Facts(RELEASE_NAME, namespace)
        # Merged twice, as in Helm: a default that a null took away is there again.
        files = templates(chart, with_chart_values(chart, merged), facts, capabilities, lint=warn)
    except CorralError as error:
        findings.add(ERROR, PATH, error.message)
        return
    for template in chart.templates:
        findings.add(ERROR, template.name, _ending(template.name))
        # Helm looks into no .yml.
        if not template.name.endswith(".yaml"):
            continue
        rendered = files.get(f"{chart.name}/{template.name}", "")
        if rendered.strip():
            findings.add(WARNING, template.name, _top_indent(rendered))
            manifests.examine(template.name, rendered, capabilities.version, findings)


def _ending(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    ending = "." + name.rsplit(".", 1)[1] if "." in name else ""
    known = ", ".join(ENDINGS[:-1])
    return "" if ending in ENDINGS else f"file extension '{ending}' not valid. Valid extensions are {known}, or {ENDINGS[-1]}"


def _top_indent(text: str) -> str:
    """YAML takes an indented first line; people take it for a mistake."""
    for line in text.splitlines():
        if not line.strip():
            continue
        if line.startswith((" ", "\t")):
            return f"document starts with an illegal indent: {quote(line)}, which may cause parsing problems"
        return ""
    return ""
