"""Which dependencies a chart has, which it lacks, and how `dependency list` tells it."""

import os

from corral.base.annotations import Any, Iterator
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load
from corral.charts.chart.model import Chart

_DOTS = 2


def wanted(chart: Chart) -> list[dict[str, Any]]:
    """What Chart.yaml names."""
    found: list[dict[str, Any]] = chart.metadata.get("dependencies") or []
    return found


def missing(chart: Chart) -> list[str]:
    """The names of dependencies that are not in `charts/`."""
    there = {sub.name for sub in chart.dependencies}
    return [one.get("name", "") for one in wanted(chart) if one.get("name") not in there]


def state(chart: Chart, folder: str, one: dict[str, Any]) -> str:
    """What `dependency list` says of a dependency: ok, missing, unpacked, wrong version, too many matches."""
    name = one.get("name", "")
    archives = [file for file in _content(folder) if file.startswith(f"{name}-") and file.endswith(".tgz")]
    if len(archives) > 1:
        archives = [file for file in archives if _is_version(file.removeprefix(f"{name}-").removesuffix(".tgz"))]
    if len(archives) > 1:
        return "too many matches"
    if archives:
        return _state_of_archive(os.path.join(folder, "charts", archives[0]), one)
    found = [sub for sub in chart.dependencies if sub.name == name]
    return _fit(found[-1], one) or "unpacked" if found else "missing"


def unnamed(chart: Chart, folder: str) -> Iterator[tuple[str, bool]]:
    """What lies in `charts/` and is not named in Chart.yaml: its path, and whether it is a chart."""
    names = {one.get("name") for one in wanted(chart)}
    for file in _content(folder):
        path = os.path.join(folder, "charts", file)
        if not os.path.isdir(path) and not file.endswith(".tgz"):
            continue
        try:
            if load(path).name not in names:
                yield path, True
        except ChartError:
            yield path, False


def _state_of_archive(path: str, one: dict[str, Any]) -> str:
    try:
        found = load(path)
    except ChartError:
        return "corrupt"
    return _fit(found, one) or "ok" if found.name == one.get("name", "") else "misnamed"


def _fit(found: Chart, one: dict[str, Any]) -> str:
    """Why a chart is not the one that is wanted; empty where it is."""
    from corral.charts import versions

    version = one.get("version", "")
    if found.version == version:
        return ""
    if versions.parse_range(version) is None or versions.parse(found.version) is None:
        return "invalid version"
    return "" if versions.satisfies(found.version, version) else "wrong version"


def _content(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(folder, "charts")))
    except OSError:
        return []


def _is_version(text: str) -> bool:
    """Whether a text is a version with all its three numbers."""
    from corral.charts import versions

    return text[:1].isdigit() and text.partition("-")[0].count(".") >= _DOTS and versions.parse(text) is not None
