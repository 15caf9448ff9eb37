"""The templates: their names, whether they render, and what they render to."""

from corral.api.plainyaml import value_of
from corral.base.annotations import Any, Iterator
from corral.base.errors import CorralError
from corral.charts import names
from corral.charts.actions.assumed import assumed
from corral.charts.actions.rendering import Facts, prepared, templates, with_chart_values
from corral.charts.chart.model import Chart, Values
from corral.charts.lint.deprecations import deprecation
from corral.charts.lint.messages import ERROR, WARNING, Findings
from corral.charts.render.strconv import quote
from corral.charts.values.coalesce import coalesce, warn

PATH = "templates/"
ENDINGS = (".yaml", ".yml", ".tpl", ".txt")
_WORKLOADS = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")
RELEASE_NAME, RELEASE_NAMESPACE = "test-release", ""


def examine(chart: Chart, values: Values, namespace: str, findings: Findings) -> None:
    """Render as for an install, where what is required may be missing, and look at the result."""
    try:
        capabilities = assumed()
        facts = Facts(RELEASE_NAME, namespace)
        given = values if chart.is_library else prepared(chart, values)
        # Twice, as Helm: a default that a null took away is there again.
        final = with_chart_values(chart, coalesce(chart, given))
        files = templates(chart, final, facts, capabilities, lint=warn)
    except CorralError as error:
        findings.add(ERROR, PATH, error.message)
        return
    for template in chart.templates:
        findings.add(ERROR, template.name, _ending(template.name))
        if not template.name.endswith((".yaml", ".yml")):
            continue
        rendered = files.get(f"{chart.name}/{template.name}", "")
        if rendered.strip():
            _examine_text(template.name, rendered, capabilities.version, findings)


def _examine_text(path: str, text: str, version: str, findings: Findings) -> None:
    findings.add(WARNING, path, _top_indent(text))
    for document in _documents(text):
        try:
            obj = value_of(document.encode("utf-8", "surrogateescape"))
        except ValueError as error:
            findings.add(ERROR, path, f"unable to parse YAML: {error}")
            return
        if obj is None:
            continue
        if not isinstance(obj, dict):
            findings.add(ERROR, path, "unable to parse YAML: a manifest is no mapping")
            return
        findings.add_all(WARNING, path, _names(obj))
        findings.add(WARNING, path, deprecation(str(obj.get("apiVersion") or ""), str(obj.get("kind") or ""), version))
        findings.add(ERROR, path, _selector(obj, text))
        findings.add_all(ERROR, path, _list(obj))


def _documents(text: str) -> Iterator[str]:
    """The documents as they stand there, blank lines before them too: errors count lines from where one begins."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if lines and line.startswith("---") and line[3:].strip()[:1] in ("", "#"):
            yield "".join(lines)
            lines = []
        else:
            lines.append(line)
    if lines:
        yield "".join(lines)


def _ending(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    ending = "." + name.rsplit(".", 1)[1] if "." in name else ""
    known = ", ".join(ENDINGS[:-1])
    return "" if ending in ENDINGS else f"file extension '{ending}' not valid. Valid extensions are {known}, or {ENDINGS[-1]}"


def _top_indent(text: str) -> str:
    """YAML takes an indented first line; people take it for a mistake."""
    for line in text.splitlines():
        if not line.strip() or line.strip().startswith("#"):
            continue
        if line.startswith((" ", "\t")):
            return f"document starts with an illegal indent: {quote(line)}, which may cause parsing problems"
        return ""
    return ""


def _names(obj: dict[str, Any]) -> Iterator[str]:
    kind = obj.get("kind")
    if kind == "List" or (isinstance(kind, str) and kind.endswith("List")):
        return
    meta = obj.get("metadata")
    name = str((meta if isinstance(meta, dict) else {}).get("name") or "")
    if kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
        return
    if not names.is_subdomain(name) or len(name) > 253:
        fault = (
            f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
            "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
            f"validation is '{names.SUBDOMAIN}')"
        )
        yield f'object name does not conform to Kubernetes naming requirements: "{name}": {fault}'


def _selector(obj: dict[str, Any], text: str) -> str:
    """As with Helm, a selector anywhere in the file will do."""
    kind = obj.get("kind")
    if kind not in _WORKLOADS or "matchLabels" in text or "matchExpressions" in text:
        return ""
    name = (obj.get("metadata") or {}).get("name", "")
    return f'a {kind} must contain matchLabels or matchExpressions, and "{name}" does not'


def _list(obj: dict[str, Any]) -> Iterator[str]:
    if obj.get("kind") != "List":
        return
    for item in obj.get("items") or ():
        annotations = ((item or {}).get("metadata") or {}).get("annotations") or {}
        if "helm.sh/resource-policy" in annotations:
            yield "Annotation 'helm.sh/resource-policy' within List objects are ignored"
            return
