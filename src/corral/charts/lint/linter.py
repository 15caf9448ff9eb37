"""Linting a chart's folder or archive: Chart.yaml, values.yaml, templates, dependencies, in this order."""

import os

from corral.charts.chart import yamlfile
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import MAX_FILE_BYTES, Budget, archive_files, load
from corral.charts.chart.model import Values
from corral.charts.dependencies.present import missing, wanted
from corral.charts.lint import chartfile, templates
from corral.charts.lint.messages import ERROR, INFO, WARNING, Findings
from corral.charts.values.coalesce import merge_tables


def lint(path: str, values: Values, namespace: str) -> Findings:
    """Everything that is found. Raises ChartError where there is no chart to look at."""
    if not os.path.isfile(path):
        return _lint(path, values, namespace)
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="corral-") as folder:
        for file in archive_files(Path(path).read_bytes(), path, Budget()):
            target = Path(folder, file.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
        return _lint(folder, values, namespace)


def _lint(folder: str, values: Values, namespace: str) -> Findings:
    if not os.path.exists(os.path.join(folder, "Chart.yaml")):
        raise ChartError(
            f"unable to check Chart.yaml file in chart: stat {os.path.join(folder, 'Chart.yaml')}: no such file or directory",
            "give the folder that holds Chart.yaml",
        )
    findings = Findings()
    content = _yaml(folder, "Chart.yaml", findings)
    if isinstance(content, dict):
        chartfile.examine(content, findings)
    _values(folder, values, findings)
    _templates(folder, values, namespace, findings)
    _dependencies(folder, findings)
    return findings


def _yaml(folder: str, name: str, findings: Findings) -> object:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        return yamlfile.read(data, "unable to parse YAML", exact=name == "Chart.yaml")
    except (ChartError, OSError) as error:
        text = error.message if isinstance(error, ChartError) else str(error)
        findings.add(
            ERROR, name, text if name != "Chart.yaml" else text.replace("unable to parse YAML: ", "unable to parse YAML\n\t")
        )
        return None


def _values(folder: str, values: Values, findings: Findings) -> None:
    if not os.path.exists(os.path.join(folder, "values.yaml")):
        findings.add(INFO, "values.yaml", "file does not exist")
        return
    own = _yaml(folder, "values.yaml", findings)
    schema = os.path.join(folder, "values.schema.json")
    if not isinstance(own, dict | None):
        return
    merged = merge_tables(dict(values), own or {})
    if os.path.isfile(schema) and not findings.worst():
        from corral.charts.values.schema import faults

        try:
            with open(schema, "rb") as file:
                found = "".join(f"- {fault}\n" for fault in faults(file.read(), merged))
            findings.add(ERROR, "values.yaml", found)
        except ChartError as error:
            findings.add(ERROR, "values.yaml", error.message)


def _templates(folder: str, values: Values, namespace: str, findings: Findings) -> None:
    if not os.path.isdir(os.path.join(folder, "templates")):
        findings.add(WARNING, templates.PATH, "directory not found")
        return
    try:
        chart = load(folder)
    except ChartError as error:
        findings.add(ERROR, templates.PATH, error.message)
        return
    templates.examine(chart, values, namespace, findings)


def _dependencies(folder: str, findings: Findings) -> None:
    try:
        chart = load(folder)
    except ChartError as error:
        findings.add(ERROR, "", f"unable to load chart\n\t{error.message}")
        return
    named = [one.get("name", "") for one in wanted(chart)]
    unnamed = sorted({sub.name for sub in chart.dependencies}.difference(named))
    absent = missing(chart)
    where = os.path.abspath(folder)
    findings.add(ERROR, where, f"chart metadata is missing these dependencies: {','.join(unnamed)}" if unnamed else "")
    findings.add(WARNING, where, f"chart directory is missing these dependencies: {','.join(absent)}" if absent else "")
