"""What every action is given: the cluster, the store of releases, the clock, and where progress is told."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct, field

from corral.base.clock import Clock, SystemClock
from corral.charts.actions.cluster import Cluster
from corral.charts.actions.waiting import Tell, silent
from corral.charts.hooks.run import run as run_hooks
from corral.charts.manifests.split import Hook
from corral.charts.releases.model import Release
from corral.charts.releases.storage import Releases

DEFAULT_TIMEOUT_S = 300.0


class Context(Struct):
    """Shared by the actions of one command."""

    cluster: Cluster
    releases: Releases
    clock: Clock = field(default_factory=SystemClock)
    tell: Tell = silent

    @property
    def namespace(self) -> str:
        """The namespace of the releases."""
        return self.cluster.namespace

    def now(self) -> str:
        """The time as Helm stores it: RFC 3339 with a fraction and the zone's offset."""
        when = datetime.fromtimestamp(self.clock.now()).astimezone()
        fraction = f".{when.microsecond:06d}".rstrip("0").rstrip(".")
        return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}{when.isoformat()[-6:]}".replace("+00:00", "Z")

    async def hooks(self, release: Release, event: str, waits: "Waits", wanted: Callable[[Hook], bool] | None = None) -> None:
        """Run the hooks of an event, unless they are not wanted. Raises ChartError."""
        if not waits.hooks:
            return
        await run_hooks(
            self.cluster,
            release,
            event,
            timeout_s=waits.timeout_s,
            now=self.now,
            record=lambda: self.record(release),
            tell=self.tell,
            wanted=wanted or (lambda hook: True),
        )

    async def create(self, release: Release) -> None:
        """Store a new revision."""
        await self.releases.create(release, self.clock.now())

    async def record(self, release: Release) -> None:
        """Store what has become of a revision."""
        await self.releases.update(release, self.clock.now())


class Waits(Struct, frozen=True):
    """How an action waits. `atomic` undoes what fails, and waits."""

    ready: bool = False
    jobs: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S
    hooks: bool = True
