"""Which dependencies are on, under which name, and what a parent imports of their values; before anything is rendered.

Conditions beat tags; a chart in `charts/` that Chart.yaml does not name is always on.
https://helm.sh/docs/topics/charts/#tags-and-condition-fields-in-dependencies
"""

from corral.base.annotations import Any
from corral.charts.chart.model import Chart, Values
from corral.charts.values.coalesce import Warn, coalesce, merge_tables, table, warn


def process(chart: Chart, values: Values, tell: Warn = warn) -> None:
    """Leave in `chart`, which is changed, only the dependencies that `values` turn on, and import their values."""
    _enable(chart, values, "", tell)
    _import(chart, tell)


def _enable(chart: Chart, values: Values, path: str, tell: Warn) -> None:
    wanted: list[dict[str, Any]] = chart.metadata.get("dependencies") or []
    if not wanted:
        return
    charts = [c for c in chart.dependencies if not any(_matches(c, one) for one in wanted)]
    for one in wanted:
        found = next((c for c in chart.dependencies if _matches(c, one)), None)
        if found is not None:
            charts.append(found.renamed(one.get("alias", "")))
    wanted = [{**one, "name": one["alias"]} if one.get("alias") else dict(one) for one in wanted]
    chart.bring(*charts)
    all_values = coalesce(chart, values, tell)
    on = _enabled(wanted, all_values, path, tell)
    off = {one.get("name", "") for one, is_on in zip(wanted, on, strict=True) if not is_on}
    kept = [c for c in charts if c.name not in off]
    for sub in kept:
        _enable(sub, all_values, f"{path}{sub.name}.", tell)
    chart.metadata = {
        **chart.metadata,
        "dependencies": [{**one, "enabled": True} for one in wanted if one.get("name", "") not in off],
    }
    chart.bring(*kept)


def _matches(chart: Chart, wanted: dict[str, Any]) -> bool:
    if chart.name != wanted.get("name"):
        return False
    from corral.charts import versions

    return versions.satisfies(chart.version, wanted.get("version", ""))


def _enabled(wanted: list[dict[str, Any]], values: Values, path: str, tell: Warn) -> list[bool]:
    tags = table(values, "tags") or {}
    return [_condition(one, values, path, tell, _tagged(one, tags, tell)) for one in wanted]


def _tagged(one: dict[str, Any], tags: Values, tell: Warn) -> bool:
    told = set()
    for tag in one.get("tags", ()):
        if tag in tags:
            if isinstance(tags[tag], bool):
                told.add(tags[tag])
            else:
                tell(f"Warning: Tag '{tag}' for chart {one.get('name', '')} returned non-bool value")
    return True in told or not told


def _condition(one: dict[str, Any], values: Values, path: str, tell: Warn, otherwise: bool) -> bool:
    for condition in one.get("condition", "").strip().split(","):
        if not condition:
            continue
        value = _at(values, path + condition)
        if isinstance(value, bool):
            return value
        if value is not None:
            tell(f"Warning: Condition path '{condition}' for chart {one.get('name', '')} returned non-bool value")
    return otherwise


def _at(values: Values, path: str) -> Any:
    """The value, no table, at a dotted path; None where there is none."""
    *parents, name = path.split(".")
    inside = table(values, ".".join(parents)) if parents else values
    value = None if inside is None else inside.get(name)
    return None if isinstance(value, dict) else value


def _import(chart: Chart, tell: Warn) -> None:
    for sub in chart.dependencies:
        _import(sub, tell)
    wanted = chart.metadata.get("dependencies") or []
    if not wanted:
        return
    values = coalesce(chart, None, tell)
    taken: Values = {}
    told = []
    for one in wanted:
        imports = []
        for what in one.get("import-values", ()):
            if isinstance(what, dict):
                child, parent = str(what.get("child", "")), str(what.get("parent", ""))
                # As in Helm: what was taken before from `exports` is passed over from here on.
                if (found := _found(values, one["name"], child, tell)) is not None:
                    taken = merge_tables(values, _at_path(parent, found), tell)
            elif isinstance(what, str):
                child, parent = f"exports.{what}", "."
                if (found := _found(values, one["name"], child, tell)) is not None:
                    taken = merge_tables(taken, found, tell)
            else:
                continue
            imports.append({"child": child, "parent": parent})
        told.append({**one, "import-values": imports} if imports else one)
    chart.metadata = {**chart.metadata, "dependencies": told}
    chart.values = merge_tables(values, taken, tell)


def _found(values: Values, name: str, child: str, tell: Warn) -> Values | None:
    found = table(values, f"{name}.{child}")
    if found is None:
        tell(f'Warning: ImportValues missing table: "{child.rsplit(".", 1)[-1]}" is not a table')
    return found


def _at_path(path: str, found: Values) -> Values:
    """The table as the one at a dotted path."""
    if path not in (".", ""):
        for key in reversed(path.split(".")):
            found = {key: found}
    return found
