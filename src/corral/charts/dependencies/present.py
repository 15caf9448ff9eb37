"""Which dependencies a chart has, which it lacks, and how `dependency list` tells it. Pure."""

from corral.base.annotations import TYPE_CHECKING, Any
from corral.charts.chart.model import Chart

if TYPE_CHECKING:
    from pathlib import Path


def wanted(chart: Chart) -> list[dict[str, Any]]:
    """What Chart.yaml names."""
    found: list[dict[str, Any]] = chart.metadata.get("dependencies") or []
    return found


def missing(chart: Chart) -> list[str]:
    """The names of dependencies that are not in `charts/`."""
    there = {sub.name for sub in chart.dependencies}
    return [one.get("name", "") for one in wanted(chart) if one.get("name") not in there]


def state(chart: Chart, folder: "Path", one: dict[str, Any]) -> str:
    """What `dependency list` says of a dependency: ok, missing, unpacked, wrong version, too many matches."""
    from corral.charts import versions

    name, version = one.get("name", ""), one.get("version", "")
    if name.startswith((".", "/")):
        return "bad pattern"
    archives = [p for p in (folder / "charts").glob(f"{name}-*.tgz") if _is_of(p.name, name)]
    if len(archives) > 1:
        return "too many matches"
    if archives:
        found = next((sub for sub in chart.dependencies if sub.name == name), None)
        if found is None:
            return "misnamed"
        if found.version != version and versions.parse_range(version) is None:
            return "invalid version"
        return "ok" if found.version == version or versions.satisfies(found.version, version) else "wrong version"
    for sub in chart.dependencies:
        if sub.name == name:
            return "unpacked" if sub.version == version or versions.satisfies(sub.version, version) else "wrong version"
    return "missing"


def _is_of(file: str, name: str) -> bool:
    """Whether `name-1.2.3.tgz` is of the chart `name`, and not of `name-other`."""
    from corral.charts import versions

    return versions.parse(file.removeprefix(f"{name}-").removesuffix(".tgz")) is not None
