"""YAML of charts: read as Helm reads it (numbers become floats, keys strings), with an error that names the file.

Charts are others' files, so their size and depth are bounded before they are read (`api.yamltext`).
"""

from corral.api.plainyaml import value_of
from corral.base.annotations import Any
from corral.charts.chart.errors import ChartError

MAX_YAML_BYTES = 20 * 1024 * 1024


def read(data: bytes, what: str, *, exact: bool = False) -> Any:
    """The value of a YAML document; with `exact`, whole numbers stay ints. `what` begins an error. Raises ChartError."""
    if len(data) > MAX_YAML_BYTES:
        raise ChartError(f"{what}: {len(data)} bytes of YAML are too many", f"the limit is {MAX_YAML_BYTES} bytes")
    try:
        value = value_of(data)
        return value if exact else floats(value)
    except ValueError as error:
        raise ChartError(f"{what}: {error}", "correct the file") from None
    except RecursionError:
        raise ChartError(f"{what}: nested too deep", "nest less") from None


def floats(value: Any) -> Any:
    """`value` with its numbers as Go's JSON reader makes them: all floats."""
    if isinstance(value, dict):
        return {key: floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    return float(value) if type(value) is int else value
