"""How values of a user, of a chart and of the charts in it become one tree: the more specific wins, null takes a key away.

Tables merge key by key; everything else is replaced whole. Globals flow down to every chart below.

What the user gave is copied; tables of charts are not: they become part of the tree, and what is merged into them there is in
the chart from then on. So it is in Helm, and charts show it: the defaults of a dependency that is off are seen by its parent.
https://helm.sh/docs/chart_template_guide/subcharts_and_globals/
"""

import sys

from corral.base.annotations import Any, Callable
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, Values

GLOBAL = "global"
Warn = Callable[[str], None]


def warn(message: str) -> None:
    """Tell of a value that is passed over."""
    print(message, file=sys.stderr)


def copied(value: Any) -> Any:
    """A tree of its own, equal to `value`."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def coalesce(chart: Chart, values: Values | None, tell: Warn = warn) -> Values:
    """`values`, which stay as they are, over the defaults of `chart` and of its dependencies. Raises ChartError."""
    made: Values = copied(values or {})
    _coalesce(chart, made, "", tell)
    return made


def _coalesce(chart: Chart, values: Values, prefix: str, tell: Warn) -> None:
    path = _joined(prefix, chart.name)
    for key, default in chart.values.items():
        if key not in values:
            values[key] = default
        elif values[key] is None:
            del values[key]
        elif isinstance(values[key], dict):
            if isinstance(default, dict):
                merge_tables(values[key], default, tell, _joined(path, key))
            elif default is not None:
                tell(f"warning: skipped value for {path}.{key}: Not a table.")
    for sub in chart.dependencies:
        own = values.setdefault(sub.name, {})
        if not isinstance(own, dict):
            from corral.charts.render.gofmt import sprintf

            raise ChartError(
                sprintf("type mismatch on %s: %t", [sub.name, own]).replace("(int=", "(int64="),
                f"give {sub.name}, a chart in {chart.name}, a table of values",
            )
        _pass_globals(own, values, tell, path)
        _coalesce(sub, own, path, tell)


def _pass_globals(below: Values, above: Values, tell: Warn, prefix: str) -> None:
    """Give a chart below the globals; its own win over the same keys only where the one above has none."""
    mine, theirs = below.get(GLOBAL, {}), above.get(GLOBAL, {})
    if not isinstance(mine, dict):
        tell(f"warning: skipping globals because destination {GLOBAL} is not a table.")
        return
    if not isinstance(theirs, dict):
        tell(f"warning: skipping globals because source {GLOBAL} is not a table.")
        return
    for key, value in theirs.items():
        if isinstance(value, dict):
            own = dict(value)
            if key not in mine:
                mine[key] = own
            elif not isinstance(mine[key], dict):
                tell(f'Conflict: cannot merge map onto non-map for "{key}". Skipping.')
            else:
                merge_tables(own, mine[key], tell, _joined(prefix, key))
                mine[key] = own
        elif isinstance(mine.get(key), dict):
            tell(f"key {key} is table. Skipping")
        else:
            mine[key] = value
    below[GLOBAL] = mine


def merge_tables(over: Values, under: Values, tell: Warn = warn, prefix: str = "") -> Values:
    """Add to `over`, which is changed and given back, what only `under` has; a null in `over` takes the key away."""
    for key, value in list(under.items()):
        path = _joined(prefix, key)
        if key not in over:
            over[key] = value
            continue
        mine = over[key]
        if mine is None:
            del over[key]
        elif isinstance(value, dict):
            if isinstance(mine, dict):
                merge_tables(mine, value, tell, path)
            else:
                tell(f"warning: cannot overwrite table with non table for {path} ({_go(value)})")
        elif isinstance(mine, dict) and value is not None:
            tell(f"warning: destination for {path} is a table. Ignoring non-table value ({_go(value)})")
    return over


def layered(under: Values, over: Values) -> Values:
    """A new tree of `under` with `over` laid on it: tables merge, all else is replaced; a null stays one."""
    made = dict(under)
    for key, value in over.items():
        below = made.get(key)
        made[key] = layered(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return made


def table(values: Values, path: str) -> Values | None:
    """The table at a dotted path; None where there is none."""
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _go(value: Any) -> str:
    """A value as Go's %v writes it."""
    from corral.charts.render.gofmt import plain

    return plain(value)
