"""A release: one revision of a chart installed under a name.

https://pkg.go.dev/helm.sh/helm/v3/pkg/release#Release is the shape that is stored.
"""

from typing import Any

from msgspec import Struct, field

from corral.charts.chart.model import Chart, Values
from corral.charts.manifests.split import Hook

DEPLOYED = "deployed"
FAILED = "failed"
SUPERSEDED = "superseded"
UNINSTALLED = "uninstalled"
UNINSTALLING = "uninstalling"
PENDING_INSTALL = "pending-install"
PENDING_UPGRADE = "pending-upgrade"
PENDING_ROLLBACK = "pending-rollback"
UNKNOWN = "unknown"
STATUSES = (
    UNKNOWN,
    DEPLOYED,
    UNINSTALLED,
    SUPERSEDED,
    FAILED,
    UNINSTALLING,
    PENDING_INSTALL,
    PENDING_UPGRADE,
    PENDING_ROLLBACK,
)


class Release(Struct):
    """One revision. Times are RFC 3339 texts, "" where there is none; `config` is what the user gave, without defaults."""

    name: str
    namespace: str
    version: int
    chart: Chart
    config: Values
    manifest: str = ""
    hooks: list[Hook] = field(default_factory=list)
    status: str = UNKNOWN
    description: str = ""
    notes: str = ""
    first_deployed: str = ""
    last_deployed: str = ""
    deleted: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    #: What was stored of the chart, where the release was read: written back as it was.
    stored_chart: dict[str, Any] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether an operation on it was begun and has not ended."""
        return self.status.startswith("pending-")

    def set_status(self, status: str, description: str) -> None:
        """What has become of it."""
        self.status = status
        self.description = description
