"""A release: one revision of a chart installed under a name.

https://pkg.go.dev/helm.sh/helm/v3/pkg/release#Release is the shape that is stored.
"""

from corral.base.annotations import Any
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


class Release:
    """One revision. Times are RFC 3339 texts, "" where there is none; `config` is what the user gave, without defaults.

    Of a release that was read, `stored_chart` is what was stored of its chart: it is written back as it was, and unpacked when
    somebody wants the chart.
    """

    __slots__ = (
        *("_chart", "config", "deleted", "description", "first_deployed", "hooks", "labels", "last_deployed", "manifest"),
        *("name", "namespace", "notes", "status", "stored_chart", "version"),
    )

    def __init__(
        self,
        name: str,
        namespace: str,
        version: int,
        config: Values,
        *,
        chart: Chart | None = None,
        stored_chart: dict[str, Any] | None = None,
        manifest: str = "",
        hooks: list[Hook] | None = None,
        status: str = UNKNOWN,
        description: str = "",
        notes: str = "",
        first_deployed: str = "",
        last_deployed: str = "",
        deleted: str = "",
        labels: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.version = version
        self.config = config
        self._chart = chart
        self.stored_chart = stored_chart
        self.manifest = manifest
        self.hooks = hooks or []
        self.status = status
        self.description = description
        self.notes = notes
        self.first_deployed = first_deployed
        self.last_deployed = last_deployed
        self.deleted = deleted
        self.labels = labels or {}

    @property
    def chart(self) -> Chart:
        """The chart, without its dependencies where it was stored. Raises ChartError where it is damaged."""
        if self._chart is None:
            from corral.charts.releases.codec import chart_of

            self._chart = chart_of(self.stored_chart or {})
        return self._chart

    @property
    def metadata(self) -> dict[str, Any]:
        """The chart's Chart.yaml."""
        if self._chart is not None:
            return self._chart.metadata
        return (self.stored_chart or {}).get("metadata") or {}

    @property
    def is_pending(self) -> bool:
        """Whether an operation on it was begun and has not ended."""
        return self.status.startswith("pending-")

    def set_status(self, status: str, description: str) -> None:
        """What has become of it."""
        self.status = status
        self.description = description
