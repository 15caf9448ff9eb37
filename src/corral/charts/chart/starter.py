"""The chart that `corral chart create` makes: a Deployment, its Service, and what usually comes with them.

Its files lie in `data/starter`; they render to what Helm's own starter renders to.
"""

import re
import sys
from pathlib import Path

from corral.charts.chart.errors import ChartError

PLACEHOLDER = "<CHARTNAME>"
OURS = Path(__file__).parent / "data" / "starter"
MAX_NAME_CHARS = 250
_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def create(target: Path, starter: Path | None = None) -> None:
    """Write a chart into the folder `target`, whose name is the chart's; files that are there are overwritten, with a word."""
    name = target.name
    if not name or len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        raise ChartError(
            f"chart name must match regular expression ^[a-zA-Z0-9._-]+$ and be at most {MAX_NAME_CHARS} characters",
            "name the chart with letters, digits, '-', '_' and '.'",
        )
    source = starter or OURS
    if not (source / "Chart.yaml").is_file():
        raise ChartError(f"could not load {source / 'Chart.yaml'}", "name a folder that holds a chart")
    if target.exists() and not target.is_dir():
        raise ChartError(f"file {target.absolute()} already exists and is not a directory", "choose another name")
    for path in sorted(source.rglob("*")):
        if path.is_file():
            inside = path.relative_to(source)
            _write(target / ("." + inside.name if inside.name == "helmignore" else inside), path.read_text(), name)
    (target / "charts").mkdir(parents=True, exist_ok=True)


def _write(path: Path, text: str, name: str) -> None:
    if path.exists():
        print(f'WARNING: File "{path.absolute()}" already exists. Overwriting.', file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(PLACEHOLDER, name))
