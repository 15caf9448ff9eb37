"""How results are printed: Helm's tables, JSON, YAML."""

import sys

from corral.base.annotations import Any, Callable, Sequence
from corral.cli.chart.flags import UsageError

FORMATS = ("table", "json", "yaml")


def check_format(name: str) -> None:
    """Raise UsageError for a format that there is not."""
    if name not in FORMATS:
        raise UsageError(f'invalid argument "{name}" for "-o, --output" flag: invalid format type', "use table, json or yaml")


def show(format_name: str, content: Any, as_table: Callable[[], str]) -> None:
    """Print `content` as JSON or YAML, or the table."""
    check_format(format_name)
    if format_name == "json":
        print(as_json(content))
    elif format_name == "yaml":
        print(as_yaml(content), end="")
    else:
        text = as_table()
        print(text, end="" if text.endswith("\n") or not text else "\n")


def as_json(content: Any) -> str:
    """JSON in one line, as Go writes a struct: keys in their order, whole floats as integers."""
    import json

    text = json.dumps(_whole(content), separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def as_yaml(content: Any) -> str:
    """YAML as Go writes it."""
    from corral.charts.render import yamlwriter

    return yamlwriter.dump(content)


def table(rows: Sequence[Sequence[str]], *, max_width: int = 0) -> str:
    """Columns padded to their widest cell, with tabs between, as Helm's tables have them."""
    if not rows:
        return ""
    cut = [[_short(cell, max_width) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cut) for i in range(len(cut[0]))]
    return "\n".join("\t".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cut)


def _short(text: str, width: int) -> str:
    return text if not width or len(text) <= width else text[: width - 3] + "..."


def warn(text: str) -> None:
    """Tell something beside the result."""
    print(text, file=sys.stderr)
