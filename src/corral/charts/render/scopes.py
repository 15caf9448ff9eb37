"""From a chart with its subcharts to templates with their scopes (recAllTpls of Helm's engine)."""

import posixpath

from corral.base.annotations import Any
from corral.charts.render.engine import Template
from corral.charts.render.gotypes import Values
from corral.charts.render.objects import Capabilities, Files, metadata


class ChartSource:
    """A chart as the engine needs it: Chart.yaml's content, templates and files by path in the chart, and its subcharts.

    The values of a subchart are in those of its parent, under `name` (the alias, if it has one); conditions, tags and imports
    are settled before.
    """

    __slots__ = ("chart_yaml", "dependencies", "files", "path", "templates")

    def __init__(
        self,
        chart_yaml: dict[str, Any],
        templates: dict[str, str],
        files: dict[str, bytes] | None = None,
        dependencies: "list[ChartSource] | None" = None,
        path: str = "",
    ) -> None:
        self.chart_yaml = chart_yaml
        self.templates = templates
        self.files = files or {}
        self.dependencies = dependencies or []
        #: Where its templates are said to be; "" is below its parent, by its name.
        self.path = path

    @property
    def name(self) -> str:
        """The chart's name."""
        return str(self.chart_yaml.get("name", ""))

    @property
    def is_library(self) -> bool:
        """Whether it only has partials to give."""
        return str(self.chart_yaml.get("type", "")).lower() == "library"


def templates_of(
    chart: ChartSource,
    values: dict[str, Any],
    release: dict[str, Any],
    capabilities: Capabilities,
) -> dict[str, Template]:
    """All templates of a chart and its subcharts by path (`app/charts/db/templates/x.yaml`), with their scopes.

    `values` are the final ones; `release` has Name, Namespace, Revision, IsInstall, IsUpgrade and Service.
    """
    made: dict[str, Template] = {}
    _collect(chart, Values(values), {"Release": release, "Capabilities": capabilities}, "", made)
    return made


def _collect(
    chart: ChartSource,
    values: Values,
    shared: dict[str, Any],
    parent: str,
    made: dict[str, Template],
) -> Values:
    subcharts: dict[str, Any] = {}
    scope = Values(
        Chart=metadata(chart.chart_yaml, is_root=not parent),
        Files=Files(chart.files),
        **shared,
        Values=values,
        Subcharts=subcharts,
    )
    path = chart.path or (f"{parent}/charts/{chart.name}" if parent else chart.name)
    for child in chart.dependencies:
        own = _table(values, child.name)
        subcharts[child.name] = below = _collect(child, own, shared, path, made)
        own.become(plain=True)
        below.become(plain=True)
    base_path = posixpath.join(path, "templates")
    for name, text in chart.templates.items():
        if chart.is_library and not name.rpartition("/")[2].startswith("_"):
            continue
        made[posixpath.join(path, name)] = Template(text, scope, base_path)
    return scope


def _table(values: Values, name: str) -> Values:
    """A subchart's values: the very map that its parent has, so that what one template sets in it, the others see."""
    own = values.get(name)
    if not isinstance(own, dict):
        return Values()
    if not isinstance(own, Values):
        own = values[name] = Values(own)
    return own
