"""What install and upgrade are told alike."""

from corral.base.annotations import Mapping, NamedTuple
from corral.charts.actions.context import Waits
from corral.charts.actions.rendering import Rendering
from corral.charts.chart.model import Chart, Values


class Wish(NamedTuple):
    """Which chart is to be which release, and how. `validate`: fields are checked before anything is made."""

    name: str
    chart: Chart
    values: Values
    rendering: Rendering
    waits: Waits = Waits()
    atomic: bool = False
    dry_run: bool = False
    force: bool = False
    validate: bool = True
    description: str = ""
    labels: Mapping[str, str] = {}  # noqa: RUF012 (read only)
