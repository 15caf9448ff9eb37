"""The chart that `corral chart create` makes: a Deployment, its Service, and what usually comes with them.

Its files lie in `data/starter`; they render to what Helm's own starter renders to.
"""

import re
import sys
from pathlib import Path

from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load

PLACEHOLDER = "<CHARTNAME>"
OURS = Path(__file__).parent / "data" / "starter"
MAX_NAME_CHARS = 250
_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def create(target: Path, starter: Path | None = None) -> None:
    """Write a chart into the folder `target`, whose name is the chart's; files that are there are overwritten, with a word.

    `starter` is a chart to begin with: its values and templates are taken with the name in place of <CHARTNAME>, its other
    files as they are, its Chart.yaml not.
    """
    name = target.name
    if not name or len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        raise ChartError(
            f"chart name must match regular expression ^[a-zA-Z0-9._-]+$ and be at most {MAX_NAME_CHARS} characters",
            "name the chart with letters, digits, '-', '_' and '.'",
        )
    if not target.absolute().parent.is_dir():
        raise ChartError(f"stat {target.absolute().parent}: no such file or directory", "make that folder first")
    if target.exists() and not target.is_dir():
        raise ChartError(f"file {target.absolute()} already exists and is not a directory", "choose another name")
    for inside, data in sorted((_ours() if starter is None else _of(starter, name)).items()):
        _write(target / inside, data.replace(PLACEHOLDER.encode(), name.encode()) if _is_template(inside) else data)
    (target / "charts").mkdir(parents=True, exist_ok=True)


def _is_template(path: str) -> bool:
    return path in ("Chart.yaml", "values.yaml", ".helmignore") or path.startswith("templates/")


def _ours() -> dict[str, bytes]:
    files = {path.relative_to(OURS).as_posix(): path.read_bytes() for path in OURS.rglob("*") if path.is_file()}
    files[".helmignore"] = files.pop("helmignore")
    return files


def _of(starter: Path, name: str) -> dict[str, bytes]:
    from corral.charts.render import yamlwriter

    try:
        chart = load(starter)
    except ChartError as error:
        raise ChartError(f"could not load {starter}: {error.message}", error.remedy) from None
    about = {"name": name, "description": "A Helm chart for Kubernetes", "type": "application"}
    versions = {"version": "0.1.0", "appVersion": "0.1.0", "apiVersion": "v2"}
    files = {file.name: file.data for file in chart.raw if file.name not in ("Chart.lock", ".helmignore")}
    return {**files, "Chart.yaml": yamlwriter.dump({**about, **versions}).encode()}


def _write(path: Path, data: bytes) -> None:
    if path.exists():
        print(f'WARNING: File "{path.absolute()}" already exists. Overwriting.', file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
