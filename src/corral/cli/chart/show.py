"""Show a chart."""

import sys

from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load
from corral.charts.chart.model import Chart
from corral.cli.chart import chartpath
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import CHART, OUTPUT, Options
from corral.cli.chart.output import as_yaml, show

READMES = ("readme.md", "readme.txt", "readme")
_WORDS = ("all", "chart", "values", "readme", "crds")
USAGE = {f"show {word}": f"show {word} CHART [flags]" for word in _WORDS}
_JSONPATH = Flag("jsonpath", "string", "print only what this JSONPath finds: '{.image.tag}'")
FLAGS = {f"show {word}": (*CHART, OUTPUT, *((_JSONPATH,) if word == "values" else ())) for word in _WORDS}


def run(options: Options, arguments: list[str]) -> None:
    """Print the part that the command names."""
    command = options.values["command"]
    if len(arguments) != 1:
        raise UsageError(f'"corral chart {command}" requires 1 argument', f"Usage:  corral chart {USAGE[command]}")
    chart = load(chartpath.locate(options, arguments[0]))
    part = command.split()[1]
    if options.values.get("jsonpath"):
        sys.stdout.write(_found(options.jsonpath, chart))
        return
    if options.output != "table":
        contents = {"chart": chart.metadata, "values": chart.values}
        show(options.output, contents.get(part, {"chart": chart.metadata, "values": chart.values}), str)
        return
    sys.stdout.write(text_of(chart, part))


def _found(path: str, chart: Chart) -> str:
    from corral.api.jsonpath import JsonPathError
    from corral.charts.values.query import filled

    try:
        return filled(path, chart.values)
    except JsonPathError as error:
        raise ChartError(str(error), "a path stands in braces: '{.image.tag}'") from None


def text_of(chart: Chart, part: str) -> str:
    """The part as text; `all` has them all, with lines between."""
    everything = part == "all"
    between = "---\n" if everything else ""
    text = ""
    if everything or part == "chart":
        text += f"{as_yaml(chart.metadata)}\n"
    values = chart.file("values.yaml")
    if (everything or part == "values") and values is not None:
        text += f"{between}{values.decode('utf-8', 'replace')}\n"
    readme = next((f for f in chart.files if f.name.lower() in READMES), None)
    if (everything or part == "readme") and readme is not None:
        text += f"{between}{readme.data.decode('utf-8', 'replace')}\n"
    if everything or part == "crds":
        crds = list(chart.crds())
        if crds and everything and not crds[0].file.data.startswith(b"---"):
            text += "---\n"
        text += "".join(f"{crd.file.data.decode('utf-8', 'replace')}\n" for crd in crds)
    return text
